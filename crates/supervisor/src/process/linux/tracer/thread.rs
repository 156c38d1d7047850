//! A tracer's thread, as its slot sees it: orders go to it, reports come back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;

use super::super::alarm;
use super::start_barrier::TracerEnd;
use crate::plan::PerturbSpec;
use crate::process::Watched;

/// How often a tracer is interrupted until it has read its order: it may have begun to wait for its
/// tracees after the last interrupt.
const WAKE_EVERY: Duration = Duration::from_millis(1);

/// An order to a tracer. The end of the channel means: kill what is left and end.
pub(in super::super) enum Order {
    /// Perturb the next child. Sent before it is started.
    Perturb(Box<PerturbSpec>),
    CaptureHang,
    /// Kill what is left of the child, and report what was seen of it.
    Finish,
}

/// A report of a tracer.
pub(in super::super) enum Report {
    /// Whether it could seize the process that came to its start barrier.
    Seized(nix::Result<()>),
    HangCaptured,
    /// The child has ended. Descendants may be left.
    Ended,
    Finished(Box<Watched>, Reuse),
}

/// Whether a tracer that has finished a child can trace another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Reuse {
    Yes,
    /// Something may be left that only the tracer's end kills.
    No,
}

/// The slot's handle of a tracer. To drop it ends the thread, and the kernel kills its tracees.
pub(in super::super) struct TracerThread {
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    tid: Arc<AtomicI32>,
    handle: Option<JoinHandle<()>>,
}

impl TracerThread {
    pub(super) fn spawn(
        name: &str,
        run: impl FnOnce(Receiver<Order>, Sender<Report>) + Send + 'static,
    ) -> io::Result<TracerThread> {
        let (orders, inbox) = channel();
        let (outbox, reports) = channel();
        let tid = Arc::new(AtomicI32::new(0));
        let own = tid.clone();
        let handle = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                alarm::allow_wake();
                own.store(nix::unistd::gettid().as_raw(), Ordering::Release);
                run(inbox, outbox);
            })?;
        Ok(TracerThread {
            orders: Some(orders),
            reports,
            tid,
            handle: Some(handle),
        })
    }

    /// Whether the tracer has seized the process. Called once, after the spawn: the tracer reports
    /// before it releases the process, and not at all if the process died before.
    pub(in super::super) fn seized(&self) -> io::Result<()> {
        match self.reports.try_recv() {
            Ok(Report::Seized(seized)) => Ok(seized?),
            _ => Err(Errno::ESRCH.into()),
        }
    }

    /// Sends an order and wakes the tracer.
    pub(in super::super) fn order(&self, order: Order) {
        self.order_next(order);
        self.wake();
    }

    /// Sends an order that the tracer reads when its next child comes.
    pub(in super::super) fn order_next(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // It fails if the tracer has ended. Then no report comes.
            let _ = orders.send(order);
        }
    }

    /// The next report. Interrupts the tracer until it comes. `None`: the deadline is over, or the
    /// tracer has ended.
    pub(in super::super) fn next_report(&self, deadline: Option<Instant>) -> Option<Report> {
        loop {
            let is_over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
            match self.report_within(WAKE_EVERY) {
                Ok(report) => return Some(report),
                Err(RecvTimeoutError::Timeout) if !is_over() => self.wake(),
                Err(_) => return None,
            }
        }
    }

    /// The next report, if it comes within `limit`. Does not interrupt the tracer.
    pub(super) fn report_within(&self, limit: Duration) -> Result<Report, RecvTimeoutError> {
        self.reports.recv_timeout(limit)
    }

    /// Interrupts the tracer's wait, so that it reads its orders.
    fn wake(&self) {
        match self.tid.load(Ordering::Acquire) {
            0 => {}
            tid => alarm::wake(tid),
        }
    }
}

impl Drop for TracerThread {
    fn drop(&mut self) {
        self.orders = None;
        let Some(handle) = self.handle.take() else {
            return;
        };
        while !handle.is_finished() {
            self.wake();
            // Returns early when the thread has ended its side of the channel.
            let _ = self.reports.recv_timeout(WAKE_EVERY);
        }
        let _ = handle.join();
    }
}

/// In the tracer: seizes the next process that comes to the start barrier and lets it run. `options`
/// is called when it has come. `None`: none comes any more, or it could not be seized.
pub(super) fn seize_next(
    barrier: &mut TracerEnd,
    reports: &Sender<Report>,
    options: impl FnOnce() -> Options,
) -> Option<i32> {
    let pid = barrier.next_child()?;
    let seized = ptrace::seize(Pid::from_raw(pid), options());
    // Before the release: the slot looks for the report when the child has executed.
    let _ = reports.send(Report::Seized(seized));
    barrier.release();
    seized.ok()?;
    tracing::debug!(pid, "traced");
    Some(pid)
}
