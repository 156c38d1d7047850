//! One attempt from start to reap, and the places (slots) in which attempts run.
//!
//! Invariants:
//! - An attempt has a process group of its own, and the group is gone before the slot takes the next attempt.
//! - Whoever waits for a child is the slot's own thread, and nobody else waits for it.
//! - A child registers with the guardian before it executes anything: no moment of the supervisor's death leaves orphans.
//!
//! How a child is started and waited for is behind [`Start`] and [`Wait`]: the loop that drains, limits and cleans up
//! ([`attempt`]) and the classification behind it do not change when another way is added.

mod attempt;
mod capture;
mod exec;
mod group;
mod guardian;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod slots;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use crashrate_model::Exit;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
use nix::unistd::Pid;

use crate::plan::AttemptSpec;

pub use capture::Captured;
pub use exec::PlainExec;
pub use guardian::{Guardian, guard};
pub use slots::{FromSlot, Observed, Slots};

/// A way of starting a child.
pub trait Start: Send + Sync {
    /// Starts the child of an attempt in a process group of its own, registered with the guardian under `slot`.
    ///
    /// # Errors
    /// It could not be started; nothing of it is left.
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started>;
}

/// A child that was started.
pub struct Started {
    /// Its pid, which is also its process group.
    pub pid: Pid,
    /// The reading ends of its standard output, standard error and events.
    pub pipes: Pipes<OwnedFd>,
    /// How its end is waited for.
    pub wait: Box<dyn Wait>,
}

/// One of something for each descriptor that a child writes to.
#[derive(Clone, Debug, Default)]
pub struct Pipes<T> {
    /// Standard output.
    pub stdout: T,
    /// Standard error.
    pub stderr: T,
    /// The events descriptor.
    pub events: T,
}

/// How a child's end is waited for. It belongs to the thread that started the child.
pub trait Wait {
    /// Readable when there may be news of the child.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Whether the child has ended, without reaping it: its pid, and so its group's, stays taken.
    ///
    /// # Errors
    /// The system call failed.
    fn ended(&mut self) -> io::Result<bool>;

    /// Reaps the child that has ended.
    ///
    /// # Errors
    /// The system call failed.
    fn reap(&mut self) -> io::Result<Exit>;
}

/// Prepares the supervisor's process for children; once, before the first.
///
/// Orphans of children come to the supervisor where the platform allows it. Without `core_dumps`, no child leaves a
/// core dump.
///
/// # Errors
/// The limit could not be set.
pub fn prepare(core_dumps: bool) -> io::Result<()> {
    exec::reserve_events_number()?;
    platform::adopt_orphans();
    if core_dumps {
        return Ok(());
    }
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(
        Resource::RLIMIT_CORE,
        platform::silent_core_limit().min(hard),
        hard,
    )?;
    Ok(())
}
