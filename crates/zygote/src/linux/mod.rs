//! The zygote on Linux.
#![allow(unsafe_code)]

mod child;
mod control;
mod state;

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::unix::reap;
use crate::wire::{Reply, Request, VERSION};
use state::State;

pub use child::die_with;
pub use control::Control;

/// A request carries five descriptors in this order: standard input, output, error, events, start
/// barrier.
const DESCRIPTORS: usize = 5;
/// The exit code of a program that panicked, as Rust's runtime uses it.
const PANICKED: i32 = 101;
/// The exit code of a child that could not be set up.
const NO_CHILD: i32 = 127;

/// Warms up, then forks on request. Does not return in the zygote.
pub(super) fn serve(warm_up: impl FnOnce(), run: impl FnOnce() -> i32) -> i32 {
    let start = || -> io::Result<(Control, State)> {
        let control = Control::of_zygote()?;
        let state = State::now()?;
        Ok((control, state))
    };
    let ended = start().and_then(|(control, state)| {
        warm_up();
        control.answer(&Reply::Ready(VERSION))?;
        fork_on_request(control, &state)
    });
    match ended {
        Ok(End::Child) => {
            let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED);
            child::flush_and_exit(code)
        }
        Ok(End::Closed) => child::exit(0),
        Err(error) => {
            eprintln!("zygote: {error}");
            child::exit(1)
        }
    }
}

/// Why the loop of the zygote ended.
enum End {
    /// This process is a forked child.
    Child,
    /// crashrate closed the socket.
    Closed,
}

fn fork_on_request(control: Control, state: &State) -> io::Result<End> {
    let mut buffer = control::buffer();
    let mut last = 0;
    loop {
        let Some((length, descriptors)) = control.receive(&mut buffer)? else {
            return Ok(End::Closed);
        };
        match Request::read(&buffer[..length]) {
            Some(Request::Reap) => control.answer(&Reply::Reaped(reap(last)?))?,
            Some(Request::Fork(attempt)) => {
                if let Err(why) = state.check_unchanged(&control, &descriptors) {
                    control.answer(&Reply::Refused(why))?;
                    continue;
                }
                let Ok(descriptors) = <[OwnedFd; DESCRIPTORS]>::try_from(descriptors) else {
                    let why = "the request did not carry five descriptors".to_owned();
                    control.answer(&Reply::Refused(why))?;
                    continue;
                };
                let zygote = std::process::id();
                // SAFETY: this process has one thread, so the child continues as a complete copy of
                // the program.
                match unsafe { libc::fork() } {
                    -1 => {
                        let why = format!("fork: {}", io::Error::last_os_error());
                        control.answer(&Reply::Refused(why))?;
                    }
                    0 => {
                        drop(control);
                        child::become_attempt(zygote, attempt, descriptors, state);
                        return Ok(End::Child);
                    }
                    pid => {
                        // The child makes the same call. Whichever comes first, the group exists
                        // before its number is reported.
                        // SAFETY: a system call on numbers.
                        unsafe { libc::setpgid(pid, pid) };
                        drop(descriptors);
                        last = pid;
                        control.answer(&Reply::Forked(pid))?;
                    }
                }
            }
            None => return Err(io::Error::other("unknown request")),
        }
    }
}
