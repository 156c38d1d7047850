//! Evidence that a tracer collects about the processes of an attempt until they exit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::unistd::Pid;

use super::arch::Registers;
use super::codes::signal_name;
use super::images::Images;
use super::maps::Maps;
use super::snapshot::{Cause, Handled, HandledFailure, Snapshot, is_fault_signal};
use super::status::{Dispositions, is_harmless};
use super::thread::ThreadShot;
use crate::crash::Crash;
use crate::signature::signature;

/// Maximum number of frames of a crashed thread; the recursion behind a stack overflow has far
/// more.
const MAX_FRAMES: usize = 200;
/// Maximum number of snapshots per process: several threads may crash together.
const MAX_SNAPSHOTS: usize = 16;
/// Maximum number of handled faults and aborts remembered per process: the handler of a fault may
/// cause others.
const MAX_HANDLED: usize = 64;
/// How many non-fault signals of one kind are inspected without a pause, and the pause after that.
/// An inspection takes about 20 microseconds, and a program may use such signals constantly.
const FREE_LOOKS: usize = 64;
const PAUSE: Duration = Duration::from_millis(2);
/// Pause between snapshots of handled faults after the first [`MAX_SNAPSHOTS`]: some programs
/// handle faults all the time.
const SNAPSHOT_PAUSE: Duration = Duration::from_millis(50);

/// A process that a signal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died {
    /// The process ID.
    pub pid: i32,
    /// The signal.
    pub signal: i32,
}

/// Evidence from the signals of traced processes. Limits apply per process, so that none exhausts
/// another's.
#[derive(Default)]
pub struct Evidence {
    processes: HashMap<i32, Seen>,
}

/// The evidence about one process.
#[derive(Default)]
struct Seen {
    /// Snapshots of signals without a handler. One of them ends the process.
    fatal: Vec<Snapshot>,
    /// Newest last.
    handled: Vec<HandledFailure>,
    /// The last handled fault of each thread, newest last. A handler may remove itself, as Rust's
    /// SIGSEGV handler does. If that happens between another thread's stop and the delivery of its
    /// signal, the process dies without a further stop.
    exposed: Vec<Snapshot>,
    /// The pace of exposed snapshots.
    exposed_pace: Pace,
    /// The pace of inspections of each non-fault signal.
    looks: HashMap<i32, Pace>,
}

/// Limits how often something is done: a number of times freely, then with a pause between.
#[derive(Default)]
struct Pace {
    done: usize,
    last: Option<Instant>,
}

impl Pace {
    /// Whether it may be done now, in which case it counts as done.
    fn allows(&mut self, free: usize, pause: Duration) -> bool {
        let may = self.done < free || self.last.is_none_or(|last| last.elapsed() >= pause);
        if may {
            self.done += 1;
            self.last = Some(Instant::now());
        }
        may
    }
}

impl Evidence {
    /// Inspects a thread that stopped before a signal is delivered to it. Returns whether the
    /// signal ends the process.
    pub fn signal(&mut self, pid: i32, tid: i32, signal: i32, images: &Images) -> bool {
        let seen = self.processes.entry(pid).or_default();
        seen.signal(pid, tid, signal, images).unwrap_or_default()
    }

    /// Returns the evidence of a crash.
    pub fn of(&self, died: Died) -> Crash {
        let seen = self.processes.get(&died.pid);
        seen.and_then(|seen| seen.death(died.signal))
            .unwrap_or_else(|| unseen(died))
    }

    /// Forgets a process that exited or executed another program.
    pub fn forget(&mut self, pid: i32) {
        self.processes.remove(&pid);
    }
}

impl Seen {
    fn signal(&mut self, pid: i32, tid: i32, signal: i32, images: &Images) -> Option<bool> {
        if is_harmless(signal) {
            return Some(false);
        }
        if !is_fault_signal(signal) && signal != libc::SIGABRT {
            let pace = self.looks.entry(signal).or_default();
            pace.allows(FREE_LOOKS, PAUSE).then_some(())?;
        }
        let info = ptrace::getsiginfo(Pid::from_raw(tid)).ok()?;
        let dispositions = Dispositions::of(tid)?;
        let (address, sender) = origin(&info);
        let own = sender == dispositions.pid_inside.unwrap_or(pid);
        let cause = Cause::new(signal, info.si_code, address, own);
        let is_fault = cause.address.is_some();
        if dispositions.kills(signal, is_fault) {
            if self.fatal.len() < MAX_SNAPSHOTS {
                self.fatal.extend(take(pid, tid, cause, images));
            }
            return Some(true);
        }
        if !cause.is_failure() {
            return Some(false);
        }
        let registers = Registers::of(tid).ok()?;
        let failure = HandledFailure {
            tid,
            pc: registers.pc(),
            sp: registers.sp(),
            cause,
        };
        self.handled
            .retain(|f| (f.tid, f.pc, f.sp) != (tid, failure.pc, failure.sp));
        push_last(&mut self.handled, failure, MAX_HANDLED);
        self.exposed.retain(|snapshot| snapshot.thread.tid != tid);
        if dispositions.has_siblings && self.exposed_pace.allows(MAX_SNAPSHOTS, SNAPSHOT_PAUSE) {
            let snapshot = take(pid, tid, cause, images)?;
            push_last(&mut self.exposed, snapshot, MAX_SNAPSHOTS);
        }
        Some(false)
    }

    /// When several threads crash together, the first names the crash: it cuts the others off.
    fn death(&self, signal: i32) -> Option<Crash> {
        let is_it = |snapshot: &&Snapshot| snapshot.cause.signal == signal;
        if let Some(snapshot) = self.fatal.iter().find(is_it) {
            return Some(snapshot.crash(Handled::Watched(&self.handled)));
        }
        let mut crash = self
            .exposed
            .iter()
            .rfind(is_it)?
            .crash(Handled::Watched(&[]));
        let note = "another thread removed the handler of this signal before it was delivered";
        crash.notes.push(note.to_owned());
        Some(crash)
    }
}

/// Appends to a list of at most `max` entries; a full list drops its oldest.
fn push_last<T>(list: &mut Vec<T>, entry: T, max: usize) {
    if list.len() == max {
        list.remove(0);
    }
    list.push(entry);
}

fn take(pid: i32, tid: i32, cause: Cause, images: &Images) -> Option<Snapshot> {
    // Read the maps by thread ID: a process whose first thread has exited shows none under its
    // process ID.
    let maps = Maps::of(tid).ok()?;
    let thread = ThreadShot::take(pid, tid, &maps, images, MAX_FRAMES).ok()?;
    Some(Snapshot {
        cause,
        thread,
        maps,
    })
}

/// The evidence of a crash without a snapshot: by SIGKILL, or of a process that was no longer
/// traced.
fn unseen(died: Died) -> Crash {
    let class = signal_name(died.signal);
    Crash {
        signature: signature(&class, &[], &[]),
        signal: Some(class.clone()),
        class,
        pid: died.pid,
        ..Crash::default()
    }
}

/// The fault address and the signal's sender. The signal code determines which of the two is
/// meaningful.
#[allow(unsafe_code)]
fn origin(info: &libc::siginfo_t) -> (u64, i32) {
    // SAFETY: the kernel filled the whole structure; both fields are plain integers, valid for any
    // bit pattern.
    unsafe { (info.si_addr() as u64, info.si_pid()) }
}
