//! Starting a child by fork and exec, and waiting for it.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, PipeWriter, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crashrate_model::{Exit, Usage};
use crashrate_protocol::env::{CHAPTER, EVENTS_FD, SEQUENCE};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::guardian::Guardian;
use super::platform::{self, ExitWatch};
use super::pty::{self, Terminal};
use super::{Pipes, Reaped, Wait, limits};
use crate::plan::AttemptSpec;
use crate::program;

/// The number of the events descriptor in the child: a single digit, so that `>&3` works in every shell.
pub(super) const EVENTS: RawFd = 3;

/// A program that is to be started, and what it is given.
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    /// Without the program's own name.
    pub(super) arguments: &'a [String],
    pub(super) directory: &'a Path,
    /// On top of the supervisor's own.
    pub(super) env: &'a [(&'a str, &'a str)],
    pub(super) stdio: [BorrowedFd<'a>; 3],
}

/// A child that was spawned.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    pub(super) pipes: Pipes<OwnedFd>,
    pub(super) bounds: Option<platform::Cgroup>,
}

/// Starts the children of attempts, whoever watches them.
pub(super) struct Launcher {
    guardian: Arc<Guardian>,
    spawner: platform::Spawner,
    /// The number of this process.
    own: u32,
    /// What a plain command reads.
    nothing: File,
}

impl Launcher {
    pub(super) fn new(guardian: Arc<Guardian>) -> io::Result<Launcher> {
        Ok(Launcher {
            guardian,
            // Of these a child is given one; the other may come from a crashrate that runs this one.
            spawner: platform::Spawner::new(&[CHAPTER, SEQUENCE]),
            own: std::process::id(),
            nothing: File::open("/dev/null")?,
        })
    }

    /// Starts the child of an attempt. In it `announce` is called first, and `gate` last but for the limits; both may do
    /// only what is safe between fork and exec.
    pub(super) fn spawn(
        &self,
        spec: &AttemptSpec,
        slot: u32,
        announce: impl Fn() -> io::Result<()> + Send + Sync + 'static,
        gate: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Spawned> {
        let unit = &*spec.unit;
        let program = match &spec.program {
            Some(program) => program.clone(),
            None => program::find(&unit.argv[0], &unit.directory, &unit.env)
                .map_err(|problem| io::Error::new(io::ErrorKind::NotFound, problem))?
                .into(),
        };
        let terminal = unit.process.pty.then(Terminal::open).transpose()?;
        let (stdout, child_stdout) = pipe()?;
        let (stderr, child_stderr) = pipe()?;
        let (events, child_events) = pipe()?;
        let input = input(spec.input.as_deref())?;
        let number = EVENTS.to_string();
        let env: Vec<_> = (spec.all_env())
            .chain([(EVENTS_FD, number.as_str())])
            .collect();
        let launch = Launch {
            program: &program,
            arguments: &unit.argv[1..],
            directory: spec.directory(),
            env: &env,
            stdio: match &terminal {
                Some(terminal) => [terminal.child.as_fd(); 3],
                None => [
                    input.as_ref().unwrap_or(&self.nothing).as_fd(),
                    child_stdout.as_fd(),
                    child_stderr.as_fd(),
                ],
            },
        };
        let register = self.guardian.registration(slot);
        let supervisor = self.own;
        let (bounds, rlimits) = limits::divide(&unit.limits);
        let entrance = bounds.as_ref().map(platform::Cgroup::entrance);
        let events_end = child_events.as_raw_fd();
        let has_terminal = terminal.is_some();
        let core_limit = spec.core_limit;
        // It does only what is safe between fork and exec: system calls on descriptors that are open, no allocation,
        // no lock.
        let started = self.spawner.spawn(&launch, announce, move || {
            platform::die_with(supervisor)?;
            register.send(std::process::id())?;
            // Before the events descriptor takes its number: the gate's own descriptors may not be in its way.
            gate()?;
            // Before the number is taken: the entrance may have it.
            enter(entrance)?;
            take_number(events_end, EVENTS)?;
            if has_terminal {
                pty::take_control()?;
            }
            if let Some(most) = core_limit {
                limits::set_core(most)?;
            }
            rlimits.set()
        });
        if started.is_err() {
            self.guardian.clear(slot);
        }
        let pid = started.map_err(|error| {
            // It was there when it was looked for; what is missing now is said in words.
            let found = program::find(&unit.argv[0], &unit.directory, &unit.env);
            match (error.kind(), found) {
                (io::ErrorKind::NotFound, Err(problem)) => {
                    io::Error::new(io::ErrorKind::NotFound, problem)
                }
                _ => error,
            }
        })?;
        let pipes = Pipes {
            stdout: terminal.map_or(stdout, |terminal| terminal.own),
            // With a terminal it ends here: the child's copy is closed when this returns.
            stderr,
            events,
        };
        Ok(Spawned { pid, pipes, bounds })
    }
}

/// Joins a cgroup. In the child only.
fn enter(entrance: Option<RawFd>) -> io::Result<()> {
    let Some(procs) = entrance else {
        return Ok(());
    };
    // SAFETY: a plain system call on an open descriptor and a constant.
    match unsafe { libc::write(procs, b"0".as_ptr().cast(), 1) } {
        1 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

pub(super) fn pipe() -> io::Result<(OwnedFd, PipeWriter)> {
    let (read, write) = io::pipe()?;
    Ok((OwnedFd::from(read), write))
}

/// A file rather than a pipe: its end is the end of the input, and writing it never blocks on a child that reads none.
fn input(bytes: Option<&[u8]>) -> io::Result<Option<File>> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let mut file: File = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(Some(file))
}

/// Gives a descriptor this number, open across exec. In the child only: `to` is overwritten.
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

/// Waits for a child that nobody traces.
pub(super) struct Exec {
    pid: Pid,
    /// Opened when it is asked for.
    watch: Option<ExitWatch>,
}

impl Exec {
    pub(super) fn new(pid: Pid) -> Exec {
        Exec { pid, watch: None }
    }
}

impl Wait for Exec {
    fn fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        if self.watch.is_none() {
            self.watch = ExitWatch::of(self.pid)?;
        }
        Ok(self.watch.as_ref().map(ExitWatch::as_fd))
    }

    fn ended(&mut self) -> io::Result<bool> {
        has_ended(self.pid, false)
    }

    fn listen(&mut self, most: Duration) -> io::Result<bool> {
        platform::ends_within(self.pid, most)
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        reap(self.pid)
    }
}

/// Whether a child of this process has ended; to `wait` is to do so until it has, or a signal interrupts that. It is only
/// looked at, with its stops: to take one would be to take it from its tracer.
pub(super) fn has_ended(pid: Pid, wait: bool) -> io::Result<bool> {
    let pid = rustix::process::Pid::from_raw(pid.as_raw());
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    let mut options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    options.set(WaitIdOptions::NOHANG, !wait);
    // What its tracer in this process is to hear of may be seen here, too: a stop is no end.
    let is_over = |s: &WaitIdStatus| s.exited() || s.killed() || s.dumped();
    match waitid(WaitId::Pid(pid), options) {
        Ok(status) => Ok(status.as_ref().is_some_and(is_over)),
        Err(error) => Err(error.into()),
    }
}

/// The name of the signal that a child is stopped by, unless it is traced. The stop stays on record for others.
pub(super) fn stopped_by(pid: Pid) -> Option<String> {
    let pid = rustix::process::Pid::from_raw(pid.as_raw())?;
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(pid), options).ok().flatten()?;
    status
        .stopping_signal()
        .map(|signal| signal_name(signal as libc::c_int))
}

/// Reaps a child that has ended, with the kernel's account of what it used.
pub(super) fn reap(pid: Pid) -> io::Result<Reaped> {
    let mut status = 0;
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals of the right types that outlive the call.
    while unsafe { libc::wait4(pid.as_raw(), &mut status, 0, &mut used) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let secs = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Reaped {
        exit: exit_of(status),
        usage: Usage {
            cpu_secs: secs(used.ru_utime) + secs(used.ru_stime),
            peak_bytes: u64::try_from(used.ru_maxrss).unwrap_or(0) * platform::MAXRSS_UNIT,
            at_most: is_own_peak(used.ru_maxrss),
        },
    })
}

/// Whether a child's peak memory may be that of this program, in whose memory the child was until its exec: the kernel's
/// account begins with it.
fn is_own_peak(peak: libc::c_long) -> bool {
    /// It only grows: what was once below it is below it for ever.
    static OWN: AtomicI64 = AtomicI64::new(0);
    if peak > OWN.load(Ordering::Relaxed) {
        let own = getrusage(UsageWho::RUSAGE_SELF).map_or(libc::c_long::MAX, |own| own.max_rss());
        OWN.store(own, Ordering::Relaxed);
    }
    peak <= OWN.load(Ordering::Relaxed)
}

pub(super) fn exit_of(status: libc::c_int) -> Exit {
    if libc::WIFEXITED(status) {
        return Exit::Code(libc::WEXITSTATUS(status));
    }
    Exit::Signal(signal_name(libc::WTERMSIG(status)))
}

/// The name of a signal. Real-time signals are named by their distance from the first, as `kill -l` does; the C library
/// keeps the ones before that for itself.
pub(super) fn signal_name(number: libc::c_int) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => platform::realtime_name(number),
    }
}

/// Where the signal of a child's end is ignored, the kernel forgets the child at its end, and how it ended.
pub(super) fn hear_of_children() -> io::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed.
    unsafe { sigaction(Signal::SIGCHLD, &default) }?;
    Ok(())
}

/// Whether this program ignores the signal: its parent may have asked for that.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: the structure is plain data for which zero is a value; with no new action the call only fills it.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
