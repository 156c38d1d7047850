//! Children under a tracer: their deaths have evidence, and nothing that they start outlives the supervisor.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crashrate_model::EvidenceMode;
use crashrate_postmortem::linux::Images;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::exec::Launcher;
use super::super::guardian::Guardian;
use super::super::wait::ChildWait;
use super::super::{Reaped, Start, Started, Wait, Watched};
use super::gate::{self, Gate, Way};
use super::tracer::{Answer, Order, Tracer};
use super::{aside, attach, calls, probe};
use crate::plan::AttemptSpec;

/// How often a tracer that waits is interrupted until it has heard an order.
const KNOCK_EVERY: Duration = Duration::from_millis(1);
/// How long a tracer may take to hear of an end that its slot has seen.
const HEARING: Duration = Duration::from_secs(1);
/// How long looking at a hang may take at most.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// Starts a child by fork and exec, under a tracer where its attempt asks for one: a thread of its own for each slot.
pub struct Starter {
    launcher: Launcher,
    images: Arc<Images>,
    /// The tracers that wait for a child, by slot.
    waiting: Arc<Mutex<HashMap<u32, TracerThread>>>,
    /// Whether a process that is not traced is looked at before it is killed at its time limit.
    captures_hangs: bool,
}

impl Starter {
    /// With this guardian over its children. `captures_hangs`: processes may be stopped and read at their time limit.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, captures_hangs: bool) -> io::Result<Self> {
        Ok(Starter {
            launcher: Launcher::new(guardian)?,
            images: Arc::default(),
            waiting: Arc::default(),
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
        let pid = spawned.pid;
        let wait = Untraced {
            exec: ChildWait::new(pid),
            pid,
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
}

impl Start for Starter {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        if spec.watch != EvidenceMode::Trace {
            return self.start_untraced(spec, slot, Vec::new());
        }
        if let Some(program) = &spec.program
            && aside::gains_privileges(program)
        {
            let note = format!(
                "not traced: {} is set-uid, set-gid or has capabilities, which a tracer would take away",
                program.display()
            );
            return self.start_untraced(spec, slot, vec![note]);
        }
        let waiting = lock(&self.waiting).remove(&slot);
        let mut tracer = match waiting {
            Some(tracer) => tracer,
            None => TracerThread::start(self.images.clone())?,
        };
        let way = tracer.way()?;
        // If that fails, the tracer ends with it: nobody knows how far the child came.
        let spawned =
            (self.launcher).spawn(spec, slot, move || way.announce(), move || way.pass())?;
        let pid = spawned.pid;
        let exec = ChildWait::new(pid);
        let wait: Box<dyn Wait> = match tracer.seized() {
            Ok(()) => Box::new(Traced {
                exec,
                has_ended: false,
                tracer: Some(tracer),
                slot,
                waiting: self.waiting.clone(),
            }),
            Err(error) => Box::new(Untraced {
                exec,
                pid,
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

/// Whether this process can be traced.
pub(in super::super) fn can_trace(pid: Pid) -> Result<(), String> {
    if !probe::has_alarms() {
        return Err("tgkill(2) or the timers that wake a tracer are refused".to_owned());
    }
    // A thread of its own: when it ends, the process is let go.
    let seized = std::thread::spawn(move || ptrace::seize(pid, ptrace::Options::empty())).join();
    match seized {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.desc().to_owned()),
        Err(_) => Err("its thread failed".to_owned()),
    }
}

/// Waits for a child that is not traced.
struct Untraced {
    exec: ChildWait,
    pid: Pid,
    /// To look at it with at its time limit; nothing if that is not wanted.
    images: Option<Arc<Images>>,
    watched: Watched,
}

impl Wait for Untraced {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        self.exec.exit_fd()
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        self.exec.has_ended()
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        self.exec.ends_within(limit)
    }

    fn capture_hang(&mut self) {
        if let Some(images) = &self.images {
            let pid = self.pid.as_raw();
            match attach::capture(pid, images.clone()) {
                Ok(crash) => self.watched.crash = crash.map(Box::new),
                Err(error) => (self.watched.notes)
                    .push(format!("its threads could not be looked at: {error}")),
            }
        }
    }

    fn stop_watching(&mut self) -> Watched {
        std::mem::take(&mut self.watched)
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        self.exec.reap()
    }
}

/// Waits for a child that is traced.
struct Traced {
    exec: ChildWait,
    has_ended: bool,
    tracer: Option<TracerThread>,
    slot: u32,
    waiting: Arc<Mutex<HashMap<u32, TracerThread>>>,
}

impl Wait for Traced {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        self.exec.exit_fd()
    }

    /// It only peeks: the tracer is the one who hears. It has done so when this is true: what dies after that was left
    /// behind.
    fn has_ended(&mut self) -> io::Result<bool> {
        self.has_ended = self.exec.has_ended()?;
        if self.has_ended
            && let Some(tracer) = &mut self.tracer
        {
            tracer.await_end();
        }
        Ok(self.has_ended)
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        let tracer = self.tracer.as_mut();
        Ok(tracer.is_some_and(|tracer| tracer.listen(limit)) && self.has_ended()?)
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
        let (watched, is_clean) = tracer.finish(self.has_ended);
        if is_clean {
            lock(&self.waiting).insert(self.slot, tracer);
        }
        watched
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        self.exec.reap()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it holds is whole between any two of its uses.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The slot's end of a tracer. The tracer's thread ends with it, and what it still traced then dies.
struct TracerThread {
    /// Nothing once nobody will come to it any more.
    gate: Option<Gate>,
    orders: Sender<Order>,
    answers: Receiver<Answer>,
    tid: Arc<AtomicI32>,
    handle: Option<JoinHandle<()>>,
    /// An order to look was given, and may not have been heard.
    was_to_look: bool,
    /// The child has ended; others may be left.
    ended: bool,
    /// What there is to say of the child that was watched last, until it is asked for.
    done: Option<(Watched, bool)>,
}

impl TracerThread {
    fn start(images: Arc<Images>) -> io::Result<TracerThread> {
        let (gate, keeper) = gate::gate()?;
        let (orders, inbox) = channel();
        let (outbox, answers) = channel();
        let tid = Arc::new(AtomicI32::new(0));
        let own = tid.clone();
        let handle = std::thread::Builder::new()
            .name("tracer".into())
            .spawn(move || {
                calls::can_be_woken();
                calls::run_first();
                own.store(calls::this_thread(), Ordering::Release);
                Tracer::run(keeper, images, inbox, outbox);
            })?;
        Ok(TracerThread {
            gate: Some(gate),
            orders,
            answers,
            tid,
            handle: Some(handle),
            was_to_look: false,
            ended: false,
            done: None,
        })
    }

    fn way(&self) -> io::Result<Way> {
        let gate = self.gate.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        Ok(gate.way())
    }

    /// Whether it has hold of the child. Asked once, after the child was spawned: it has said so before it let the child
    /// pass, and says nothing of one that died before.
    fn seized(&mut self) -> io::Result<()> {
        match self.answers.try_recv() {
            Ok(Answer::Seized(seized)) => Ok(seized?),
            _ => Err(Errno::ESRCH.into()),
        }
    }

    /// Waits for what it has to say of the child, at most so long. Whether it had.
    fn listen(&mut self, most: Duration) -> bool {
        let answer = self.answers.recv_timeout(most);
        answer.map(|answer| self.hear(answer)).is_ok()
    }

    /// Waits until it has heard of the end of the child, which has ended.
    fn await_end(&mut self) {
        let deadline = Instant::now() + HEARING;
        while !self.ended && self.done.is_none() && Instant::now() < deadline {
            match self.answers.recv_timeout(KNOCK_EVERY) {
                Ok(answer) => self.hear(answer),
                Err(RecvTimeoutError::Timeout) => self.knock(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn capture_hang(&mut self) {
        let deadline = Instant::now() + LONGEST_LOOK;
        self.was_to_look = true;
        if self.orders.send(Order::Look).is_err() {
            return;
        }
        while !self.ended && self.done.is_none() && Instant::now() < deadline {
            self.knock();
            match self.answers.recv_timeout(KNOCK_EVERY) {
                Ok(Answer::Looked) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(answer) => self.hear(answer),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Has it kill what is left of the child, and says what it has seen; also whether it can watch another. `ended`:
    /// the child has, and is not merely given up.
    fn finish(&mut self, ended: bool) -> (Watched, bool) {
        let mut told = false;
        loop {
            if let Some((watched, is_clean)) = self.done.take() {
                // An order that was not heard would be taken for one about the next child.
                return (watched, is_clean && !told && !self.was_to_look);
            }
            // Not before it has heard of the end: the order would cut that short.
            if !told && (self.ended || !ended) {
                told = true;
                let _ = self.orders.send(Order::Finish);
                self.knock();
            }
            match self.answers.recv_timeout(KNOCK_EVERY) {
                Ok(answer) => self.hear(answer),
                Err(RecvTimeoutError::Timeout) => self.knock(),
                Err(RecvTimeoutError::Disconnected) => return (Watched::default(), false),
            }
        }
    }

    fn hear(&mut self, answer: Answer) {
        match answer {
            Answer::Ended => self.ended = true,
            Answer::Done(watched, is_clean) => self.done = Some((*watched, is_clean)),
            Answer::Looked | Answer::Seized(_) => {}
        }
    }

    fn knock(&self) {
        match self.tid.load(Ordering::Acquire) {
            0 => {}
            tid => calls::wake(tid),
        }
    }
}

impl Drop for TracerThread {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Finish);
        // Nobody will come to it any more, which ends one that waits there.
        self.gate = None;
        let Some(handle) = self.handle.take() else {
            return;
        };
        while !handle.is_finished() {
            self.knock();
            // It ends its side of the channel with itself.
            let _ = self.answers.recv_timeout(KNOCK_EVERY);
        }
        let _ = handle.join();
    }
}
