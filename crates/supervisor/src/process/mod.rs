//! One attempt from start to reap, and the places (slots) in which attempts run.
//!
//! Invariants:
//! - An attempt has a process group of its own, and the group is gone before the slot takes the next attempt.
//! - Whoever waits for a child is the slot's own thread, and nobody else waits for it.
//! - A child registers with the guardian before it executes anything: no moment of the supervisor's death leaves orphans.
//!
//! How a child is started and waited for is behind [`Start`] and [`Wait`]: the loop that drains, limits and cleans up
//! (`attempt`) and the classification behind it do not change when another way is added.

mod attempt;
mod capture;
mod exec;
mod forks;
mod group;
mod guardian;
mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod pace;
mod pipes;
mod slots;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use crashrate_model::{Exit, Spawn, Usage};
use crashrate_postmortem::Crash;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use crate::plan::AttemptSpec;

pub use capture::Captured;
pub use exec::{PlainExec, is_ignored};
pub use forks::{Forks, why_not};
pub use guardian::{Guardian, guard};
pub(crate) use limits::in_force;
pub use pipes::Pipes;
pub use platform::TracedExec;
pub use slots::{Evidence, FromSlot, Observed, Slot, Slots};

/// A way of starting a child.
pub trait Start: Send + Sync {
    /// Starts the child of an attempt in a process group of its own, registered with the guardian under `slot`.
    ///
    /// # Errors
    /// It could not be started; nothing of it is left.
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started>;

    /// Nothing more is to be started, and what only the start of an attempt waits for is killed.
    fn abandon(&self) {}

    /// Ends what was started for several attempts. No slot is at work any more.
    fn close(&self) {}

    /// What was started for several attempts of any slot, and is still there: it is nothing that an attempt left.
    fn kept(&self) -> Vec<Pid> {
        Vec::new()
    }

    /// How what was started for several attempts of a slot has ended by itself since this was last asked.
    fn ended(&self, _slot: u32) -> Vec<String> {
        Vec::new()
    }
}

/// A child that was started.
pub struct Started {
    /// Its pid, which is also its process group.
    pub pid: Pid,
    /// The reading ends of its standard output, standard error and events.
    pub pipes: Pipes<OwnedFd>,
    /// How its end is waited for.
    pub wait: Box<dyn Wait>,
    /// What limits it and all that it starts, where that is not left to each process.
    bounds: Option<platform::Cgroup>,
    how: How,
}

/// How a child came to be.
#[derive(Clone, Debug, Default)]
struct How {
    spawn: Spawn,
    /// Why it was not forked, if it should have been.
    instead: Option<String>,
    /// When its start began, if something was started for others, too, before that.
    since: Option<Instant>,
}

/// How a child's end is waited for. It belongs to the thread that started the child.
pub trait Wait {
    /// Readable when there may be news of the child. Asked for only where the end is really waited for.
    ///
    /// # Errors
    /// It could not be opened.
    fn fd(&mut self) -> io::Result<BorrowedFd<'_>>;

    /// Whether the child has ended, without reaping it: its pid, and so its group's, stays taken.
    ///
    /// # Errors
    /// The system call failed.
    fn ended(&mut self) -> io::Result<bool>;

    /// Waits for the end of the child alone, at most so long and perhaps not at all: where that costs less than
    /// [`Wait::fd`]. Whether it has ended.
    ///
    /// # Errors
    /// The system call failed.
    fn listen(&mut self, _most: Duration) -> io::Result<bool> {
        Ok(false)
    }

    /// Looks at what the child and its descendants are about, because they are about to be killed at the time limit.
    fn look(&mut self) {}

    /// Ends the watching of a child that has ended or is given up. What was watched of its descendants is gone after it.
    fn finish(&mut self) -> Watched {
        Watched::default()
    }

    /// Reaps the child that has ended.
    ///
    /// # Errors
    /// The system call failed.
    fn reap(&mut self) -> io::Result<Reaped>;
}

/// What was seen by watching a child.
#[derive(Debug, Default)]
pub struct Watched {
    /// Whether it was watched at all.
    pub traced: bool,
    /// What is known of its death by a signal; of its hang, if it was looked at.
    pub crash: Option<Box<Crash>>,
    /// The most memory that it had had resident when it died, bytes.
    pub peak_bytes: Option<u64>,
    /// How many of its descendants had to be killed.
    pub left_behind: usize,
}

/// A child that is gone.
#[derive(Clone, Debug)]
pub struct Reaped {
    /// How it ended.
    pub exit: Exit,
    /// What it used, by the kernel's account.
    pub usage: Usage,
}

/// Prepares the supervisor's process for children; once, before the first.
///
/// Orphans of children come to the supervisor where the platform allows it. Without `core_dumps`, no child leaves a
/// core dump.
///
/// # Errors
/// Too few files may be open for so many `slots`, or the limit could not be set.
pub fn prepare(core_dumps: bool, slots: u32) -> io::Result<()> {
    check_open_files(slots)?;
    exec::hear_of_children()?;
    exec::reserve_events_number()?;
    platform::adopt_orphans();
    if core_dumps {
        return Ok(());
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(
        Resource::RLIMIT_CORE,
        platform::silent_core_limit().min(hard),
        hard,
    )?;
    Ok(())
}

/// The files that the supervisor has open by itself, and those of each slot while it starts a child, with room to spare.
const OPEN_FILES: u64 = 40;
const OPEN_FILES_OF_A_SLOT: u64 = 20;

/// A run that fails now and then because of it would say of every such round that it could not be started.
fn check_open_files(slots: u32) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = OPEN_FILES + OPEN_FILES_OF_A_SLOT * u64::from(slots);
    if limit >= needed {
        return Ok(());
    }
    let problem = format!(
        "too few files may be open: {limit}, and {needed} are needed for --jobs {slots}; raise the limit (ulimit -n)"
    );
    Err(io::Error::other(problem))
}
