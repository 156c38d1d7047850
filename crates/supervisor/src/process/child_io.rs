//! The standard streams and the events descriptor of a child.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, PipeWriter, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::Pipes;
use super::pty::Terminal;
use crate::plan::UnitSpec;

/// The number of the events descriptor in the child. A single digit, so that `>&3` works in every
/// shell.
pub(super) const EVENTS: RawFd = 3;

/// A child's ends of its standard streams and events. Closed by the supervisor after the spawn.
pub(super) struct ChildIo {
    stdin: Option<File>,
    terminal: Option<OwnedFd>,
    stdout: PipeWriter,
    stderr: PipeWriter,
    events: PipeWriter,
}

/// Whether a child's standard streams are pipes or a pseudo-terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Streams {
    Pipes,
    Terminal,
}

impl Streams {
    pub(super) fn of(unit: &UnitSpec) -> Streams {
        if unit.process.pty {
            Streams::Terminal
        } else {
            Streams::Pipes
        }
    }
}

impl ChildIo {
    /// Opens all of them. `input` is what the child reads, `None` for nothing.
    pub(super) fn open(
        input: Option<&[u8]>,
        streams: Streams,
    ) -> io::Result<(ChildIo, Pipes<OwnedFd>)> {
        let (own_stdout, stdout) = io::pipe()?;
        let (own_stderr, stderr) = io::pipe()?;
        let (own_events, events) = io::pipe()?;
        let mut pipes = Pipes {
            stdout: own_stdout.into(),
            stderr: own_stderr.into(),
            events: own_events.into(),
        };
        let mut terminal = None;
        if streams == Streams::Terminal {
            let opened = Terminal::open()?;
            // The child does not get the stderr pipe, which ends when this `ChildIo` is dropped.
            pipes.stdout = opened.own;
            terminal = Some(opened.child);
        }
        let child = ChildIo {
            stdin: input.map(input_file).transpose()?,
            terminal,
            stdout,
            stderr,
            events,
        };
        Ok((child, pipes))
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

/// Duplicates descriptor `from` to number `to`, open across exec. In the child only: `to` is
/// overwritten. Safe between fork and exec.
pub(super) fn take_number(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: plain system calls on descriptor numbers; no memory is touched.
    let done = unsafe {
        if from == to {
            libc::fcntl(to, libc::F_SETFD, 0)
        } else {
            libc::dup2(from, to)
        }
    };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Keeps the number of the events descriptor taken in the supervisor. Otherwise a pipe of the
/// standard library could get it, and [`take_number`] would overwrite that pipe in a child.
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
