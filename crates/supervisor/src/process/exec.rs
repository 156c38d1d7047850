//! The plain way of starting a child: fork and exec through the standard library.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, PipeWriter, Seek, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crashrate_model::Exit;
use crashrate_protocol::env::{CHAPTER, EVENTS_FD, SEQUENCE};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::guardian::Guardian;
use super::platform::{self, ExitWatch};
use super::{Pipes, Start, Started, Wait};
use crate::plan::AttemptSpec;
use crate::program;

/// The number of the events descriptor in the child: a single digit, so that `>&3` works in every shell.
const EVENTS: RawFd = 3;

/// Starts a child by fork and exec.
pub struct PlainExec {
    guardian: Arc<Guardian>,
}

impl PlainExec {
    /// With this guardian over its children.
    pub fn new(guardian: Arc<Guardian>) -> Self {
        PlainExec { guardian }
    }
}

impl Start for PlainExec {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let program = program::find(&spec.argv[0], &spec.directory, &spec.env)
            .map_err(|problem| io::Error::new(io::ErrorKind::NotFound, problem))?;
        let (stdout, child_stdout) = pipe()?;
        let (stderr, child_stderr) = pipe()?;
        let (events, child_events) = pipe()?;
        let mut command = Command::new(program);
        command
            .args(&spec.argv[1..])
            .current_dir(&spec.directory)
            // Of these it is given one; the other may come from a crashrate that runs this one.
            .env_remove(CHAPTER)
            .env_remove(SEQUENCE)
            .envs(&spec.env)
            .env(EVENTS_FD, EVENTS.to_string())
            .stdin(input(spec.input.as_deref())?)
            .stdout(child_stdout)
            .stderr(child_stderr)
            .process_group(0);
        let register = self.guardian.registration(slot);
        let supervisor = std::process::id();
        // SAFETY: the closure runs in the forked child before exec and does only what is safe there: system calls on
        // descriptors that are open, no allocation, no lock.
        unsafe {
            command.pre_exec(move || {
                platform::die_with(supervisor)?;
                register.send(std::process::id())?;
                take_number(child_events.as_raw_fd(), EVENTS)
            });
        }
        let started = command.spawn();
        if started.is_err() {
            self.guardian.clear(slot);
        }
        let child = started?;
        drop(command);
        let pid = Pid::from_raw(child.id() as i32);
        Ok(Started {
            pid,
            pipes: Pipes {
                stdout,
                stderr,
                events,
            },
            wait: Box::new(Exec {
                pid,
                watch: ExitWatch::new(pid)?,
            }),
        })
    }
}

fn pipe() -> io::Result<(OwnedFd, PipeWriter)> {
    let (read, write) = io::pipe()?;
    let read = OwnedFd::from(read);
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((read, write))
}

/// A file rather than a pipe: its end is the end of the input, and writing it never blocks on a child that reads none.
fn input(bytes: Option<&[u8]>) -> io::Result<Stdio> {
    let Some(bytes) = bytes else {
        return Ok(Stdio::null());
    };
    let mut file: File = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// Gives a descriptor this number, open across exec. In the child only: `to` is overwritten.
fn take_number(from: RawFd, to: RawFd) -> io::Result<()> {
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

/// Keeps the number of the events descriptor taken in the supervisor, so that no pipe of the standard library's own
/// has it when [`take_number`] overwrites it in a child.
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

struct Exec {
    pid: Pid,
    watch: ExitWatch,
}

impl Wait for Exec {
    fn fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    fn ended(&mut self) -> io::Result<bool> {
        let pid = rustix::process::Pid::from_raw(self.pid.as_raw());
        let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            match waitid(WaitId::Pid(pid), options) {
                Ok(status) => return Ok(status.is_some()),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn reap(&mut self) -> io::Result<Exit> {
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Exited(_, code)) => return Ok(Exit::Code(code)),
                Ok(WaitStatus::Signaled(_, signal, _)) => {
                    return Ok(Exit::Signal(signal.as_str().to_owned()));
                }
                // Real-time signals have no name in nix and come as an error from it.
                Err(nix::Error::EINVAL) => return Ok(Exit::Signal("SIGRT".into())),
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}
