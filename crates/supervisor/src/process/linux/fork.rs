//! Starting an attempt's child by a fork of a zygote.
//!
//! The zygote forks the child, which waits at its control pipe until it is registered with the
//! guardian and in its cgroup. The child belongs to the zygote, so the zygote reaps it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crashrate_model::Spawn;
use crashrate_postmortem::Crash;
use crashrate_protocol::env;
use crashrate_zygote::Attempt;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::ExitWatch;
use super::starter::Starter;
use super::tracer::{Order, Report, capture_untraced};
use super::zygote::{ForkError, Zygote, ZygoteKey};
use super::zygote_pool::SlotZygotes;
use crate::plan::AttemptSpec;
use crate::process::child::{Process, Reaped, StackCapture, Started, Wait};
use crate::process::child_io::{ChildIo, EVENTS};
use crate::process::context::lock;
use crate::process::limits;
use crate::process::watched::Watched;

impl Starter {
    /// Forks the child of an attempt from a zygote of the command line `argv`.
    pub(super) fn fork(
        &self,
        spec: &AttemptSpec,
        argv: &[String],
        slot: u32,
    ) -> Result<Started, ForkError> {
        let key = ZygoteKey::of(spec, argv);
        let pool = self.zygotes_of(slot);
        loop {
            if lock(&self.live_zygotes).is_abandoned {
                return Err(io::Error::from(io::ErrorKind::Interrupted).into());
            }
            let start = || Zygote::start(&key, &self.launcher, self.capture, &self.live_zygotes);
            let taken = lock(&pool).take(&key, start);
            let mut zygote = taken.map_err(ForkError::Refused)?;
            let begun = Instant::now();
            match self.child(&mut zygote, spec, slot) {
                Ok(process) => {
                    let pid = process.pid.as_raw();
                    tracing::debug!(pid, slot, "forked from a zygote");
                    let wait = ForkedWait {
                        capture: self.capture,
                        hang: None,
                        zygote: Some(zygote),
                        key,
                        slot: pool,
                    };
                    return Ok(Started {
                        process,
                        wait: Box::new(wait),
                        spawn: Spawn::Fork,
                        spawn_fallback: None,
                        begun: Some(begun),
                    });
                }
                Err(ForkError::Refused(why)) => {
                    lock(&pool).entry(&key).idle = Some(zygote);
                    return Err(ForkError::Refused(format!("its zygote refused: {why}")));
                }
                Err(ForkError::Died(how)) => {
                    tracing::debug!(slot, "zygote lost: {how}");
                    lock(&pool).died(&key, how);
                }
                Err(failed) => return Err(failed),
            }
        }
    }

    /// Forks a child and lets it run.
    fn child(
        &self,
        zygote: &mut Zygote,
        spec: &AttemptSpec,
        slot: u32,
    ) -> Result<Process, ForkError> {
        let (child_io, pipes) = ChildIo::open(spec.input.as_deref())?;
        let (control, mut release) = io::pipe()?;
        let mut env: BTreeMap<String, String> = (spec.all_env())
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        env.insert(env::EVENTS_FD.into(), EVENTS.to_string());
        let (cgroup, limits) = limits::divide(&spec.unit.limits);
        let attempt = Attempt {
            env,
            unset: vec![env::CHAPTER.into(), env::SEQUENCE.into()],
            directory: spec.unit.directory.clone(),
            limits,
        };
        let [stdin, stdout, stderr] = child_io.stdio(&self.launcher.dev_null);
        let descriptors = [stdin, stdout, stderr, child_io.events(), control.as_fd()];
        let pid = zygote.fork(&attempt, descriptors)?;
        // The child waits at its control pipe. A failure from here on closes the pipe, and the
        // child ends.
        let exit = match ExitWatch::of(pid) {
            Ok(Some(exit)) => Some(exit),
            Ok(None) => {
                return Err(ForkError::Refused(
                    "the end of its children cannot be waited for here: pidfd_open is refused"
                        .into(),
                ));
            }
            Err(_) => return Err(ForkError::Died(zygote.how_it_died())),
        };
        (self.launcher.guardian)
            .registration(slot)
            .send(pid.as_raw().cast_unsigned())?;
        if let Some(cgroup) = &cgroup {
            cgroup.admit(pid)?;
        }
        release.write_all(&[1])?;
        Ok(Process {
            pid,
            pipes,
            cgroup,
            exit,
        })
    }
}

/// Waits for a child of a zygote.
struct ForkedWait {
    capture: StackCapture,
    hang: Option<Box<Crash>>,
    /// Returned to the slot when the child is reaped.
    zygote: Option<Zygote>,
    key: ZygoteKey,
    slot: Arc<Mutex<SlotZygotes>>,
}

impl Wait for ForkedWait {
    fn has_ended(&mut self, child: &Process) -> io::Result<bool> {
        let Some(exit) = &child.exit else {
            return Ok(false);
        };
        let mut exit = [PollFd::new(exit.as_fd(), PollFlags::POLLIN)];
        match poll(&mut exit, PollTimeout::ZERO) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn ends_within(&mut self, _child: &Process, _limit: Duration) -> io::Result<bool> {
        Ok(false)
    }

    fn capture_hang(&mut self, pid: Pid) {
        match (self.capture, &self.zygote) {
            (StackCapture::Hangs, _) => {
                let captured = capture_untraced(pid.as_raw());
                self.hang = captured.ok().flatten().map(Box::new);
            }
            (StackCapture::Trace, Some(zygote)) => drop(zygote.ask_tracer(Order::CaptureHang)),
            _ => {}
        }
    }

    fn stop_watching(&mut self, _pid: Pid) -> Watched {
        let zygote = self.zygote.as_ref();
        let report = zygote.and_then(|zygote| zygote.ask_tracer(Order::Finish));
        let mut watched = match report {
            Some(Report::Finished(watched, _)) => *watched,
            _ => Watched::default(),
        };
        watched.crash = self.hang.take().or(watched.crash);
        watched
    }

    fn reap(&mut self, _pid: Pid) -> io::Result<Reaped> {
        let mut zygote = self.zygote.take().ok_or(io::ErrorKind::NotFound)?;
        let reaped = zygote.reap();
        let mut slot = lock(&self.slot);
        match reaped {
            Ok(reaped) => {
                let entry = slot.entry(&self.key);
                entry.deaths = 0;
                entry.idle = Some(zygote);
                Ok(reaped)
            }
            Err(how) => {
                let error = io::Error::new(io::ErrorKind::BrokenPipe, how.clone());
                slot.died(&self.key, how);
                Err(error)
            }
        }
    }
}
