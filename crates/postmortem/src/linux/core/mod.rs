//! Evidence from Linux core files, for crashes that no tracer saw.

use std::fs::File;
use std::io;
use std::sync::Arc;

mod file;
mod notes;
#[cfg(test)]
mod tests;

pub(super) use file::CoreFile;
use notes::Notes;

use super::arch::Registers;
use super::images::Images;
use super::memory::Source;
use super::snapshot::{Cause, Handled, Snapshot};
use super::stack::{RawStack, Walker, resolve};
use super::thread::ThreadShot;
use crate::crash::{Crash, Thread};

/// Maximum number of frames of the crashed thread, and of each other thread.
const MAX_FRAMES: usize = 200;
const MAX_OTHER_FRAMES: usize = 100;
/// Maximum number of threads unwound.
const MAX_THREADS: usize = 64;

/// Why a core file cannot serve as evidence.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The file cannot be read.
    #[error("the core file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file is not a core file.
    #[error("not a core file: {0}")]
    NoCore(&'static str),
    /// The file is truncated: the disk was full, or RLIMIT_CORE was reached.
    #[error("the core file is incomplete (disk full, or RLIMIT_CORE reached)")]
    Truncated,
    /// The program was built for another processor.
    #[error("the core file is for another processor architecture")]
    OtherMachine,
    /// The program is a 32-bit one.
    #[error("32-bit program: no stack")]
    NarrowProgram,
    /// The core file belongs to another process.
    #[error("the core file belongs to process {found}, not to process {expected}")]
    OtherProcess {
        /// The process in the file.
        found: i32,
        /// The expected process.
        expected: i32,
    },
    /// The file was written to while it was read.
    #[error("the core file changed while it was read")]
    Changed,
}

/// The process that produced a core file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreProcess {
    /// The process ID.
    pub pid: i32,
    /// The session ID, which is the process ID of the session leader.
    pub session: i32,
    /// The program's name.
    pub program: String,
}

/// Identifies the process that produced this core file.
///
/// # Errors
/// The same as for [`read_file`].
pub fn process(file: File) -> Result<CoreProcess, CoreError> {
    let (_, notes) = CoreFile::open(file)?;
    let ids = notes.pid.zip(notes.session);
    let (pid, session) = ids.ok_or(CoreError::NoCore("no process in it"))?;
    Ok(CoreProcess {
        pid,
        session,
        program: notes.name,
    })
}

/// Reads an open core file of process `expected_pid`.
///
/// # Errors
/// The file is incomplete, or belongs to another process.
pub fn read_file(file: File, expected_pid: i32, images: &Images) -> Result<Crash, CoreError> {
    let (core, notes) = CoreFile::open(file)?;
    let found = notes.pid.ok_or(CoreError::NoCore("no process in it"))?;
    if found != expected_pid {
        return Err(CoreError::OtherProcess {
            found,
            expected: expected_pid,
        });
    }
    let core = Arc::new(core);
    let crash = crash(&core, &notes, found, images)?;
    match core.is_unchanged() {
        true => Ok(crash),
        false => Err(CoreError::Changed),
    }
}

fn crash(
    core: &Arc<CoreFile>,
    notes: &Notes,
    pid: i32,
    images: &Images,
) -> Result<Crash, CoreError> {
    let info = notes.siginfo.ok_or(CoreError::NoCore("no signal in it"))?;
    let maps = core.maps(notes);
    let (dead, others) = notes
        .threads
        .split_first()
        .ok_or(CoreError::NoCore("no thread in it"))?;
    let mut walker = Walker::new(Source::Core(core.clone()), &maps, images);
    let shot = |&(tid, registers): &(i32, Registers), stack: RawStack| {
        // The file contains the name of the first thread only.
        let name = if tid == pid { &notes.name } else { "" };
        ThreadShot {
            pid,
            tid,
            name: name.to_owned(),
            registers,
            stack,
        }
    };
    let first = shot(dead, walker.walk(&dead.1, MAX_FRAMES));
    let seen: Vec<ThreadShot> = (others.iter().take(MAX_THREADS - 1))
        .map(|thread| shot(thread, walker.walk(&thread.1, MAX_OTHER_FRAMES)))
        .collect();
    let dying = Snapshot {
        cause: Cause::of_siginfo(info, pid),
        thread: first,
        maps: maps.clone(),
    };
    let mut crash = dying.crash(Handled::OnStack);
    add_threads(&mut crash, &seen);
    let left_out = others.len() - seen.len();
    if left_out > 0 {
        crash
            .notes
            .push(format!("{left_out} more threads are in the core file"));
    }
    Ok(crash)
}

fn add_threads(crash: &mut Crash, seen: &[ThreadShot]) {
    let stacks: Vec<&RawStack> = seen.iter().map(|thread| &thread.stack).collect();
    let (frames, builds) = resolve(&stacks);
    let named = |(thread, frames): (&ThreadShot, _)| -> Thread {
        thread.with_frames(frames, crash.pid, false)
    };
    let threads: Vec<Thread> = seen.iter().zip(frames).map(named).collect();
    crash.threads.extend(threads);
    for module in &mut crash.modules {
        if module.build_id.is_none() {
            module.build_id = builds.get(&module.name).cloned();
        }
    }
}
