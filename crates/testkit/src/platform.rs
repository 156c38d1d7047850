//! What differs between the systems: one file for each, with the same signatures.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub(crate) use linux::{
    STACK_OVERFLOW_SIGNALS, peak_memory, processes_with_argument, processes_with_variable,
    silent_core_limit,
};
#[cfg(target_os = "macos")]
pub(crate) use macos::{
    STACK_OVERFLOW_SIGNALS, peak_memory, processes_with_argument, processes_with_variable,
    silent_core_limit,
};
