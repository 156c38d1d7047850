#![doc = include_str!("../README.md")]

mod wire;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub use platform::Control;
pub use wire::{Attempt, ENV, Reaped, Reply, Request, VERSION};

/// Runs one attempt and returns its exit code; or, where crashrate wants a zygote, warms up and forks an attempt each
/// time that it is asked to. Then it does not return: not in the zygote, and not in its children.
///
/// To be called first of all: what is open, ignored or blocked when it is called is what attempts find.
pub fn serve(warm_up: impl FnOnce(), run: impl FnOnce() -> i32) -> i32 {
    match is_wanted() {
        true => platform::serve(warm_up, run),
        false => run(),
    }
}

/// Whether crashrate has started this program to be a zygote.
pub fn is_wanted() -> bool {
    std::env::var_os(ENV).is_some_and(|value| value == VERSION.to_string().as_str())
}
