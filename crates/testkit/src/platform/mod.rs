//! Platform code: one file for each system, with the same signatures.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub(crate) use linux::{
    STACK_OVERFLOW_SIGNALS, memory_file, peak_memory, posix_spawn, processes_with_argument,
    processes_with_variable, silent_core_limit, vfork,
};
#[cfg(target_os = "macos")]
pub(crate) use macos::{
    STACK_OVERFLOW_SIGNALS, memory_file, peak_memory, posix_spawn, processes_with_argument,
    processes_with_variable, silent_core_limit, vfork,
};
