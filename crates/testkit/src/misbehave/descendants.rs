//! Processes that stay behind, and becoming another program.
#![allow(unsafe_code)]

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, setsid};

use super::{Done, number};

pub(super) fn hold_pipe(args: &[String]) -> Done {
    let secs = number(args, 0, Some(300))?;
    itself()?
        .args(["sleep", &secs.to_string()])
        .spawn()
        .map_err(|e| e.to_string())?;
    Ok(0)
}

pub(super) fn hold_pipe_setsid(args: &[String]) -> Done {
    let secs = number(args, 0, Some(300))?;
    // SAFETY: this process has one thread, so that its child may do what it could do itself.
    match unsafe { fork() }.map_err(|e| e.to_string())? {
        ForkResult::Parent { child } => {
            waitpid(child, None).map_err(|e| e.to_string())?;
            Ok(0)
        }
        ForkResult::Child => {
            let left = setsid().is_ok();
            // SAFETY: as above; the child has one thread as well.
            if left && let Ok(ForkResult::Child) = unsafe { fork() } {
                std::thread::sleep(Duration::from_secs(secs));
            }
            // SAFETY: ends the process without the exit handlers that belong to the parent.
            unsafe { libc::_exit(i32::from(!left)) }
        }
    }
}

pub(super) fn exec_other(args: &[String]) -> Done {
    let mut other = match args {
        [] => Command::new("true"),
        kind => {
            let mut itself = itself()?;
            itself.args(kind);
            itself
        }
    };
    Err(other.exec().to_string())
}

/// The program `misbehave`: this one, or the one beside it.
fn itself() -> Result<Command, String> {
    let path = std::env::current_exe().map_err(|e| e.to_string())?;
    Ok(Command::new(path.with_file_name("misbehave")))
}
