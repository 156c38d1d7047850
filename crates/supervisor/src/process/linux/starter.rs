//! Starts children: forks them from a zygote if their unit asks for it, else executes them, under a
//! tracer if their attempt asks for one.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crashrate_model::EvidenceMode;
use nix::unistd::Pid;

use super::tracer::{self, ExecTracer, Finish, Reuse};
use super::zygote::ForkError;
use super::zygote_pool::ZygotePool;
use crate::plan::AttemptSpec;
use crate::process::child::{ChildWait, StackCapture, Start, Started, Wait, has_ended};
use crate::process::context::lock;
use crate::process::exec::Launcher;
use crate::process::guardian::Guardian;
use crate::process::watched::Watched;

/// The tracers that have no child, by slot.
type IdleTracers = Arc<Mutex<HashMap<u32, ExecTracer>>>;

/// Starts children. Each slot has its own tracer and its own zygotes.
pub struct Starter {
    launcher: Arc<Launcher>,
    zygotes: ZygotePool,
    idle: IdleTracers,
    capture: StackCapture,
}

impl Starter {
    /// Registers its children with this guardian.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, capture: StackCapture) -> io::Result<Self> {
        let launcher = Arc::new(Launcher::new(guardian)?);
        Ok(Starter {
            launcher: launcher.clone(),
            zygotes: ZygotePool::new(launcher, capture),
            idle: Arc::default(),
            capture,
        })
    }

    fn execute(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        if spec.watch != EvidenceMode::Trace {
            return self.execute_untraced(spec, slot, Vec::new());
        }
        if let Some(program) = &spec.program
            && tracer::gains_privileges(program)
        {
            let note = format!(
                "not traced: {} is set-uid, set-gid or has capabilities, \
                 which a tracer would take away",
                program.display()
            );
            return self.execute_untraced(spec, slot, vec![note]);
        }
        self.execute_traced(spec, slot)
    }

    fn execute_untraced(
        &self,
        spec: &AttemptSpec,
        slot: u32,
        notes: Vec<String>,
    ) -> io::Result<Started> {
        let process = self.launcher.spawn(spec, slot, || Ok(()), || Ok(()))?;
        let mut wait = Untraced::new(process.pid, self.capture, notes);
        if spec.watch == EvidenceMode::Core {
            wait.watched.mode = EvidenceMode::Core;
        }
        Ok(Started::executed(process, Box::new(wait)))
    }

    fn execute_traced(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let idle = lock(&self.idle).remove(&slot);
        let tracer = match idle {
            Some(tracer) => tracer,
            None => ExecTracer::start()?,
        };
        let barrier = tracer.child_end();
        // If this fails the tracer is dropped: it may or may not have seen the child.
        let process = self.launcher.spawn(
            spec,
            slot,
            move || barrier.announce(),
            move || barrier.wait(),
        )?;
        let wait: Box<dyn Wait> = match tracer.seized() {
            Ok(()) => Box::new(Traced {
                child: ChildWait::new(process.pid),
                has_ended: false,
                tracer: Some(tracer),
                slot,
                idle: self.idle.clone(),
            }),
            Err(error) => {
                let notes = vec![format!("not traced: {error}")];
                Box::new(Untraced::new(process.pid, StackCapture::None, notes))
            }
        };
        Ok(Started::executed(process, wait))
    }
}

impl Start for Starter {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let Some(argv) = &spec.unit.zygote else {
            return self.execute(spec, slot);
        };
        match self.zygotes.fork(spec, argv, slot) {
            Ok(started) => Ok(started),
            Err(ForkError::Failed(error)) => Err(error),
            Err(ForkError::Refused(why) | ForkError::Died(why)) => {
                let begun = Instant::now();
                Ok(Started {
                    spawn_fallback: Some(why),
                    begun: Some(begun),
                    ..self.execute(spec, slot)?
                })
            }
        }
    }

    fn zygotes(&self) -> Vec<Pid> {
        self.zygotes.pids()
    }

    fn take_zygote_deaths(&self, slot: u32) -> Vec<String> {
        self.zygotes.take_deaths(slot)
    }

    fn abandon_zygotes(&self) {
        self.zygotes.abandon();
    }

    fn end_zygotes(&self) {
        self.zygotes.end_all();
    }
}

/// Waits for a child that is not traced.
struct Untraced {
    child: ChildWait,
    capture: StackCapture,
    watched: Watched,
}

impl Untraced {
    fn new(pid: Pid, capture: StackCapture, notes: Vec<String>) -> Untraced {
        Untraced {
            child: ChildWait::new(pid),
            capture,
            watched: Watched {
                notes,
                ..Watched::default()
            },
        }
    }
}

impl Wait for Untraced {
    fn child(&mut self) -> &mut ChildWait {
        &mut self.child
    }

    fn capture_hang(&mut self) {
        if self.capture == StackCapture::None {
            return;
        }
        match tracer::capture_untraced(self.child.pid.as_raw()) {
            Ok(crash) => self.watched.crash = crash.map(Box::new),
            Err(error) => {
                (self.watched.notes).push(format!("its threads could not be read: {error}"))
            }
        }
    }

    fn stop_watching(&mut self) -> Watched {
        std::mem::take(&mut self.watched)
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
    fn child(&mut self) -> &mut ChildWait {
        &mut self.child
    }

    /// Returns true only when the tracer has seen the end, too: whatever the slot kills after that
    /// was left behind.
    fn has_ended(&mut self) -> io::Result<bool> {
        self.has_ended = has_ended(self.child.pid)?;
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
}
