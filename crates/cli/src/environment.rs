//! This program's path and the resources it needs. They are checked first, so that a shortage has
//! one clear message.

use std::env::current_exe;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Exit, Failure};

/// The arguments that make this program the guardian of a run, before the run's id.
pub(crate) const GUARDIAN: &[&str] = &["guardian"];

/// The path of this program, and the folder in which a worker may be beside it.
pub(crate) fn this_program() -> Result<(PathBuf, PathBuf), Failure> {
    let program = current_exe().map_err(|error| {
        Failure::usage(format!("this program's own path cannot be found: {error}"))
    })?;
    let folder = program.parent().unwrap_or(Path::new(".")).to_owned();
    Ok((program, folder))
}

/// Prepares the process for any command.
///
/// # Errors
/// The limit of open descriptors is too low.
pub(crate) fn prepare() -> Result<(), Failure> {
    enough_descriptors(10)?;
    // By default a write beyond `ulimit -f` kills the process. With a handler the write fails
    // instead, and its error names the file. Children start with the default action.
    if let Ok(runtime) = tokio_runtime() {
        let _in_it = runtime.enter();
        // SIGXFSZ has the same number on Linux and macOS.
        let _ = signal(SignalKind::from_raw(25));
    }
    Ok(())
}

/// A tokio runtime for the calling thread.
pub(crate) fn tokio_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Checks that there are enough descriptors, threads and processes for a run with this many
/// concurrent attempts.
///
/// # Errors
/// One of these limits is too low.
pub(crate) fn enough_for_run(jobs: u32) -> Result<(), Failure> {
    let jobs = jobs as usize;
    enough_descriptors(34 + 20 * jobs)?;
    // The guardian, the writer of standard error, the progress, the copy of the journal and the
    // signal watch; each attempt has the thread of its slot and a process.
    enough_threads(5 + 2 * jobs)
}

/// Starts threads to find out: they count as processes for `ulimit -u` and for a container's limit.
///
/// # Errors
/// The limit is lower than `needed`.
pub(crate) fn enough_threads(needed: usize) -> Result<(), Failure> {
    let barrier = Mutex::new(());
    thread::scope(|scope| {
        // No thread ends before all have started: each waits for this lock.
        let _held = lock(&barrier);
        for started in 0..needed {
            let wait = || drop(lock(&barrier));
            let thread = thread::Builder::new().stack_size(0);
            thread.spawn_scoped(scope, wait).map_err(|error| {
                let what = format!("processes or threads can be started: {started}");
                too_few(&what, needed, &error, "ulimit -u")
            })?;
        }
        Ok(())
    })
}

fn enough_descriptors(needed: usize) -> Result<(), Failure> {
    let mut open = Vec::with_capacity(needed);
    while open.len() < needed {
        open.push(File::open("/dev/null").map_err(|error| {
            let what = format!("files may be open: {} more", open.len());
            too_few(&what, needed, &error, "ulimit -n")
        })?);
    }
    Ok(())
}

fn too_few(what: &str, needed: usize, error: &io::Error, limit: &str) -> Failure {
    let text = format!(
        "too few {what}, and {needed} are needed ({error}); raise the limit (`{limit}`) or lower \
         --jobs"
    );
    Failure::new(Exit::Incomplete, text)
}

/// Locks, also after a panic of another thread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
