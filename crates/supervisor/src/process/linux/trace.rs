//! Children under a tracer: their deaths have evidence, and nothing that they start outlives the supervisor.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crashrate_postmortem::linux::Images;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::exec::{self, Exec, Spawned};
use super::super::guardian::Guardian;
use super::super::{How, Reaped, Start, Started, Wait, Watched};
use super::calls;
use super::gate::{self, Keeper};
use super::tracer::{Answer, Order, Tracer};
use crate::plan::AttemptSpec;

/// How often a tracer that waits is interrupted until it has heard an order.
const KNOCK_EVERY: Duration = Duration::from_millis(1);
/// How long looking at a hang may take at most.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// Starts a child by fork and exec under a tracer: a thread of its own for each attempt.
pub struct TracedExec {
    guardian: Arc<Guardian>,
    images: Arc<Images>,
}

impl TracedExec {
    /// With this guardian over its children.
    pub fn new(guardian: Arc<Guardian>) -> Self {
        TracedExec {
            guardian,
            images: Arc::default(),
        }
    }

    /// Whether this way of starting traces processes; asked of a process of our own.
    ///
    /// # Errors
    /// It would, and is not allowed to: why, in words.
    pub fn probe(guardian: &Guardian) -> Result<bool, String> {
        let pid = guardian.pid();
        // A thread of its own: when it ends, the guardian is let go.
        let seized =
            std::thread::spawn(move || ptrace::seize(pid, ptrace::Options::empty())).join();
        match seized {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) => Err(error.desc().to_owned()),
            Err(_) => Err("its thread failed".to_owned()),
        }
    }
}

impl Start for TracedExec {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        prepare_waking();
        let (gate, keeper) = gate::gate()?;
        let mut thread = TracerThread::start(keeper, self.images.clone())?;
        // The command, and with it the gate's side of the child, is gone when this returns.
        let spawned = exec::spawn(&self.guardian, spec, slot, move || gate.pass());
        let Spawned { pid, pipes, bounds } = match spawned {
            Ok(child) => child,
            Err(error) => {
                thread.finish();
                return Err(error);
            }
        };
        let wait: Box<dyn Wait> = match thread.seized() {
            Ok(()) => Box::new(Traced { pid, thread }),
            Err(error) => {
                tracing::debug!("process {pid} is not traced: {error}");
                thread.finish();
                Box::new(Exec::new(pid)?)
            }
        };
        Ok(Started {
            pid,
            pipes,
            wait,
            bounds,
            how: How::default(),
        })
    }
}

/// Once, before the first tracer.
pub(super) fn prepare_waking() {
    static WAKING: Once = Once::new();
    WAKING.call_once(|| {
        if let Err(error) = calls::prepare_waking() {
            tracing::warn!("tracers cannot be woken: {error}");
        }
    });
}

/// Waits for a child that is traced.
struct Traced {
    pid: Pid,
    thread: TracerThread,
}

impl Wait for Traced {
    fn fd(&self) -> BorrowedFd<'_> {
        self.thread.ready.as_fd()
    }

    fn ended(&mut self) -> io::Result<bool> {
        self.thread.ended()
    }

    fn look(&mut self) {
        self.thread.look();
    }

    fn finish(&mut self) -> Watched {
        self.thread.finish()
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        exec::reap(self.pid)
    }
}

/// The slot's end of a tracer.
struct TracerThread {
    orders: Sender<Order>,
    answers: Receiver<Answer>,
    /// At its end when the child is.
    ready: PipeReader,
    tid: Arc<AtomicI32>,
    handle: Option<JoinHandle<Watched>>,
    ended: bool,
}

impl TracerThread {
    fn start(keeper: Keeper, images: Arc<Images>) -> io::Result<TracerThread> {
        let (orders, inbox) = channel();
        let (outbox, answers) = channel();
        let (ready, at_end) = io::pipe()?;
        let tid = Arc::new(AtomicI32::new(0));
        let own = tid.clone();
        let handle = std::thread::Builder::new()
            .name("tracer".into())
            .spawn(move || {
                own.store(calls::this_thread(), Ordering::Release);
                Tracer::run(keeper, images, inbox, outbox, at_end)
            })?;
        Ok(TracerThread {
            orders,
            answers,
            ready,
            tid,
            handle: Some(handle),
            ended: false,
        })
    }

    /// Whether it has hold of the child. Asked once, after the child was spawned.
    fn seized(&mut self) -> io::Result<()> {
        match self.answers.recv() {
            Ok(Answer::Seized(Ok(()))) => Ok(()),
            Ok(Answer::Seized(Err(error))) => Err(error.into()),
            _ => Err(Errno::ESRCH.into()),
        }
    }

    fn ended(&mut self) -> io::Result<bool> {
        while let Ok(answer) = self.answers.try_recv() {
            self.ended |= matches!(answer, Answer::Ended);
        }
        let gone = self.handle.as_ref().is_none_or(JoinHandle::is_finished);
        match self.ended {
            false if gone => Err(io::Error::other("its tracer has ended")),
            ended => Ok(ended),
        }
    }

    fn look(&mut self) {
        let deadline = Instant::now() + LONGEST_LOOK;
        if self.orders.send(Order::Look).is_err() {
            return;
        }
        while !self.ended && Instant::now() < deadline {
            self.knock();
            match self.answers.recv_timeout(KNOCK_EVERY) {
                Ok(Answer::Looked) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Answer::Ended) => self.ended = true,
                Ok(Answer::Seized(_)) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Has it kill what is left, and ends it. What it still traced then dies with it.
    fn finish(&mut self) -> Watched {
        let Some(handle) = self.handle.take() else {
            return Watched::default();
        };
        let _ = self.orders.send(Order::Finish);
        while !handle.is_finished() {
            if !self.ended {
                self.knock();
            }
            // It ends its side of the channel with itself.
            let _ = self.answers.recv_timeout(KNOCK_EVERY);
        }
        handle.join().unwrap_or_default()
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
        self.finish();
    }
}
