//! Evidence of a hang: the stacks of all threads at the time limit.

use std::collections::{BTreeSet, HashMap};

use super::maps::Maps;
use super::snapshot::with_builds;
use super::stack::resolve;
use super::thread::ThreadShot;
use crate::crash::{Crash, Kind};
use crate::signature::signature;

/// The evidence of a hang: all threads of process `pid` and of its descendants. `pid` comes first,
/// and the main thread comes first in each process.
pub fn hang(pid: i32, threads: &[ThreadShot], maps: &HashMap<i32, Maps>) -> Option<Crash> {
    // Each note appears once, however many threads it applies to.
    let notes: BTreeSet<String> = threads.iter().flat_map(ThreadShot::notes).collect();
    let stacks: Vec<_> = threads.iter().map(|thread| &thread.stack).collect();
    let (frames, builds) = resolve(&stacks);
    let mut threads: Vec<_> = threads
        .iter()
        .zip(frames)
        .map(|(thread, frames)| (thread.pid, thread.with_frames(frames, pid, false)))
        .collect();
    // A shell that waits for a child does not explain the hang; the child does.
    let waits = |frames: &[crate::Frame]| {
        let named = frames.iter().filter_map(|f| f.function.as_deref());
        named
            .take(3)
            .any(|name| name.trim_start_matches('_').starts_with("wait"))
    };
    let blamed = threads
        .iter()
        .position(|(of, thread)| *of == thread.tid && !waits(&thread.frames))
        .unwrap_or(0);
    threads.get_mut(..=blamed)?.rotate_right(1);
    let (of, first) = &threads[0];
    let modules = maps
        .get(of)
        .map(|maps| with_builds(maps, &builds))
        .unwrap_or_default();
    Some(Crash {
        signature: signature("HANG", &first.frames, &modules),
        class: "HANG".into(),
        kind: Kind::Hang,
        pid,
        thread: Some(first.tid),
        threads: threads.into_iter().map(|(_, thread)| thread).collect(),
        modules,
        notes: notes.into_iter().collect(),
        ..Crash::default()
    })
}
