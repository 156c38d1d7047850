//! Starts children: forks them from a zygote if their unit asks for it, else executes them, under a
//! tracer if their attempt asks for one.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crashrate_model::EvidenceMode;
use nix::unistd::Pid;

use super::tracer::{self, ExecTracer, Finish, Order, Reuse};
use super::zygote::{ForkError, LiveZygotes};
use super::zygote_pool::SlotZygotes;
use crate::plan::AttemptSpec;
use crate::process::child::{Process, StackCapture, Start, Started, Wait, has_ended};
use crate::process::context::lock;
use crate::process::exec::Launcher;
use crate::process::guardian::Guardian;
use crate::process::watched::Watched;

/// The note of an attempt that was to be perturbed and could not be traced.
const NOT_PERTURBED: &str = "not perturbed, because it was not traced: it is not counted";

/// The tracers that have no child, by slot.
type IdleTracers = Arc<Mutex<HashMap<u32, ExecTracer>>>;

/// Starts children. Each slot has its own tracer and its own zygotes.
pub struct Starter {
    pub(super) launcher: Launcher,
    pub(super) capture: StackCapture,
    idle: IdleTracers,
    zygotes: Mutex<BTreeMap<u32, Arc<Mutex<SlotZygotes>>>>,
    pub(super) live_zygotes: Arc<Mutex<LiveZygotes>>,
}

impl Starter {
    /// Registers its children with this guardian.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, capture: StackCapture) -> io::Result<Self> {
        Ok(Starter {
            launcher: Launcher::new(guardian)?,
            capture,
            idle: Arc::default(),
            zygotes: Mutex::default(),
            live_zygotes: Arc::default(),
        })
    }

    pub(super) fn zygotes_of(&self, slot: u32) -> Arc<Mutex<SlotZygotes>> {
        lock(&self.zygotes).entry(slot).or_default().clone()
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
        let mut notes = notes;
        if spec.perturb.is_some() {
            notes.push(NOT_PERTURBED.to_owned());
        }
        let process = self.launcher.spawn(spec, slot, None)?;
        let mut wait = Untraced::new(self.capture, notes);
        if spec.watch == EvidenceMode::Core {
            wait.watched.mode = EvidenceMode::Core;
        }
        Ok(Started::executed(process, Box::new(wait)))
    }

    fn execute_traced(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let idle = lock(&self.idle).remove(&slot);
        let tracer = idle.map_or_else(ExecTracer::start, Ok)?;
        if let Some(perturb) = &spec.perturb {
            tracer
                .thread
                .order_next(Order::Perturb(Box::new(perturb.clone())));
        }
        let barrier = tracer.barrier.child_end();
        // If this fails the tracer is dropped: it may or may not have seen the child.
        let process = self.launcher.spawn(spec, slot, Some(barrier))?;
        let wait: Box<dyn Wait> = match tracer.thread.seized() {
            Ok(()) => Box::new(Traced {
                has_ended: false,
                tracer: Some(tracer),
                slot,
                idle: self.idle.clone(),
            }),
            Err(error) => {
                let mut notes = vec![format!("not traced: {error}")];
                if spec.perturb.is_some() {
                    notes.push(NOT_PERTURBED.to_owned());
                }
                Box::new(Untraced::new(StackCapture::None, notes))
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
        match self.fork(spec, argv, slot) {
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
        let live = lock(&self.live_zygotes);
        live.pids.iter().copied().map(Pid::from_raw).collect()
    }

    fn take_zygote_deaths(&self, slot: u32) -> Vec<String> {
        std::mem::take(&mut lock(&self.zygotes_of(slot)).deaths)
    }

    fn abandon_zygotes(&self) {
        lock(&self.live_zygotes).abandon();
    }

    fn end_zygotes(&self) {
        lock(&self.zygotes).clear();
    }
}

/// Waits for a child that is not traced.
struct Untraced {
    capture: StackCapture,
    watched: Watched,
}

impl Untraced {
    fn new(capture: StackCapture, notes: Vec<String>) -> Untraced {
        Untraced {
            capture,
            watched: Watched {
                notes,
                ..Watched::default()
            },
        }
    }
}

impl Wait for Untraced {
    fn capture_hang(&mut self, pid: Pid) {
        if self.capture == StackCapture::None {
            return;
        }
        match tracer::capture_untraced(pid.as_raw()) {
            Ok(crash) => self.watched.crash = crash.map(Box::new),
            Err(error) => {
                (self.watched.notes).push(format!("its threads could not be read: {error}"))
            }
        }
    }

    fn stop_watching(&mut self, _pid: Pid) -> Watched {
        std::mem::take(&mut self.watched)
    }
}

/// Waits for a child that is traced.
struct Traced {
    has_ended: bool,
    tracer: Option<ExecTracer>,
    slot: u32,
    idle: IdleTracers,
}

impl Wait for Traced {
    /// Returns true only when the tracer has seen the end, too: whatever the slot kills after that
    /// was left behind.
    fn has_ended(&mut self, child: &Process) -> io::Result<bool> {
        self.has_ended = has_ended(child.pid)?;
        if self.has_ended
            && let Some(tracer) = &mut self.tracer
        {
            tracer.await_end();
        }
        Ok(self.has_ended)
    }

    fn ends_within(&mut self, child: &Process, limit: Duration) -> io::Result<bool> {
        let tracer = self.tracer.as_mut();
        Ok(tracer.is_some_and(|tracer| tracer.reports_within(limit)) && self.has_ended(child)?)
    }

    fn capture_hang(&mut self, _pid: Pid) {
        if let Some(tracer) = &mut self.tracer {
            tracer.capture_hang();
        }
    }

    fn stop_watching(&mut self, _pid: Pid) -> Watched {
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
