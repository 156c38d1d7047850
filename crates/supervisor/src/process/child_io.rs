//! The standard streams and the events descriptor of a child.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{grantpt, posix_openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{Pipes, platform};

/// The number of the events descriptor in the child. A single digit, so that `>&3` works in every
/// shell.
pub(super) const EVENTS: RawFd = 3;

/// The size that a pseudo-terminal reports.
const SIZE: Winsize = Winsize {
    ws_row: 24,
    ws_col: 80,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// A child's ends of its standard streams and events. Closed by the supervisor after the spawn.
pub(super) struct ChildIo {
    stdin: Option<File>,
    terminal: Option<OwnedFd>,
    stdout: PipeWriter,
    stderr: PipeWriter,
    events: PipeWriter,
}

impl ChildIo {
    /// Opens all of them. `input` is what the child reads, `None` for nothing.
    pub(super) fn open(input: Option<&[u8]>) -> io::Result<(ChildIo, Pipes<OwnedFd>)> {
        let (own_stdout, stdout) = io::pipe()?;
        let (own_stderr, stderr) = io::pipe()?;
        let (own_events, events) = io::pipe()?;
        let pipes = Pipes {
            stdout: own_stdout.into(),
            stderr: own_stderr.into(),
            events: own_events.into(),
        };
        let child = ChildIo {
            stdin: input.map(input_file).transpose()?,
            terminal: None,
            stdout,
            stderr,
            events,
        };
        Ok((child, pipes))
    }

    /// Replaces the standard streams by a pseudo-terminal. The child does not get the stderr pipe,
    /// which ends when this `ChildIo` is dropped.
    pub(super) fn use_terminal(&mut self, pipes: &mut Pipes<OwnedFd>) -> io::Result<()> {
        let own = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY)?;
        fcntl(&own, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        grantpt(&own)?;
        unlockpt(&own)?;
        let child = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(platform::terminal_name(&own)?)?;
        tcsetwinsize(&own, SIZE)?;
        self.terminal = Some(child.into());
        pipes.stdout = own.into();
        Ok(())
    }

    /// Standard input, output and error. `nothing` is read where there is no input.
    pub(super) fn stdio<'a>(&'a self, nothing: &'a File) -> [BorrowedFd<'a>; 3] {
        match &self.terminal {
            Some(terminal) => [terminal.as_fd(); 3],
            None => [
                self.stdin.as_ref().unwrap_or(nothing).as_fd(),
                self.stdout.as_fd(),
                self.stderr.as_fd(),
            ],
        }
    }

    pub(super) fn events(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

/// A file rather than a pipe: writing it never blocks on a child that reads nothing.
fn input_file(bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Keeps the number of the events descriptor taken in the supervisor. Otherwise a pipe of the
/// standard library could get it, and a child would overwrite that pipe with its events descriptor.
pub(super) fn reserve_events_number() -> io::Result<()> {
    loop {
        let file = File::open("/dev/null")?;
        if file.as_raw_fd() > EVENTS {
            return Ok(());
        }
        // Left open on purpose, for as long as the process lives.
        std::mem::forget(file);
    }
}
