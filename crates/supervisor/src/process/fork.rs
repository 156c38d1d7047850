//! Starting an attempt's child by a fork of a zygote. Executes what cannot be forked.
//!
//! The zygote forks the child, which waits at its control pipe until it is registered with the
//! guardian and its limits are set. The child belongs to the zygote, so the zygote reaps it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crashrate_model::Spawn;
use crashrate_postmortem::Crash;
use crashrate_protocol::env;
use crashrate_zygote::Attempt;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::child_io::{ChildIo, EVENTS, Streams};
use super::guardian::Guardian;
use super::platform::{self, ExitWatch, Zygote};
use super::zygote_pool::{ForkError, ForkWatch, SlotZygotes, ZygoteKey, ZygotePool, lock};
use super::{Pipes, Reaped, Start, Started, Wait, Watched, limits};
use crate::plan::AttemptSpec;

/// Forks the children of units that ask for it; the rest is left to another [`Start`].
pub struct ForkStarter {
    exec: Arc<dyn Start>,
    guardian: Arc<Guardian>,
    zygotes: Arc<ZygotePool>,
    dev_null: File,
}

impl ForkStarter {
    /// Forks from `zygotes`, and uses `exec` for everything else.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(
        exec: Arc<dyn Start>,
        guardian: Arc<Guardian>,
        zygotes: Arc<ZygotePool>,
    ) -> io::Result<ForkStarter> {
        Ok(ForkStarter {
            exec,
            guardian,
            zygotes,
            dev_null: File::open("/dev/null")?,
        })
    }

    fn fork(&self, spec: &AttemptSpec, argv: &[String], slot: u32) -> Result<Started, ForkError> {
        let key = ZygoteKey::of(spec, argv);
        let pool = self.zygotes.slot(slot);
        loop {
            if self.zygotes.is_abandoned() {
                return Err(io::Error::from(io::ErrorKind::Interrupted).into());
            }
            let taken = self.zygotes.take(&key, &mut lock(&pool));
            let mut zygote = taken.map_err(ForkError::Refused)?;
            let begun = Instant::now();
            match self.child(&mut zygote, spec, slot) {
                Ok(child) => {
                    tracing::debug!(pid = child.pid.as_raw(), slot, "forked from a zygote");
                    return Ok(Started {
                        pid: child.pid,
                        pipes: child.pipes,
                        wait: Box::new(ForkedWait {
                            pid: child.pid,
                            exit: child.exit,
                            watch: self.zygotes.watch(),
                            hang: None,
                            zygote: Some(zygote),
                            key,
                            slot: pool,
                        }),
                        cgroup: child.cgroup,
                        spawn: Spawn::Fork,
                        spawn_fallback: None,
                        begun: Some(begun),
                    });
                }
                Err(ForkError::Refused(why)) => {
                    lock(&pool).put_back(&key, zygote);
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
    ) -> Result<ForkedChild, ForkError> {
        let (child_io, pipes) = ChildIo::open(spec.input.as_deref(), Streams::Pipes)?;
        let (control, mut release) = io::pipe()?;
        let variables = spec.all_env();
        let mut env: BTreeMap<String, String> = variables
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        env.insert(env::EVENTS_FD.into(), EVENTS.to_string());
        let attempt = Attempt {
            env,
            unset: vec![env::CHAPTER.into(), env::SEQUENCE.into()],
            directory: spec.unit.directory.clone(),
        };
        let [stdin, stdout, stderr] = child_io.stdio(&self.dev_null);
        let descriptors = [stdin, stdout, stderr, child_io.events(), control.as_fd()];
        let pid = zygote.fork(&attempt, descriptors)?;
        // The child waits at its control pipe. A failure from here on closes the pipe, and the
        // child ends.
        let exit = match ExitWatch::of(pid) {
            Ok(Some(exit)) => exit,
            Ok(None) => {
                return Err(ForkError::Refused(
                    "the end of its children cannot be waited for here: pidfd_open is refused"
                        .into(),
                ));
            }
            Err(_) => return Err(ForkError::Died(zygote.how_it_died())),
        };
        self.guardian
            .registration(slot)
            .send(pid.as_raw().cast_unsigned())?;
        let (cgroup, rlimits) = limits::divide(&spec.unit.limits);
        if let Some(cgroup) = &cgroup {
            cgroup.admit(pid)?;
        }
        Zygote::limit(pid, rlimits)?;
        release.write_all(&[1])?;
        Ok(ForkedChild {
            pid,
            exit,
            pipes,
            cgroup,
        })
    }
}

impl Start for ForkStarter {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let Some(argv) = &spec.unit.zygote else {
            return self.exec.start(spec, slot);
        };
        match self.fork(spec, argv, slot) {
            Ok(started) => Ok(started),
            Err(ForkError::Failed(error)) => Err(error),
            Err(ForkError::Refused(why) | ForkError::Died(why)) => {
                let begun = Instant::now();
                Ok(Started {
                    spawn_fallback: Some(why),
                    begun: Some(begun),
                    ..self.exec.start(spec, slot)?
                })
            }
        }
    }
}

/// A child that a zygote has forked.
struct ForkedChild {
    pid: Pid,
    exit: ExitWatch,
    pipes: Pipes<OwnedFd>,
    cgroup: Option<platform::Cgroup>,
}

/// Waits for a child of a zygote.
struct ForkedWait {
    pid: Pid,
    exit: ExitWatch,
    watch: ForkWatch,
    hang: Option<Box<Crash>>,
    /// Returned to the slot when the child is reaped.
    zygote: Option<Zygote>,
    key: ZygoteKey,
    slot: Arc<Mutex<SlotZygotes>>,
}

impl Wait for ForkedWait {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        Ok(Some(self.exit.as_fd()))
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.exit.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::ZERO) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn capture_hang(&mut self) {
        match self.watch {
            ForkWatch::None => {}
            ForkWatch::Hangs => {
                let captured = platform::capture_hang(self.pid);
                self.hang = captured.ok().flatten().map(Box::new);
            }
            ForkWatch::Trace => {
                if let Some(zygote) = &mut self.zygote {
                    zygote.capture_hang();
                }
            }
        }
    }

    fn stop_watching(&mut self) -> Watched {
        let zygote = self.zygote.as_mut();
        let watched = zygote.map_or_else(Watched::default, Zygote::stop_watching);
        Watched {
            crash: self.hang.take().or(watched.crash),
            ..watched
        }
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        let mut zygote = self.zygote.take().ok_or(io::ErrorKind::NotFound)?;
        match zygote.reap() {
            Ok(reaped) => {
                lock(&self.slot).put_back_proven(&self.key, zygote);
                Ok(reaped)
            }
            Err(how) => {
                let error = io::Error::new(io::ErrorKind::BrokenPipe, how.clone());
                lock(&self.slot).died(&self.key, how);
                Err(error)
            }
        }
    }
}
