//! The state of the program when it began to serve. Attempts must find the same state; a zygote
//! that has changed must not fork.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::Control;

/// The highest signal number.
const SIGNALS: libc::c_int = 64;

/// Descriptors and signal settings at the start.
pub(super) struct State {
    descriptors: BTreeSet<RawFd>,
    mask: libc::sigset_t,
    actions: Vec<(libc::c_int, libc::sigaction)>,
}

impl State {
    /// Reads the current state.
    pub(super) fn now() -> io::Result<State> {
        // SAFETY: zero is a valid value of both types, and calls with a null new value only fill
        // them.
        let (mask, actions) = unsafe {
            let mut mask: libc::sigset_t = std::mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, std::ptr::null(), &mut mask);
            let action = |signal| {
                let mut action: libc::sigaction = std::mem::zeroed();
                let known = libc::sigaction(signal, std::ptr::null(), &mut action) == 0;
                known.then_some((signal, action))
            };
            (mask, (1..=SIGNALS).filter_map(action).collect())
        };
        Ok(State {
            descriptors: open_descriptors()?,
            mask,
            actions,
        })
    }

    /// Checks that the process may be forked: it has one thread, and no descriptors except those
    /// open at the start, those received with the request, and the control socket.
    pub(super) fn check_unchanged(
        &self,
        control: &Control,
        received: &[OwnedFd],
    ) -> Result<(), String> {
        let threads = numbers_in("/proc/self/task").map_err(|e| format!("its threads: {e}"))?;
        if threads.len() != 1 {
            return Err(format!("it has {} threads", threads.len()));
        }
        let open = open_descriptors().map_err(|e| format!("its descriptors: {e}"))?;
        let received: Vec<RawFd> = received.iter().map(AsRawFd::as_raw_fd).collect();
        let is_new = |fd: &&RawFd| {
            !self.descriptors.contains(fd) && !received.contains(fd) && **fd != control.number()
        };
        match open.iter().find(is_new) {
            None => Ok(()),
            Some(fd) => {
                let what = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
                Err(format!("descriptor {fd} ({}) is open", what.display()))
            }
        }
    }

    /// Restores the signal mask and actions of the start.
    pub(super) fn restore_signals(&self) {
        // SAFETY: the actions are those that this program started with, and its code is still
        // mapped.
        unsafe {
            for (signal, action) in &self.actions {
                libc::sigaction(*signal, action, std::ptr::null_mut());
            }
            libc::sigprocmask(libc::SIG_SETMASK, &self.mask, std::ptr::null_mut());
        }
    }
}

fn open_descriptors() -> io::Result<BTreeSet<RawFd>> {
    let listed = numbers_in("/proc/self/fd")?;
    // The list includes the descriptor it was read through, which is closed by now.
    // SAFETY: a system call on a number.
    let is_open = |fd: &RawFd| unsafe { libc::fcntl(*fd, libc::F_GETFD) >= 0 };
    Ok(listed.into_iter().filter(is_open).collect())
}

fn numbers_in(folder: &str) -> io::Result<Vec<i32>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let numbers = names.map(|name: io::Result<_>| Ok(name?.to_str().and_then(|n| n.parse().ok())));
    numbers.filter_map(Result::transpose).collect()
}
