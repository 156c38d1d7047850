//! Turns a forked child into an attempt that looks like an executed one.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::io::{read, retry_on_intr};
use rustix::process::setsid;

use super::state::State;
use super::{DESCRIPTORS, NO_CHILD};
use crate::unix::take_number;
use crate::wire::{Attempt, ENV};

/// The descriptor number for events, the same as in an executed child.
const EVENTS: RawFd = 3;
const SEED: &str = "CRASHRATE_SEED";

/// Turns this newly forked process into the requested attempt. Waits at the start barrier first.
pub(super) fn become_attempt(
    zygote: u32,
    settings: &[u8],
    descriptors: [OwnedFd; DESCRIPTORS],
    state: &State,
) {
    die_with(zygote);
    // Fails if the zygote has made it a group leader, which keeps the zygote's session.
    let _ = setsid();
    let [stdin, stdout, stderr, events, start_barrier] = descriptors;
    if !wait_at(&start_barrier) {
        exit(NO_CHILD);
    }
    drop(start_barrier);
    let targets = [(stdin, 0), (stdout, 1), (stderr, 2), (events, EVENTS)];
    let moved = targets
        .into_iter()
        .try_for_each(|(fd, number)| move_to(fd, number));
    let ready = moved.and_then(|()| apply(settings));
    if let Err(error) = ready {
        eprintln!("cannot set up the forked child: {error}");
        exit(NO_CHILD);
    }
    state.restore_signals();
}

/// Makes this child die with the thread of its parent that started it. Safe between fork and exec.
pub fn die_with(parent: u32) {
    // SAFETY: system calls on numbers.
    unsafe {
        // Where it is refused, the guardian kills the child.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // The parent may have died before the call to `prctl`.
        if libc::getppid() != parent.cast_signed() {
            libc::_exit(NO_CHILD);
        }
    }
}

/// Waits until crashrate has registered the child with the guardian. Returns
/// false if crashrate is gone.
fn wait_at(start_barrier: &OwnedFd) -> bool {
    let mut byte = [0u8];
    retry_on_intr(|| read(start_barrier, &mut byte)) == Ok(1)
}

/// Moves a descriptor to `number` and leaves it open across exec. Received descriptors all have
/// numbers above the standard ones and are moved in ascending order, so that a number is only
/// overwritten after its own descriptor has been moved.
fn move_to(fd: OwnedFd, number: RawFd) -> io::Result<()> {
    take_number(fd.as_raw_fd(), number)?;
    if fd.as_raw_fd() == number {
        // It stays open under this number.
        std::mem::forget(fd);
    }
    Ok(())
}

/// Sets the environment, the directory, the seed of libc's `rand`, and the limits.
fn apply(settings: &[u8]) -> io::Result<()> {
    let settings: Attempt = serde_json::from_slice(settings)?;
    // SAFETY: there is one thread.
    unsafe {
        std::env::remove_var(ENV);
        for name in &settings.unset {
            std::env::remove_var(name);
        }
        for (name, value) in &settings.env {
            std::env::set_var(name, value);
        }
    }
    std::env::set_current_dir(&settings.directory)?;
    let seed = settings
        .env
        .get(SEED)
        .and_then(|seed| seed.parse::<u64>().ok());
    let seed = seed.unwrap_or(0) as libc::c_uint;
    // SAFETY: it takes a number, and there is one thread.
    unsafe { libc::srand(seed) };
    settings.limits.set()
}

/// Ends an attempt: flushes its output and exits without running anything else.
pub(super) fn flush_and_exit(code: i32) -> ! {
    // The reader may be gone.
    let _ = io::stdout().flush();
    // SAFETY: null means all streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    exit(code)
}

/// Ends the process immediately.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(code) }
}
