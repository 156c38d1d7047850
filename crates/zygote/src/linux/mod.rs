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
    let become_child = || {
        let control = Control::of_zygote()?;
        let state = State::now()?;
        warm_up();
        control.answer(&Reply::Ready(VERSION))?;
        fork_on_request(control, &state)
    };
    match become_child() {
        Ok(()) => {
            let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED);
            child::flush_and_exit(code)
        }
        Err(error) => {
            eprintln!("zygote: {error}");
            child::exit(1)
        }
    }
}

/// Forks a child for each request. Returns only in a child: ends the zygote when crashrate has
/// closed the socket.
fn fork_on_request(control: Control, state: &State) -> io::Result<()> {
    let mut buffer = control::buffer();
    let mut last = 0;
    loop {
        let Some((length, descriptors)) = control.receive(&mut buffer)? else {
            child::exit(0);
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
                        return Ok(());
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
