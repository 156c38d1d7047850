//! A forked child, on its way to being an attempt like an executed one.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::state::State;
use super::{DESCRIPTORS, NO_CHILD};
use crate::wire::{Attempt, ENV};

/// The number of the events descriptor, as an executed child has it.
const EVENTS: RawFd = 3;
const SEED: &str = "CRASHRATE_SEED";

/// Makes this process, which has just been forked, the attempt that it is told to be. It waits at its gate first.
pub(super) fn become_attempt(
    zygote: u32,
    told: &[u8],
    descriptors: [OwnedFd; DESCRIPTORS],
    state: &State,
) {
    // SAFETY: system calls on numbers.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // It may have died before the call.
        if libc::getppid() != zygote.cast_signed() {
            libc::_exit(NO_CHILD);
        }
        libc::setsid();
    }
    let [stdin, stdout, stderr, events, gate] = descriptors;
    if !pass(&gate) {
        exit(NO_CHILD);
    }
    drop(gate);
    let targets = [(stdin, 0), (stdout, 1), (stderr, 2), (events, EVENTS)];
    let placed = targets
        .into_iter()
        .try_for_each(|(fd, number)| place(fd, number));
    let ready = placed.and_then(|()| tell(told));
    if let Err(error) = ready {
        eprintln!("a forked child could not be made: {error}");
        exit(NO_CHILD);
    }
    state.restore_signals();
}

/// Waits until it may go on: crashrate has seen to its guardian and its limits. Not, if crashrate is gone.
fn pass(gate: &OwnedFd) -> bool {
    let mut byte = [0u8];
    loop {
        // SAFETY: the buffer is a local of one byte.
        match unsafe { libc::read(gate.as_raw_fd(), byte.as_mut_ptr().cast(), 1) } {
            1 => return true,
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return false,
        }
    }
}

/// Gives a descriptor this number, open across exec. All that came are above the standard ones, and they are placed in
/// the order of the numbers: what is overwritten has been placed before.
fn place(fd: OwnedFd, number: RawFd) -> io::Result<()> {
    // SAFETY: system calls on numbers; what has the target's number is not used any more.
    let done = unsafe {
        if fd.as_raw_fd() == number {
            // It stays open with this number.
            std::mem::forget(fd);
            libc::fcntl(number, libc::F_SETFD, 0)
        } else {
            libc::dup2(fd.as_raw_fd(), number)
        }
    };
    match done {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Environment, directory, and libc's own random numbers.
fn tell(told: &[u8]) -> io::Result<()> {
    let told: Attempt = serde_json::from_slice(told)?;
    // SAFETY: there is one thread.
    unsafe {
        std::env::remove_var(ENV);
        for name in &told.unset {
            std::env::remove_var(name);
        }
        for (name, value) in &told.env {
            std::env::set_var(name, value);
        }
    }
    std::env::set_current_dir(&told.directory)?;
    let seed = told.env.get(SEED).and_then(|seed| seed.parse::<u64>().ok());
    let seed = seed.unwrap_or(0) as libc::c_uint;
    // SAFETY: it takes a number, and there is one thread.
    unsafe { libc::srand(seed) };
    Ok(())
}

/// The end of an attempt: what it has printed leaves the process, and nothing else of it is run.
pub(super) fn flush_and_exit(code: i32) -> ! {
    // There may be nobody to read it.
    let _ = io::stdout().flush();
    // SAFETY: null means all streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    exit(code)
}

/// Ends the process at once.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(code) }
}
