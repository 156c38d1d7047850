//! What is checked and set up before the first child is started.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::Pid;

use super::guardian::in_new_session;
use super::refused_call::{RefusedCall, is_refusal};
use super::{child_io, platform};

/// The descriptors that the supervisor needs besides those of its slots, with room to spare.
const OPEN_FILES: u64 = 40;
/// The descriptors that a slot needs while it starts a child.
const OPEN_FILES_OF_A_SLOT: u64 = 20;

/// Prepares this process for children. Called once, before the first.
///
/// Makes this process the parent of orphaned descendants where the platform can. Children get a
/// core limit under which nothing is dumped; an attempt that wants a dump raises its own.
///
/// # Errors
/// Too few files may be open for this many `slots`, or a limit could not be set.
pub fn prepare(slots: u32) -> io::Result<()> {
    check_open_files(slots)?;
    reset_sigchld()?;
    child_io::reserve_events_number()?;
    platform::adopt_orphans();
    crashrate_zygote::set_core_limit(platform::silent_core_limit())
}

/// Checked up front: a run that hits the limit now and then would report random rounds as not
/// started.
fn check_open_files(slots: u32) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = OPEN_FILES + OPEN_FILES_OF_A_SLOT * u64::from(slots);
    if limit >= needed {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "too few files may be open: {limit}, and {needed} are needed for --jobs {slots}; \
         raise the limit (ulimit -n)"
    )))
}

/// Where SIGCHLD is ignored (the parent of this program may have done so), the kernel discards the
/// exit status of children.
fn reset_sigchld() -> io::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed.
    unsafe { sigaction(Signal::SIGCHLD, &default) }?;
    Ok(())
}

/// Whether this process ignores the signal. Its parent may have set that.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: the structure is plain data for which zero is a value; with no new action the call
    // only fills it.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

/// Finds the refused system calls among those that starting, waiting, tracing and killing need.
/// Starts `guardian`, a program and its arguments, as a trial child.
pub fn refused_calls(guardian: (&Path, &[&str])) -> Vec<RefusedCall> {
    let mut refused = platform::refused_calls();
    if refused.iter().any(|call| call.without.is_none()) {
        return refused;
    }
    let mut command = trial_child(guardian, Stdio::null());
    in_new_session(&mut command);
    match command.spawn() {
        Ok(mut child) => {
            let _ = child.kill();
            let _ = child.wait();
        }
        Err(error) if is_refusal(&error) => refused.push(RefusedCall {
            name: match trial_child(guardian, Stdio::null()).status() {
                Ok(_) => "setsid",
                Err(_) => "clone, pipe2 or execve",
            },
            error: error.to_string(),
            without: None,
        }),
        // Too few processes or too little memory. The run reports that when it starts.
        Err(_) => {}
    }
    refused
}

/// Whether processes can be traced here. Tries it on `guardian`, started as a trial child.
///
/// # Errors
/// They cannot; says why.
pub fn can_trace(guardian: (&Path, &[&str])) -> Result<(), String> {
    let child = trial_child(guardian, Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("a process to try it with: {error}"))?;
    let can = platform::can_trace(Pid::from_raw(child.id().cast_signed()));
    let _ = child.kill();
    let _ = child.wait();
    can
}

/// The guardian of a run that does not exist. It ends with its standard input.
fn trial_child((program, arguments): (&Path, &[&str]), stdin: Stdio) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg("none")
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
