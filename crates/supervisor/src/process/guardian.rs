//! The guardian: a small process that kills what a dead supervisor left.
//!
//! It reads fixed-size messages from a pipe: which process group runs in which slot. The pipe ends
//! when the supervisor dies in any way. Then the guardian kills the groups that were not cleared.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::unistd::{Pid, getpgid, getpgrp, getppid, setsid};

use super::platform;

/// The size of a message: slot and process group, each in native byte order. Far below `PIPE_BUF`,
/// so a message is written whole or not at all.
const MESSAGE: usize = 8;

/// How long the guardian sleeps between two reads. The pipe holds thousands of messages.
const PAUSE: Duration = Duration::from_millis(5);

/// The supervisor's end: the running guardian and the pipe to it.
pub struct Guardian {
    pipe: PipeWriter,
    /// Held open so that a child about to execute gets no SIGPIPE if someone killed the guardian.
    _read_end: PipeReader,
    process: Child,
}

impl Guardian {
    /// Starts `program ARGUMENTS... RUN_ID` as the guardian of a run. It holds the lock on `lock`
    /// while it lives. Waits for the guardian of an earlier supervisor, which kills every process
    /// with the run's mark.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        run_id: &str,
        lock: File,
    ) -> io::Result<Guardian> {
        if lock.try_lock().is_err() {
            tracing::info!("waiting for the guardian of an earlier supervisor");
            lock.lock()?;
        }
        let (read, write) = io::pipe()?;
        // A full pipe (the guardian is stopped) must not stop the supervisor.
        fcntl(&write, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(run_id)
            .stdin(Stdio::from(read.try_clone()?))
            // It prints nothing: the descriptor holds the lock.
            .stdout(Stdio::from(lock))
            .stderr(Stdio::null());
        in_new_session(&mut command);
        let process = command.spawn()?;
        Ok(Guardian {
            pipe: write,
            _read_end: read,
            process,
        })
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }

    /// For a child that registers its group between fork and exec.
    pub(super) fn registration(&self, slot: u32) -> Registration {
        Registration {
            pipe: self.pipe.as_raw_fd(),
            slot,
        }
    }

    /// Forgets the group of a slot: nothing of its attempt is left.
    pub(super) fn clear(&self, slot: u32) {
        // If this fails, the group stays registered. That matters only if the supervisor dies, too.
        let _ = self.registration(slot).send(0);
    }
}

/// Gives a program its own session, where the terminal's signals to the supervisor's group do not
/// reach it.
pub(super) fn in_new_session(command: &mut Command) {
    // SAFETY: a system call without arguments, which is safe between fork and exec.
    unsafe { command.pre_exec(|| Ok(setsid().map(drop)?)) };
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // All groups are gone. The pipe is still open, so the guardian would not end by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends messages to the guardian. Safe between fork and exec.
#[derive(Clone, Copy)]
pub(super) struct Registration {
    pipe: RawFd,
    slot: u32,
}

impl Registration {
    pub(super) fn send(self, group: u32) -> io::Result<()> {
        let mut message = [0; MESSAGE];
        message[..4].copy_from_slice(&self.slot.to_ne_bytes());
        message[4..].copy_from_slice(&group.to_ne_bytes());
        // SAFETY: `Guardian` keeps the descriptor open while attempts are started, and the buffer
        // is on this stack. write(2) is safe between fork and exec.
        let written = unsafe { libc::write(self.pipe, message.as_ptr().cast(), MESSAGE) };
        match io::Error::last_os_error() {
            _ if written >= 0 => Ok(()),
            // The pipe is full: someone stopped or killed the guardian. The run continues without.
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            error => Err(error),
        }
    }
}

/// Whether a reported group can be an attempt's. Groups 0 and 1 mean other things to kill(2), and
/// the guardian's and the supervisor's own groups must never be killed.
fn may_be_attempt(group: u32, supervisor: Pid) -> bool {
    let Ok(group) = i32::try_from(group) else {
        return false;
    };
    let group = Pid::from_raw(group);
    group.as_raw() > 1 && group != getpgrp() && getpgid(Some(supervisor)) != Ok(group)
}

/// The guardian's main function: reads standard input to its end, then kills what is left of the
/// run.
///
/// # Errors
/// Its standard input cannot be read.
pub fn guard(run_id: &str) -> io::Result<()> {
    // `pkill -USR1 crashrate` and `pkill -USR2 crashrate` are for the supervisor, and must not end
    // its guardian.
    for polite in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ] {
        // SAFETY: ignoring a signal installs no handler.
        unsafe { signal(polite, SigHandler::SigIgn)? };
    }
    let mut groups = BTreeMap::new();
    let supervisor = getppid();
    let mut pipe = io::stdin().lock();
    loop {
        let waiting = match pipe.fill_buf() {
            Ok(messages) => messages,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let (messages, _) = waiting.as_chunks::<MESSAGE>();
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let [slot, group] = [&message[..4], &message[4..]]
                .map(|half| u32::from_ne_bytes(half.try_into().unwrap_or_default()));
            match group {
                0 => drop(groups.remove(&slot)),
                group if may_be_attempt(group, supervisor) => drop(groups.insert(slot, group)),
                _ => {}
            }
        }
        let taken = size_of_val(messages);
        pipe.consume(taken);
        // At thousands of short attempts a second, waking up for each would cost more than the
        // message itself.
        std::thread::sleep(PAUSE);
    }
    for group in groups.into_values() {
        let _ = killpg(Pid::from_raw(group as i32), Signal::SIGKILL);
    }
    platform::kill_strays_of_run(run_id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guardian_that_does_not_read_blocks_no_attempt() {
        let (_read, write) = io::pipe().unwrap();
        fcntl(&write, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let registration = Registration {
            pipe: write.as_raw_fd(),
            slot: 0,
        };
        for group in 1..100_000 {
            registration.send(group).unwrap();
        }
    }
}
