//! What the program was when it began to serve: attempts find the same, and a zygote that is something else must not fork.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::Control;

/// The largest number of a signal.
const SIGNALS: libc::c_int = 64;

/// Descriptors and signals as they were at the beginning.
pub(super) struct State {
    descriptors: BTreeSet<RawFd>,
    mask: libc::sigset_t,
    actions: Vec<(libc::c_int, libc::sigaction)>,
}

impl State {
    /// As it is now.
    pub(super) fn now() -> io::Result<State> {
        // SAFETY: both are plain data for which zero is a value; with nothing new the calls only fill them.
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

    /// Whether the process may be forked: it has one thread, and no descriptor but those of the beginning, those that
    /// came with the request, and its own.
    pub(super) fn is_as_it_was(&self, control: &Control, came: &[OwnedFd]) -> Result<(), String> {
        let threads = numbers_in("/proc/self/task").map_err(|e| format!("its threads: {e}"))?;
        if threads.len() != 1 {
            return Err(format!("it has {} threads", threads.len()));
        }
        let open = open_descriptors().map_err(|e| format!("its descriptors: {e}"))?;
        let came: Vec<RawFd> = came.iter().map(AsRawFd::as_raw_fd).collect();
        let is_new = |fd: &&RawFd| {
            !self.descriptors.contains(fd) && !came.contains(fd) && **fd != control.number()
        };
        match open.iter().find(is_new) {
            None => Ok(()),
            Some(fd) => {
                let what = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
                Err(format!("descriptor {fd} ({}) is open", what.display()))
            }
        }
    }

    /// Gives signals back what they were.
    pub(super) fn restore_signals(&self) {
        // SAFETY: the actions were those of this program at the beginning, and its code is still there.
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
    // The one that the list was read through is among them, and closed by now.
    // SAFETY: a system call on a number.
    let is_open = |fd: &RawFd| unsafe { libc::fcntl(*fd, libc::F_GETFD) >= 0 };
    Ok(listed.into_iter().filter(is_open).collect())
}

fn numbers_in(folder: &str) -> io::Result<Vec<i32>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let numbers = names.map(|name: io::Result<_>| Ok(name?.to_str().and_then(|n| n.parse().ok())));
    numbers.filter_map(Result::transpose).collect()
}
