//! The tracer of a zygote and of the children that it forks. One thread traces them all: the kernel
//! attaches a forked process to the tracer of its parent.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use super::start_barrier::TracerEnd;
use super::sys::Blocking;
use super::table::TraceTable;
use super::thread::{Order, Report, Reuse, TracerThread, seize_next};
use super::{OPTIONS, capture_hang};

/// How often the events of a child are handled whose zygote has ended.
const ORPHAN_EVERY: Duration = Duration::from_millis(1);
/// Starts a thread that waits for the zygote at its start barrier and traces it. To drop the handle
/// kills the zygote.
pub(in super::super) fn start_zygote_tracer(barrier: TracerEnd) -> io::Result<TracerThread> {
    TracerThread::spawn("zygote-tracer", |orders, reports| {
        trace_zygote(barrier, &orders, &reports);
    })
}

/// The tracer's thread.
fn trace_zygote(mut barrier: TracerEnd, orders: &Receiver<Order>, reports: &Sender<Report>) {
    let Some(zygote) = seize_next(&mut barrier, reports, || OPTIONS) else {
        return;
    };
    let mut table = TraceTable::of_zygote(zygote);
    loop {
        match next_order(&mut table, orders) {
            Ok(Order::CaptureHang) => {
                let hang = capture_hang::capture(&mut table);
                table.set_hang(hang);
                let _ = reports.send(Report::HangCaptured);
            }
            // Forked processes are not perturbed.
            Ok(Order::Perturb(_)) => {}
            Ok(Order::Finish) => {
                let watched = Box::new(table.finish_child());
                let _ = reports.send(Report::Finished(watched, Reuse::Yes));
            }
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
        }
    }
}

/// Handles an event, and returns the next order if there is one.
fn next_order(table: &mut TraceTable, orders: &Receiver<Order>) -> Result<Order, TryRecvError> {
    if table.has_zygote() {
        let event = table.handle_next(Blocking::Yes, &HashSet::new());
        let failed = event.is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        if !failed && table.has_zygote() {
            return orders.try_recv();
        }
    } else {
        // The zygote's child dies with it, but must be continued at its stops.
        table.handle_orphans();
    }
    orders
        .recv_timeout(ORPHAN_EVERY)
        .map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
}
