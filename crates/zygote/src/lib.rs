//! Lets a program be forked for each attempt instead of executed: it starts once, and every attempt is a copy of it.
//!
//! A program that is slow to start (a large library is linked, a table is read) calls [`serve`] first of all in `main`:
//!
//! ```no_run
//! let code = crashrate_zygote::serve(
//!     || { /* what every attempt needs and none changes: load, look up, touch */ },
//!     || { /* one attempt: read the task or the environment, run, say the verdict */ 0 },
//! );
//! std::process::exit(code);
//! ```
//!
//! Started by hand, or executed by crashrate, it runs one attempt and nothing of the rest happens. Where crashrate asks
//! for it (`spawn = "fork"`, and `zygote = true` for a program that is not the worker), it warms up and then waits; each
//! attempt is a forked child with the standard input, output, events, environment, directory, process group and limits
//! that an executed one would have.
//!
//! # Rules for authors
//! 1. **One thread until the fork.** A thread of the zygote does not exist in the child, but the locks that it held do.
//!    A pool of threads (OpenMP, a BLAS) may be made by an attempt, never by the warm-up.
//! 2. **No descriptor that was not there at the start.** The children would share its offset.
//! 3. Both are checked before each fork. A zygote that breaks them forks nothing; crashrate executes the program then,
//!    and says so.
//! 4. **No random draws, no clocks, no identities** in the warm-up: every attempt would have the same. What was seeded
//!    before the fork, `HashMap`s included, is seeded alike in all children; libc's `rand` is seeded anew.
//! 5. **No devices:** a driver's context (CUDA, Metal) does not survive a fork. Loading its library may be fine.
//! 6. The attempt ends with `_exit` after its streams were flushed: exit handlers and destructors of globals do not run,
//!    and what crashes in them is only found by executing.
//! 7. Attempts share the layout of the address space and the state of the allocator at the fork. That can hide or bias
//!    defects of memory: executing stays the default, and rates of the two are never taken together.
//!
//! Linux only. Elsewhere [`serve`] runs one attempt, and crashrate executes the program.

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

/// Runs one attempt and returns its exit code. Where crashrate requests a zygote, warms up and forks
/// an attempt for each request instead; then it does not return.
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
