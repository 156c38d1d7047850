//! Capturing a hang: stops all threads of an attempt, reads their stacks and lets them continue.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use crashrate_postmortem::Crash;
use crashrate_postmortem::linux::{Maps, ThreadShot};
use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;

use super::super::proc::{self, numbers_in};
use super::IMAGES;
use super::hang::Hang;
use super::table::TraceTable;

/// How long threads have to stop. One that sleeps uninterruptibly in the kernel does not stop.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
/// How long reading their stacks may take.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// The most frames that are read of each thread.
const MAX_FRAMES: usize = 100;
/// The most threads whose stacks are read.
const MAX_READ: usize = 64;
/// The most threads of an untraced attempt that are seized.
const MAX_SEIZED: usize = 256;

/// Captures the threads of all processes in the table. `None` if none could be read.
pub(super) fn capture(table: &mut TraceTable) -> Option<Hang> {
    let leader = table.leader()?;
    let mut order: Vec<(i32, i32)> = table.threads().collect();
    // The attempt's process first, then the others by age; in each the main thread first.
    order.sort_by_key(|&(tid, pid)| (pid != leader, pid, tid != pid, tid));
    let over = order.len().saturating_sub(MAX_READ);
    order.truncate(MAX_READ);
    let stopped = table.stop_threads(&order, STOP_TIMEOUT);
    let (mut threads, mut maps, mut left_out) = (Vec::new(), HashMap::new(), over);
    let deadline = Instant::now() + READ_TIMEOUT;
    for &(tid, pid) in &order {
        if !stopped.contains(tid) || Instant::now() >= deadline {
            left_out += 1;
            continue;
        }
        let maps = (maps.entry(pid)).or_insert_with(|| Maps::of(tid).unwrap_or_default());
        // A thread that is killed meanwhile is skipped.
        threads.extend(ThreadShot::take(pid, tid, maps, &IMAGES, MAX_FRAMES));
    }
    let stopped_by = stopped.group_stop(leader);
    stopped.release();
    (!threads.is_empty()).then_some(Hang {
        leader,
        threads,
        maps,
        left_out,
        stopped_by,
    })
}

/// Captures the threads of a process that nobody traces, and of its descendants. `None` if it has
/// ended meanwhile.
///
/// # Errors
/// It may not be traced.
pub(in super::super) fn capture_untraced(leader: i32) -> io::Result<Option<Crash>> {
    // In another thread, whose end detaches from everything that it has seized.
    let thread = std::thread::Builder::new().name("hang".into());
    let captured = thread.spawn(move || {
        let mut table = TraceTable::untraced(leader);
        match seize_all(&mut table, leader) {
            Err(error) if table.threads().next().is_none() => Err(error.into()),
            _ => Ok(capture(&mut table).and_then(|hang| hang.crash())),
        }
    })?;
    (captured.join()).unwrap_or_else(|_| Err(io::Error::other("the thread that reads it panicked")))
}

/// Seizes all threads of a process and of its descendants.
///
/// # Errors
/// The error of a thread that could not be seized.
fn seize_all(table: &mut TraceTable, leader: i32) -> nix::Result<()> {
    let mut refused = Ok(());
    let pids = with_descendants(leader);
    let threads = pids.into_iter().flat_map(|pid| {
        let tids = numbers_in(&format!("/proc/{pid}/task"));
        tids.map(move |tid| (tid, pid))
    });
    let mut seized = 0;
    for (tid, pid) in threads {
        if seized == MAX_SEIZED {
            break;
        }
        match ptrace::seize(Pid::from_raw(tid), Options::empty()) {
            Ok(()) => {
                table.add(tid, pid);
                seized += 1;
            }
            Err(nix::Error::ESRCH) => {}
            Err(error) => refused = Err(error),
        }
    }
    refused
}

/// A process and its descendants, parents first.
fn with_descendants(leader: i32) -> Vec<i32> {
    let mut pids = vec![leader];
    let mut next = 0;
    while let Some(&pid) = pids.get(next) {
        next += 1;
        pids.extend(proc::children_of(pid));
    }
    pids
}
