//! Looking at an untraced process at its time limit: its threads are stopped, read and let go.

use std::fs;
use std::io;
use std::sync::Arc;

use crashrate_postmortem::Crash;
use crashrate_postmortem::linux::Images;
use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;

use super::capture_hang::Hang;
use super::numbers_in;
use super::tracer::Tracer;

/// The most threads that are stopped.
const MAX_THREADS: usize = 256;

/// The stacks of all threads of a process and of its descendants; nothing if it has ended meanwhile.
///
/// # Errors
/// It may not be traced.
pub(super) fn capture(leader: i32, images: Arc<Images>) -> io::Result<Option<Crash>> {
    // A tracer is a thread: when this one ends, whatever it still holds is let go.
    let thread = std::thread::Builder::new().name("hang".into());
    let captured = thread.spawn(move || {
        let mut tracer = Tracer::of(leader, images);
        tracer.threads.clear();
        let mut refused = None;
        for pid in with_descendants(leader) {
            for tid in numbers_in(&format!("/proc/{pid}/task")) {
                if tracer.threads.len() == MAX_THREADS {
                    break;
                }
                match ptrace::seize(Pid::from_raw(tid), Options::empty()) {
                    Ok(()) => drop(tracer.threads.insert(tid, pid)),
                    Err(nix::Error::ESRCH) => {}
                    Err(error) => refused = Some(error),
                }
            }
        }
        match (tracer.threads.is_empty(), refused) {
            (true, Some(error)) => Err(error.into()),
            _ => Ok(Hang::capture_hang(&mut tracer).and_then(|hang| hang.crash())),
        }
    })?;
    (captured.join()).unwrap_or_else(|_| Err(io::Error::other("the thread that looks panicked")))
}

/// A process and its descendants, parents first.
fn with_descendants(leader: i32) -> Vec<i32> {
    let mut pids = vec![leader];
    let mut next = 0;
    while let Some(&pid) = pids.get(next) {
        next += 1;
        for tid in numbers_in(&format!("/proc/{pid}/task")) {
            let list = fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"));
            let children = list.unwrap_or_default();
            let children = children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok());
            pids.extend(children);
        }
    }
    pids
}
