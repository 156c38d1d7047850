//! The plain way of starting a child: fork and exec through the standard library.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, PipeWriter, Seek, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crashrate_model::{Exit, Usage};
use crashrate_protocol::env::{CHAPTER, EVENTS_FD, SEQUENCE};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::guardian::Guardian;
use super::platform::{self, ExitWatch};
use super::{How, Pipes, Reaped, Start, Started, Wait, limits};
use crate::plan::AttemptSpec;
use crate::program;

/// The number of the events descriptor in the child: a single digit, so that `>&3` works in every shell.
pub(super) const EVENTS: RawFd = 3;

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
        let Spawned { pid, pipes, bounds } = spawn(&self.guardian, spec, slot, || Ok(()))?;
        Ok(Started {
            pid,
            pipes,
            wait: Box::new(Exec::new(pid)?),
            bounds,
            how: How::default(),
        })
    }
}

/// A child that was spawned.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    pub(super) pipes: Pipes<OwnedFd>,
    pub(super) bounds: Option<platform::Cgroup>,
}

/// Starts the child of an attempt. `gate` is called in it last before exec, and may do only what is safe there.
pub(super) fn spawn(
    guardian: &Guardian,
    spec: &AttemptSpec,
    slot: u32,
    gate: impl Fn() -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<Spawned> {
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
    let register = guardian.registration(slot);
    let supervisor = std::process::id();
    let (bounds, rlimits) = limits::divide(&spec.resources);
    let entrance = bounds.as_ref().map(platform::Cgroup::entrance);
    // SAFETY: the closure runs in the forked child before exec and does only what is safe there: system calls on
    // descriptors that are open, no allocation, no lock.
    unsafe {
        command.pre_exec(move || {
            platform::die_with(supervisor)?;
            register.send(std::process::id())?;
            // Before the events descriptor takes its number: the gate's own descriptors may not be in its way.
            gate()?;
            // Before the number is taken: the entrance may have it.
            enter(entrance)?;
            take_number(child_events.as_raw_fd(), EVENTS)?;
            rlimits.set()
        });
    }
    let started = command.spawn();
    if started.is_err() {
        guardian.clear(slot);
    }
    let pid = Pid::from_raw(started?.id() as i32);
    let pipes = Pipes {
        stdout,
        stderr,
        events,
    };
    Ok(Spawned { pid, pipes, bounds })
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

/// Waits for a child that nobody traces.
pub(super) struct Exec {
    pid: Pid,
    watch: ExitWatch,
}

impl Exec {
    pub(super) fn new(pid: Pid) -> io::Result<Exec> {
        let watch = ExitWatch::new(pid)?;
        Ok(Exec { pid, watch })
    }
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

    fn reap(&mut self) -> io::Result<Reaped> {
        reap(self.pid)
    }
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
            at_most: true,
        },
    })
}

pub(super) fn exit_of(status: libc::c_int) -> Exit {
    if libc::WIFEXITED(status) {
        return Exit::Code(libc::WEXITSTATUS(status));
    }
    match Signal::try_from(libc::WTERMSIG(status)) {
        Ok(signal) => Exit::Signal(signal.as_str().to_owned()),
        // Real-time signals have no names of their own.
        Err(_) => Exit::Signal("SIGRT".into()),
    }
}

/// Whether whoever started this program had it ignore this signal.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: the structure is plain data for which zero is a value; with no new action the call only fills it.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
