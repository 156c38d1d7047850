//! Inspects live processes for tests: what is left of a run, and how much memory a process has
//! used.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crashrate_model::Exit;
use crashrate_protocol::env;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

use crate::platform;

const POLL: Duration = Duration::from_millis(20);

/// Prevents core dumps of all children of this process.
pub fn no_core_dumps() {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap_or_default();
    let soft = platform::silent_core_limit().min(hard);
    setrlimit(Resource::RLIMIT_CORE, soft, hard).expect("the core limit can be lowered");
}

/// Resets these signals to their default action for children, even if this process was started by
/// `nohup` or in the background of a shell.
#[allow(unsafe_code)]
pub fn hear_signals() {
    for each in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: the default action runs no code of ours.
        unsafe { signal(each, SigHandler::SigDfl) }.expect("the signal can be heard");
    }
}

/// Returns the live processes of a run by their `CRASHRATE_RUN_ID`, whatever their group and
/// session.
pub fn processes_with_marker(run_id: &str) -> Vec<u32> {
    platform::processes_with(&format!("{}={run_id}", env::RUN_ID))
}

/// Returns the live processes that were started with exactly this argument. A guardian has the
/// run's id as an argument.
pub fn processes_with_argument(argument: &str) -> Vec<u32> {
    platform::processes_with(argument)
}

/// Waits until no process of the run is left. Returns those left at the end of the limit.
pub fn wait_until_gone(run_id: &str, limit: Duration) -> Vec<u32> {
    let begin = Instant::now();
    loop {
        let left = processes_with_marker(run_id);
        if left.is_empty() || begin.elapsed() > limit {
            return left;
        }
        std::thread::sleep(POLL);
    }
}

/// Kills what is left of a run when dropped, so that a panicking test leaves nothing behind.
#[derive(Debug)]
pub struct KillAtEnd(pub String);

impl Drop for KillAtEnd {
    fn drop(&mut self) {
        for pid in processes_with_marker(&self.0) {
            // It may have ended in the meantime.
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
    }
}

/// The peak memory of a live process so far, in bytes.
pub fn peak_memory(pid: u32) -> Option<u64> {
    platform::peak_memory(pid)
}

/// Converts an exit status to the journal's type.
pub fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => {
            let number = signal.unwrap_or_default();
            let name = Signal::try_from(number).map(|s| s.as_str().to_owned());
            Exit::Signal(name.unwrap_or_else(|_| format!("signal {number}")))
        }
    }
}

/// The result of a program, with its output and peak memory.
#[derive(Debug)]
pub struct Watched {
    pub exit: Exit,
    pub stdout: String,
    pub stderr: String,
    /// The peak memory in bytes, sampled 50 times a second.
    pub peak_memory: u64,
    /// The run time.
    pub took: Duration,
}

/// Runs a program to its end and samples its memory.
///
/// # Errors
/// It cannot be started or waited for.
pub fn run_watched(command: &mut Command) -> io::Result<Watched> {
    let begin = Instant::now();
    command.stdin(Stdio::null());
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = child.id();
    let waiting = std::thread::spawn(move || child.wait_with_output());
    let mut peak = 0;
    while !waiting.is_finished() {
        peak = peak.max(peak_memory(pid).unwrap_or(0));
        std::thread::sleep(POLL);
    }
    let output = waiting.join().map_err(|_| io::ErrorKind::Other)??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Watched {
        exit: exit_of(output.status),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        peak_memory: peak,
        took: begin.elapsed(),
    })
}
