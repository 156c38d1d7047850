#![doc = include_str!("../README.md")]

mod unix;
mod wire;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub use platform::{Control, die_with};
pub use unix::{Reaped, Rlimits, reap, set_core_limit, take_number};
pub use wire::{Attempt, ENV, Reply, Request, VERSION};

/// Runs one attempt and returns its exit code. Where crashrate requests a zygote, warms up and
/// forks an attempt for each request instead; then it does not return.
///
/// Call it first in `main`: attempts find the descriptors, ignored signals and signal mask that
/// were in force when it was called.
pub fn serve(warm_up: impl FnOnce(), run: impl FnOnce() -> i32) -> i32 {
    if is_requested() {
        platform::serve(warm_up, run)
    } else {
        run()
    }
}

/// Returns whether crashrate started this program as a zygote.
pub fn is_requested() -> bool {
    std::env::var_os(ENV).is_some_and(|value| value == VERSION.to_string().as_str())
}
