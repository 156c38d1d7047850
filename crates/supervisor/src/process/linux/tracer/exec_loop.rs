//! The tracer of a slot's spawned children, one after the other.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use crashrate_model::Perturbation;

use super::start_barrier::{StartBarrier, TracerEnd};
use super::sys::Blocking;
use super::table::TraceTable;
use super::thread::{Order, Report, Reuse, TracerThread, seize_next};
use super::{DELAY_OPTIONS, OPTIONS, capture_hang, sys};
use crate::process::Watched;

/// How long a tracer may take to see an end that its slot has seen.
const END_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the capture of a hang may take.
const CAPTURE_TIMEOUT: Duration = Duration::from_secs(5);

/// The slot's handle of a tracer of spawned children.
pub(in super::super) struct ExecTracer {
    /// Dropped before the thread, whose wait for the next child ends with it.
    pub(in super::super) barrier: StartBarrier,
    pub(in super::super) thread: TracerThread,
    child: ChildState,
    /// The tracer may not have read an order to capture a hang, and would take it for one about the
    /// next child.
    has_sent_capture: bool,
}

/// What the tracer has reported of the child.
enum ChildState {
    Running,
    /// It has ended; descendants may be left.
    Ended,
    Finished(Box<Watched>, Reuse),
}

/// How to finish with a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Finish {
    /// It has ended, and the tracer will see that.
    AwaitEnd,
    /// It is given up.
    GiveUp,
}

impl ExecTracer {
    pub(in super::super) fn start() -> io::Result<ExecTracer> {
        let (barrier, tracer_end) = StartBarrier::new()?;
        let thread = TracerThread::spawn("tracer", move |orders, reports| {
            sys::raise_priority();
            trace_children(tracer_end, &orders, &reports);
        })?;
        Ok(ExecTracer {
            barrier,
            thread,
            child: ChildState::Running,
            has_sent_capture: false,
        })
    }

    /// Waits for a report. Returns whether one came.
    pub(in super::super) fn reports_within(&mut self, limit: Duration) -> bool {
        let report = self.thread.report_within(limit);
        report.map(|report| self.handle(report)).is_ok()
    }

    /// Waits until the tracer has seen the end of the child, which has ended.
    pub(in super::super) fn await_end(&mut self) {
        let deadline = Instant::now() + END_TIMEOUT;
        while matches!(self.child, ChildState::Running)
            && let Some(report) = self.thread.next_report(Some(deadline))
        {
            self.handle(report);
        }
    }

    pub(in super::super) fn capture_hang(&mut self) {
        let deadline = Instant::now() + CAPTURE_TIMEOUT;
        self.has_sent_capture = true;
        self.thread.order(Order::CaptureHang);
        while matches!(self.child, ChildState::Running)
            && let Some(report) = self.thread.next_report(Some(deadline))
        {
            if let Report::HangCaptured = report {
                return;
            }
            self.handle(report);
        }
    }

    /// Makes the tracer kill what is left of the child. Returns what was seen of it.
    pub(in super::super) fn finish(&mut self, how: Finish) -> (Watched, Reuse) {
        let mut has_sent = false;
        loop {
            if let ChildState::Finished(watched, reuse) = &mut self.child {
                let (watched, mut reuse) = (std::mem::take(&mut **watched), *reuse);
                // An order that it has not read would be taken for one about the next child.
                if has_sent || self.has_sent_capture {
                    reuse = Reuse::No;
                }
                self.child = ChildState::Running;
                return (watched, reuse);
            }
            // An order before the tracer has seen the end would cut that short.
            let has_seen_end = matches!(self.child, ChildState::Ended);
            if !has_sent && (has_seen_end || how == Finish::GiveUp) {
                has_sent = true;
                self.thread.order(Order::Finish);
            }
            match self.thread.next_report(None) {
                Some(report) => self.handle(report),
                None => return (Watched::default(), Reuse::No),
            }
        }
    }

    fn handle(&mut self, report: Report) {
        match report {
            Report::Ended => self.child = ChildState::Ended,
            Report::Finished(watched, reuse) => self.child = ChildState::Finished(watched, reuse),
            Report::HangCaptured | Report::Seized(_) => {}
        }
    }
}

/// The tracer's thread. Returns when no child will come any more, or when only its end kills what
/// is left of a child.
fn trace_children(mut barrier: TracerEnd, orders: &Receiver<Order>, reports: &Sender<Report>) {
    loop {
        let mut perturb = None;
        let leader = seize_next(&mut barrier, reports, || {
            perturb = match orders.try_recv() {
                Ok(Order::Perturb(spec)) => Some(spec),
                _ => None,
            };
            match &perturb {
                Some(spec) if spec.perturb.contains(Perturbation::Delays) => DELAY_OPTIONS,
                _ => OPTIONS,
            }
        });
        let Some(leader) = leader else {
            return;
        };
        let mut table = TraceTable::of_child(leader);
        if let Some(spec) = perturb {
            table.perturb(*spec);
        }
        let (watched, reuse) = trace_child(table, orders, reports);
        let _ = reports.send(Report::Finished(Box::new(watched), reuse));
        if reuse == Reuse::No {
            return;
        }
    }
}

/// Traces a child until it has ended or is given up, and kills what is left of it.
fn trace_child(
    mut table: TraceTable,
    orders: &Receiver<Order>,
    reports: &Sender<Report>,
) -> (Watched, Reuse) {
    handle_events(&mut table, orders, reports);
    if table.is_over() {
        return (table.watched(), Reuse::Yes);
    }
    if table.leader_has_ended() {
        let _ = reports.send(Report::Ended);
        // There is no hang to capture any more.
        while let Ok(Order::CaptureHang) = orders.recv() {
            let _ = reports.send(Report::HangCaptured);
        }
    }
    table.end_perturbation();
    table.kill_descendants();
    (table.watched(), Reuse::No)
}

/// Handles events and orders until the child has ended or is given up.
fn handle_events(table: &mut TraceTable, orders: &Receiver<Order>, reports: &Sender<Report>) {
    loop {
        table.perturb_due();
        let blocking = table.next_due().map_or(Blocking::Yes, Blocking::Until);
        match table.handle_next(blocking, &HashSet::new()) {
            Ok(_) if table.leader_has_ended() => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // It has no tracees left: the child could not be started.
            Err(_) => return,
        }
        match orders.try_recv() {
            Ok(Order::CaptureHang) => {
                table.end_perturbation();
                let hang = capture_hang::capture(table);
                table.set_hang(hang);
                let _ = reports.send(Report::HangCaptured);
            }
            Ok(Order::Finish) | Err(TryRecvError::Disconnected) => return,
            Ok(Order::Perturb(_)) | Err(TryRecvError::Empty) => {}
        }
    }
}
