//! Starting an attempt's child by fork and exec.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use crashrate_protocol::env::{CHAPTER, EVENTS_FD, SEQUENCE};
use crashrate_zygote::{die_with, set_core_limit, take_number};
use nix::unistd::Pid;

use super::child::Process;
use super::child_io::{ChildIo, EVENTS};
use super::guardian::Guardian;
use super::platform::ChildEnd;
use super::{limits, platform};
use crate::plan::{AttemptSpec, UnitSpec};
use crate::program;

/// A program and everything that it is started with.
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    /// Without the program's name.
    pub(super) arguments: &'a [String],
    pub(super) directory: &'a Path,
    /// Added to the supervisor's own environment.
    pub(super) env: &'a [(&'a str, &'a str)],
    /// Not inherited from it.
    pub(super) unset: &'a BTreeSet<String>,
    pub(super) stdio: [BorrowedFd<'a>; 3],
}

/// Spawns the children of attempts, traced or not.
pub(super) struct Launcher {
    pub(super) guardian: Arc<Guardian>,
    spawner: platform::Spawner,
    pub(super) dev_null: File,
}

impl Launcher {
    pub(super) fn new(guardian: Arc<Guardian>) -> io::Result<Launcher> {
        Ok(Launcher {
            guardian,
            // A child gets one of the two. The other could be inherited from an outer crashrate.
            spawner: platform::Spawner::new(&[CHAPTER, SEQUENCE]),
            dev_null: File::open("/dev/null")?,
        })
    }

    /// Spawns the child of an attempt.
    pub(super) fn spawn(
        &self,
        spec: &AttemptSpec,
        slot: u32,
        barrier: Option<ChildEnd>,
    ) -> io::Result<Process> {
        let unit = &*spec.unit;
        let found = spec.program.clone();
        let program = found.map_or_else(|| find_program(unit), Ok)?;
        let has_terminal = unit.process.pty;
        let (mut child_io, mut pipes) = ChildIo::open(spec.input.as_deref())?;
        if has_terminal {
            child_io.use_terminal(&mut pipes)?;
        }
        let number = EVENTS.to_string();
        let env: Vec<_> = (spec.all_env())
            .chain([(EVENTS_FD, number.as_str())])
            .collect();
        let launch = Launch {
            program: &program,
            arguments: &spec.argv()[1..],
            directory: spec.directory(),
            env: &env,
            unset: &unit.unset,
            stdio: child_io.stdio(&self.dev_null),
        };
        let (cgroup, rlimits) = limits::divide(&unit.limits);
        let procs = cgroup.as_ref().map(platform::Cgroup::procs_fd);
        let events = child_io.events().as_raw_fd();
        let core_limit = spec.core_limit;
        let pin = pin(spec)?;
        // Safe between fork and exec: only system calls on open descriptors, no allocation, no lock.
        let in_child = move || {
            // The cgroup's descriptor may have the events descriptor's number.
            join_cgroup(procs)?;
            take_number(events, EVENTS)?;
            if has_terminal {
                // Standard input becomes the controlling terminal of the session that it leads.
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            }
            if let Some(pin) = pin {
                pin.set()?;
            }
            if let Some(bytes) = core_limit {
                set_core_limit(bytes)?;
            }
            rlimits.set()
        };
        let pid = (self.launch(&launch, slot, barrier, in_child))
            .map_err(|error| explained(error, unit))?;
        tracing::debug!(pid = pid.as_raw(), slot, program = %program.display(), "spawned");
        Ok(Process {
            pid,
            pipes,
            cgroup,
            exit: None,
        })
    }

    /// Spawns a program that registers its group with the guardian under `number`. It waits at
    /// `barrier`, then calls `in_child`, which must be safe between fork and exec.
    pub(super) fn launch(
        &self,
        launch: &Launch<'_>,
        number: u32,
        barrier: Option<ChildEnd>,
        in_child: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Pid> {
        let supervisor = std::process::id();
        let registration = self.guardian.registration(number);
        let at_first = move || barrier.map_or(Ok(()), ChildEnd::announce);
        let before_exec = move || {
            die_with(supervisor);
            registration.send(std::process::id())?;
            barrier.map_or(Ok(()), ChildEnd::wait)?;
            in_child()
        };
        (self.spawner.spawn(launch, at_first, before_exec))
            .inspect_err(|_| self.guardian.clear(number))
    }
}

/// The processors that an attempt is pinned to.
///
/// # Errors
/// Processes cannot be pinned here.
fn pin(spec: &AttemptSpec) -> io::Result<Option<platform::Pin>> {
    let Some(number) = spec.unit.core else {
        return Ok((!spec.cpus.is_empty()).then(|| platform::Pin::new(&spec.cpus)));
    };
    let all = match spec.cpus.is_empty() {
        true => platform::cpus(),
        false => spec.cpus.clone(),
    };
    match all.get(number as usize % all.len().max(1)) {
        Some(&one) => Ok(Some(platform::Pin::new(&[one]))),
        None => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn find_program(unit: &UnitSpec) -> io::Result<Arc<Path>> {
    find(&unit.argv[0], &unit.directory, &unit.env)
}

/// Finds the program that a command names.
pub(super) fn find(
    name: &str,
    directory: &Path,
    env: &BTreeMap<String, String>,
) -> io::Result<Arc<Path>> {
    program::find(name, directory, env)
        .map(Arc::from)
        .map_err(|problem| io::Error::new(io::ErrorKind::NotFound, problem))
}

/// The program may have been removed since it was found: reports that in words.
fn explained(error: io::Error, unit: &UnitSpec) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => find_program(unit).err().unwrap_or(error),
        _ => error,
    }
}

/// Joins a cgroup. In the child only; safe between fork and exec.
fn join_cgroup(procs: Option<RawFd>) -> io::Result<()> {
    let Some(procs) = procs else {
        return Ok(());
    };
    // SAFETY: a plain system call on an open descriptor and a constant.
    match unsafe { libc::write(procs, b"0".as_ptr().cast(), 1) } {
        1 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
