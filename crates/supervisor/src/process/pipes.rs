//! The pipes that a child writes to, and waiting for them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// One value for each descriptor that a child writes to.
#[derive(Clone, Debug, Default)]
pub struct Pipes<T> {
    /// Standard output.
    pub stdout: T,
    /// Standard error.
    pub stderr: T,
    /// The events descriptor.
    pub events: T,
}

impl Pipes<Option<OwnedFd>> {
    /// The pipes that are open.
    pub(super) fn open(&self) -> Pipes<Option<BorrowedFd<'_>>> {
        Pipes {
            stdout: self.stdout.as_ref().map(AsFd::as_fd),
            stderr: self.stderr.as_ref().map(AsFd::as_fd),
            events: self.events.as_ref().map(AsFd::as_fd),
        }
    }
}

/// Whether poll reported anything for it.
pub(super) fn is_ready(fd: &PollFd<'_>) -> bool {
    fd.revents().is_some_and(|events| !events.is_empty())
}

pub(super) fn poll_in(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::POLLIN)
}

/// Polls these descriptors and the pipes, and returns what poll reported for each pipe.
pub(super) fn wait_for<'f>(
    fds: &mut Vec<PollFd<'f>>,
    pipes: &Pipes<Option<BorrowedFd<'f>>>,
    timeout: PollTimeout,
) -> io::Result<Pipes<PollFlags>> {
    let others = fds.len();
    let all = [pipes.stdout, pipes.stderr, pipes.events];
    fds.extend(all.into_iter().flatten().map(poll_in));
    match poll(fds, timeout) {
        Ok(_) | Err(nix::Error::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut of_pipes = fds[others..].iter();
    let mut flags = |pipe: Option<BorrowedFd<'_>>| {
        let fd = pipe.and_then(|_| of_pipes.next());
        fd.and_then(PollFd::revents).unwrap_or(PollFlags::empty())
    };
    Ok(Pipes {
        stdout: flags(pipes.stdout),
        stderr: flags(pipes.stderr),
        events: flags(pipes.events),
    })
}

/// Reads from a pipe for which poll reported `ready`, and returns the number of bytes. A pipe that
/// is not ready is not read: a slot blocks in `poll` only. A pipe at its end is closed.
pub(super) fn read(
    pipe: &mut Option<OwnedFd>,
    ready: PollFlags,
    buffer: &mut [u8],
) -> Option<usize> {
    let fd = pipe.as_ref().filter(|_| !ready.is_empty())?;
    if !ready.contains(PollFlags::POLLIN) {
        *pipe = None;
        return None;
    }
    match nix::unistd::read(fd, buffer) {
        Ok(0) => {
            *pipe = None;
            None
        }
        Ok(n) => {
            // No writer is left, and the pipe is empty.
            if ready.contains(PollFlags::POLLHUP) && n < buffer.len() {
                *pipe = None;
            }
            Some(n)
        }
        Err(nix::Error::EAGAIN | nix::Error::EINTR) => None,
        Err(_) => {
            *pipe = None;
            None
        }
    }
}
