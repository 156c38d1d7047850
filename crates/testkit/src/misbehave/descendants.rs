//! Leaves processes behind, or becomes another program.
#![allow(unsafe_code)]

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpgid, getppid, setpgid, setsid};

use super::{Done, Problem, number, wait_for_nothing};

/// `[SECONDS=300]`: leaves a child in its group that holds its descriptors.
pub(super) fn hold_pipe(args: &[String]) -> Done {
    let secs = number(args, 0, Some(300))?;
    itself()?.args(["sleep", &secs.to_string()]).spawn()?;
    Ok(0)
}

/// `[SECONDS=300]`: leaves a daemon in another session that holds its descriptors.
pub(super) fn hold_pipe_setsid(args: &[String]) -> Done {
    let secs = number(args, 0, Some(300))?;
    // SAFETY: this process has one thread, so its child may do anything.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            waitpid(child, None)?;
            Ok(0)
        }
        ForkResult::Child => {
            let left = setsid().is_ok();
            // SAFETY: as above; the child also has one thread.
            if left && let Ok(ForkResult::Child) = unsafe { fork() } {
                std::thread::sleep(Duration::from_secs(secs));
            }
            // SAFETY: ends the process without running the parent's exit handlers.
            unsafe { libc::_exit(i32::from(!left)) }
        }
    }
}

/// Joins the process group of its parent and hangs.
pub(super) fn join_group(_: &[String]) -> Done {
    let group = getpgid(Some(getppid()))?;
    setpgid(Pid::this(), group)?;
    wait_for_nothing();
    Ok(70)
}

/// `[N=200]`: leaves this many daemons with a child each, all in separate sessions.
pub(super) fn fork_many(args: &[String]) -> Done {
    for _ in 0..number(args, 0, Some(200))? {
        // SAFETY: this process and each of its children have one thread.
        if let ForkResult::Child = unsafe { fork() }? {
            let _ = setsid();
            // SAFETY: as above.
            let _ = unsafe { fork() };
            wait_for_nothing();
        }
    }
    Ok(0)
}

/// `[SECONDS=300]`: leaves a process that starts a successor and ends, repeatedly.
pub(super) fn fork_relay(args: &[String]) -> Done {
    let end = Instant::now() + Duration::from_secs(number(args, 0, Some(300))?.min(900));
    let mut is_first = true;
    while Instant::now() < end {
        // SAFETY: this process and each of its successors have one thread.
        match unsafe { fork() }? {
            ForkResult::Parent { .. } if is_first => return Ok(0),
            // SAFETY: ends the process without running the first process's exit handlers.
            ForkResult::Parent { .. } => unsafe { libc::_exit(0) },
            ForkResult::Child => is_first = false,
        }
        let _ = setsid();
    }
    Ok(0)
}

/// `[KIND [ARGUMENT...]]`: becomes another program: `true`, or itself with this kind.
pub(super) fn exec_other(args: &[String]) -> Done {
    let mut other = match args {
        [] => Command::new("true"),
        kind => {
            let mut itself = itself()?;
            itself.args(kind);
            itself
        }
    };
    Err(other.exec().into())
}

/// `[KIND [ARGUMENT...]]`: runs a program, then becomes another in a second thread.
pub(super) fn exec_other_thread(args: &[String]) -> Done {
    let child = Command::new("true").status();
    child?;
    let args = args.to_vec();
    let executed = std::thread::spawn(move || exec_other(&args)).join();
    executed.unwrap_or_else(|_| Err("its thread panicked".into()))
}

/// The program `misbehave`: this program, or the one next to it.
fn itself() -> Result<Command, Problem> {
    let path = std::env::current_exe()?;
    Ok(Command::new(path.with_file_name("misbehave")))
}
