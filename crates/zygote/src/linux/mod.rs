//! The zygote on Linux.
#![allow(unsafe_code)]

mod child;
mod control;
mod state;

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::wire::{Reaped, Reply, Request, VERSION};
use state::State;

pub use control::Control;

/// Descriptors come with a request in this order: standard input, output, error, events, gate.
const DESCRIPTORS: usize = 5;
/// What a program ends with that panicked.
const PANICKED: i32 = 101;
/// A child that could not become what it was told to be.
const NO_CHILD: i32 = 127;

/// Warms up, and then forks whenever it is asked to. Returns neither in the zygote nor in its children.
pub(super) fn serve(warm_up: impl FnOnce(), run: impl FnOnce() -> i32) -> i32 {
    let begin = || -> io::Result<(Control, State)> {
        let control = Control::of_zygote()?;
        let state = State::now()?;
        Ok((control, state))
    };
    let ended = begin().and_then(|(control, state)| {
        warm_up();
        control.answer(&Reply::Ready(VERSION))?;
        forks(control, &state)
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

/// Why the zygote forks no more.
enum End {
    /// This is a child.
    Child,
    /// Nobody asks any more.
    Closed,
}

fn forks(control: Control, state: &State) -> io::Result<End> {
    let mut buffer = control::buffer();
    let mut last = 0;
    loop {
        let Some((length, descriptors)) = control.receive(&mut buffer)? else {
            return Ok(End::Closed);
        };
        match Request::read(&buffer[..length]) {
            Some(Request::Reap) => control.answer(&Reply::Reaped(reap(last)?))?,
            Some(Request::Fork(attempt)) => {
                if let Err(why) = state.is_as_it_was(&control, &descriptors) {
                    control.answer(&Reply::Refused(why))?;
                    continue;
                }
                let Ok(descriptors) = <[OwnedFd; DESCRIPTORS]>::try_from(descriptors) else {
                    let why = "not five descriptors came with the request".to_owned();
                    control.answer(&Reply::Refused(why))?;
                    continue;
                };
                let zygote = std::process::id();
                // SAFETY: this process has one thread, so the child has all that there is; it goes on as this program.
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
                        // The child does the same: whoever comes first, the group is there when its number is known.
                        // SAFETY: a system call on numbers.
                        unsafe { libc::setpgid(pid, pid) };
                        drop(descriptors);
                        last = pid;
                        control.answer(&Reply::Forked(pid))?;
                    }
                }
            }
            None => return Err(io::Error::other("a request that it does not know")),
        }
    }
}

/// Waits for the child, which has ended when this is asked for.
fn reap(pid: i32) -> io::Result<Reaped> {
    let mut status = 0;
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals of the right types that outlive the call.
    while unsafe { libc::wait4(pid, &mut status, 0, &mut used) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let micros = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000
            + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    Ok(Reaped {
        status,
        cpu_micros: micros(used.ru_utime) + micros(used.ru_stime),
        maxrss: u64::try_from(used.ru_maxrss).unwrap_or(0),
    })
}
