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
mod group;
mod guardian;
mod jobserver;
mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod pace;
mod pipes;
mod pty;
mod slots;
mod untraceable;
mod zygote_pool;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crashrate_model::{EvidenceMode, Exit, Spawn, Usage};
use crashrate_postmortem::Crash;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use crate::plan::AttemptSpec;

pub use capture::Captured;
pub use exec::is_ignored;
pub use guardian::{Guardian, guard};
pub(crate) use limits::in_force;
pub use pipes::Pipes;
pub use platform::{CoreFiles, Starter, TRACES};
pub use slots::{Evidence, FromSlot, Observed, Slot, SlotContext, Slots};
pub use zygote_pool::{Forks, why_not};

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
    /// Readable when there may be news of the child; nothing where the system has no such descriptor, and the end has to be
    /// polled for. Asked for only where the end is really waited for.
    ///
    /// # Errors
    /// It could not be opened.
    fn fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>>;

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
    fn capture_hang(&mut self) {}

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

/// The crash of a descendant of an attempt's process.
#[derive(Clone, Debug)]
pub struct DescendantCrash {
    /// The name of its program.
    pub program: String,
    /// What is known of it; it has a signal.
    pub crash: Crash,
}

/// The core dumps of an attempt.
#[derive(Debug, Default)]
struct CoreEvidence {
    /// The crash of its own process.
    own: Option<Crash>,
    /// Crashes of descendants in its session.
    descendants: Vec<DescendantCrash>,
    /// Why dumps are missing or were not read.
    notes: Vec<String>,
}

/// What was seen by watching a child.
#[derive(Debug, Default)]
pub struct Watched {
    /// How it was watched.
    pub mode: EvidenceMode,
    /// The signal that was about to end it, whatever ended it in the end: a tracer delays the delivery, and another thread
    /// may call `exit` meanwhile.
    pub settled: Option<String>,
    /// The signal that it was stopped by when its hang was captured: the kernel tells only its tracer.
    pub stopped_by: Option<String>,
    /// The crashes of its descendants.
    pub descendants: Vec<DescendantCrash>,
    /// The programs that it and its descendants executed.
    pub programs: Vec<PathBuf>,
    /// What the watching did to it, if that may have changed its outcome.
    pub disturbed: Option<String>,
    /// What else there is to say of the watching.
    pub notes: Vec<String>,
    /// What is known of its death by a signal; of its hang, if it was looked at.
    pub crash: Option<Box<Crash>>,
    /// The most memory that it had had resident when it died, bytes.
    pub peak_bytes: Option<u64>,
    /// How many of its descendants had to be killed.
    pub left_behind: usize,
}

/// A system call that is needed and refused here.
#[derive(Clone, Debug)]
pub struct RefusedCall {
    /// Its name.
    pub name: &'static str,
    /// The error that it gives.
    pub error: String,
    /// What is done without it; nothing if nothing can be measured then.
    pub without: Option<&'static str>,
}

impl RefusedCall {
    /// What it means, in a sentence.
    pub fn sentence(&self) -> String {
        let RefusedCall { name, error, .. } = self;
        format!(
            "{name}(2) is refused here ({error}), probably by the seccomp profile of a container"
        )
    }
}

/// The system calls that starting, waiting, tracing and killing need, and that are refused here. `guardian` is the program
/// that is started for that.
pub fn refused_calls((program, arguments): (&Path, &[&str])) -> Vec<RefusedCall> {
    let mut refused = platform::refused_calls();
    if refused.iter().any(|call| call.without.is_none()) {
        return refused;
    }
    let trial = || {
        let mut command = Command::new(program);
        command.args(arguments).arg("none").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut command = trial();
    // SAFETY: a system call on nothing, which is safe between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(|| match libc::setsid() {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    match command.spawn() {
        Ok(mut child) => {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Otherwise it is a want of processes or memory, and says so when the run begins.
        Err(error) if is_refusal(&error) => refused.push(RefusedCall {
            name: match trial().status() {
                Ok(_) => "setsid",
                Err(_) => "clone, pipe2 or execve",
            },
            error: error.to_string(),
            without: None,
        }),
        Err(_) => {}
    }
    refused
}

fn is_refusal(error: &io::Error) -> bool {
    let codes = [libc::EPERM, libc::EACCES, libc::ENOSYS];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

/// Whether processes can be traced here; asked of a process of our own, which is started for that.
///
/// # Errors
/// They cannot: why, in words.
pub fn can_trace((program, arguments): (&Path, &[&str])) -> Result<(), String> {
    let child = Command::new(program)
        .args(arguments)
        .arg("none")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|error| format!("a process to try it with: {error}"))?;
    let can = platform::can_trace(Pid::from_raw(child.id() as i32));
    let _ = child.kill();
    let _ = child.wait();
    can
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
/// Orphans of children come to the supervisor where the platform allows it. No child leaves a core dump unless its own
/// limit is raised.
///
/// # Errors
/// Too few files may be open for so many `slots`, or the limit could not be set.
pub fn prepare(slots: u32) -> io::Result<()> {
    check_open_files(slots)?;
    exec::hear_of_children()?;
    exec::reserve_events_number()?;
    platform::adopt_orphans();
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
