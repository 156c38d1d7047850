//! Spawns children, under a tracer if their attempt asks for it.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crashrate_model::EvidenceMode;
use crashrate_postmortem::linux::Images;
use nix::unistd::Pid;

use super::tracer::{self, ExecTracer, Finish, Reuse};
use crate::plan::AttemptSpec;
use crate::process::exec::Launcher;
use crate::process::guardian::Guardian;
use crate::process::wait::ChildWait;
use crate::process::zygote_pool::lock;
use crate::process::{Reaped, Start, Started, Wait, Watched};

/// The tracers that have no child, by slot.
type IdleTracers = Arc<Mutex<HashMap<u32, ExecTracer>>>;

/// Starts children by fork and exec, under a tracer where their attempt asks for one. Each slot has
/// its own tracer.
pub struct Starter {
    launcher: Launcher,
    images: Arc<Images>,
    idle: IdleTracers,
    captures_hangs: bool,
}

impl Starter {
    /// Registers its children with this guardian. `captures_hangs`: the stacks of an untraced
    /// attempt are read when it reaches its time limit.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, captures_hangs: bool) -> io::Result<Self> {
        Ok(Starter {
            launcher: Launcher::new(guardian)?,
            images: Arc::default(),
            idle: Arc::default(),
            captures_hangs,
        })
    }

    fn start_untraced(
        &self,
        spec: &AttemptSpec,
        slot: u32,
        notes: Vec<String>,
    ) -> io::Result<Started> {
        let spawned = self.launcher.spawn(spec, slot, || Ok(()), || Ok(()))?;
        let wait = Untraced {
            child: ChildWait::new(spawned.pid),
            pid: spawned.pid,
            images: self.captures_hangs.then(|| self.images.clone()),
            watched: Watched {
                mode: match spec.watch {
                    EvidenceMode::Core => EvidenceMode::Core,
                    EvidenceMode::None | EvidenceMode::Trace => EvidenceMode::None,
                },
                notes,
                ..Watched::default()
            },
        };
        Ok(Started::executed(spawned, Box::new(wait)))
    }

    fn start_traced(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let idle = lock(&self.idle).remove(&slot);
        let tracer = match idle {
            Some(tracer) => tracer,
            None => ExecTracer::start(self.images.clone())?,
        };
        let barrier = tracer.child_end();
        // If this fails the tracer is dropped: it may or may not have seen the child.
        let spawned = self.launcher.spawn(
            spec,
            slot,
            move || barrier.announce(),
            move || barrier.wait(),
        )?;
        let child = ChildWait::new(spawned.pid);
        let wait: Box<dyn Wait> = match tracer.seized() {
            Ok(()) => Box::new(Traced {
                child,
                has_ended: false,
                tracer: Some(tracer),
                slot,
                idle: self.idle.clone(),
            }),
            Err(error) => Box::new(Untraced {
                child,
                pid: spawned.pid,
                images: None,
                watched: Watched {
                    notes: vec![format!("not traced: {error}")],
                    ..Watched::default()
                },
            }),
        };
        Ok(Started::executed(spawned, wait))
    }
}

impl Start for Starter {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        if spec.watch != EvidenceMode::Trace {
            return self.start_untraced(spec, slot, Vec::new());
        }
        if let Some(program) = &spec.program
            && tracer::gains_privileges(program)
        {
            let note = format!(
                "not traced: {} is set-uid, set-gid or has capabilities, \
                 which a tracer would take away",
                program.display()
            );
            return self.start_untraced(spec, slot, vec![note]);
        }
        self.start_traced(spec, slot)
    }
}

/// Waits for a child that is not traced.
struct Untraced {
    child: ChildWait,
    pid: Pid,
    /// For the capture of a hang. `None`: hangs are not captured.
    images: Option<Arc<Images>>,
    watched: Watched,
}

impl Wait for Untraced {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        self.child.exit_fd()
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        self.child.has_ended()
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        self.child.ends_within(limit)
    }

    fn capture_hang(&mut self) {
        let Some(images) = &self.images else {
            return;
        };
        match tracer::capture_untraced(self.pid.as_raw(), images.clone()) {
            Ok(crash) => self.watched.crash = crash.map(Box::new),
            Err(error) => {
                (self.watched.notes).push(format!("its threads could not be read: {error}"))
            }
        }
    }

    fn stop_watching(&mut self) -> Watched {
        std::mem::take(&mut self.watched)
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        self.child.reap()
    }
}

/// Waits for a child that is traced.
struct Traced {
    child: ChildWait,
    has_ended: bool,
    tracer: Option<ExecTracer>,
    slot: u32,
    idle: IdleTracers,
}

impl Wait for Traced {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        self.child.exit_fd()
    }

    /// Returns true only when the tracer has seen the end, too: whatever the slot kills after that
    /// was left behind.
    fn has_ended(&mut self) -> io::Result<bool> {
        self.has_ended = self.child.has_ended()?;
        if self.has_ended
            && let Some(tracer) = &mut self.tracer
        {
            tracer.await_end();
        }
        Ok(self.has_ended)
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        let tracer = self.tracer.as_mut();
        Ok(tracer.is_some_and(|tracer| tracer.reports_within(limit)) && self.has_ended()?)
    }

    fn capture_hang(&mut self) {
        if let Some(tracer) = &mut self.tracer {
            tracer.capture_hang();
        }
    }

    fn stop_watching(&mut self) -> Watched {
        let Some(mut tracer) = self.tracer.take() else {
            return Watched::default();
        };
        let how = if self.has_ended {
            Finish::AwaitEnd
        } else {
            Finish::GiveUp
        };
        let (watched, reuse) = tracer.finish(how);
        if reuse == Reuse::Yes {
            lock(&self.idle).insert(self.slot, tracer);
        }
        watched
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        self.child.reap()
    }
}
