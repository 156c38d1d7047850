//! Reads what a child prints and reports, and waits for its exit and for the order to kill it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use crashrate_protocol::Event;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Attempt;
use crate::process::pace::TICK;
use crate::process::platform::ExitWatch;

/// How often a child's exit is polled for where the system offers no descriptor for it.
const POLL_FOR_EXIT: Duration = Duration::from_millis(2);
/// How long the output of a dead child may take to arrive.
const LEFTOVER_OUTPUT: Duration = Duration::from_millis(500);

/// The buffer that a slot reads into. As large as a pipe.
pub(in super::super) type Buffer = [u8; 64 * 1024];

impl Attempt<'_> {
    /// Waits until something happens, at most for `timeout`, and reads the pipes.
    pub(super) fn poll(&mut self, timeout: Duration) -> io::Result<()> {
        let watches_kill = !self.is_killed();
        let kill_all = watches_kill.then(|| self.context.kill_all.as_fd());
        let quiet = self.quiet.checked_sub(self.started.elapsed());
        // The end of the events is most often the end of the child.
        let quiet = quiet.filter(|_| self.process.pipes.events.is_some());
        let mut expected = timeout.min(quiet.unwrap_or(TICK)).min(TICK);
        if quiet.is_none() && self.process.exit.is_none() {
            self.process.exit = ExitWatch::of(self.process.pid)?;
        }
        let mut exit = self.process.exit.as_ref().map(ExitWatch::as_fd);
        let mut pipes = self.process.pipes.open();
        if quiet.is_some() {
            exit = None;
            pipes[..2].fill(None);
        } else if exit.is_none() {
            expected = expected.min(POLL_FOR_EXIT);
        }
        let mut fds = Vec::with_capacity(5);
        fds.extend(kill_all.map(poll_in));
        fds.extend(exit.map(poll_in));
        // Rounded up: what is due must be due when poll returns.
        let millis = expected.as_millis() + 1;
        let millis = PollTimeout::try_from(millis as i32).unwrap_or(PollTimeout::MAX);
        let ready = wait_for(&mut fds, pipes, millis)?;
        let is_interrupted = watches_kill && fds[0].any() == Some(true);
        self.extend_limits(expected);
        if is_interrupted {
            self.interrupt();
        }
        self.read_once(ready);
        Ok(())
    }

    /// Reads at most one buffer of each pipe that is ready. Returns whether anything was read.
    fn read_once(&mut self, [stdout, stderr, events]: [PollFlags; 3]) -> bool {
        let pipes = &mut self.process.pipes;
        let stdout = read(&mut pipes.stdout, stdout, &mut self.buffer[..]);
        let mut reported = Vec::new();
        if let Some(n) = stdout {
            self.stdout.push(&self.buffer[..n]);
            if let Some(output) = &mut self.output {
                reported = output.push(&self.buffer[..n]);
            }
        }
        let stderr = read(&mut pipes.stderr, stderr, &mut self.buffer[..]);
        if let Some(n) = stderr {
            self.stderr.push(&self.buffer[..n]);
        }
        let events = read(&mut pipes.events, events, &mut self.buffer[..]);
        if let Some(n) = events {
            self.read_events(n);
        }
        self.apply(reported);
        stdout.or(stderr).or(events).is_some()
    }

    fn read_events(&mut self, length: usize) {
        let mut events = Vec::new();
        self.events
            .push(&self.buffer[..length], |event| events.push(event));
        self.apply(events);
    }

    /// Applies the events that have come now.
    fn apply(&mut self, events: Vec<Event>) {
        let at = self.started.elapsed();
        for event in events {
            if let Some(note) = self.seen.transcript.push(event, at.as_secs_f64()) {
                self.reset_limit(&note);
                (self.on_note)(note);
            }
        }
    }

    /// Reads the pipes to their ends. A process that escaped and holds them open is not waited for.
    pub(super) fn drain(&mut self) {
        let mut deadline = None;
        loop {
            let ready = wait_for(
                &mut Vec::with_capacity(3),
                self.process.pipes.open(),
                PollTimeout::ZERO,
            );
            let has_read = ready.is_ok_and(|ready| self.read_once(ready));
            if self.process.pipes.open().iter().all(Option::is_none) {
                return;
            }
            let now = Instant::now();
            if now > *deadline.get_or_insert(now + LEFTOVER_OUTPUT) {
                let note = "a process that could not be found holds its output open";
                self.seen.notes.push(note.into());
                return;
            }
            if !has_read {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

fn poll_in(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::POLLIN)
}

/// Polls these descriptors and the pipes, and returns what poll reported for each pipe.
fn wait_for<'f>(
    fds: &mut Vec<PollFd<'f>>,
    pipes: [Option<BorrowedFd<'f>>; 3],
    timeout: PollTimeout,
) -> io::Result<[PollFlags; 3]> {
    let others = fds.len();
    fds.extend(pipes.into_iter().flatten().map(poll_in));
    match poll(fds, timeout) {
        Ok(_) | Err(nix::Error::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut of_pipes = fds[others..].iter();
    let flags = |pipe: Option<BorrowedFd<'_>>| {
        let fd = pipe.and_then(|_| of_pipes.next());
        fd.and_then(PollFd::revents).unwrap_or(PollFlags::empty())
    };
    Ok(pipes.map(flags))
}

/// Reads from a pipe for which poll reported `ready`, and returns the number of bytes. A pipe that
/// is not ready is not read: a slot blocks in `poll` only. A pipe at its end is closed.
fn read(pipe: &mut Option<OwnedFd>, ready: PollFlags, buffer: &mut [u8]) -> Option<usize> {
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
