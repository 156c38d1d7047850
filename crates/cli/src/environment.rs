//! Checks the resource limits first, so that a shortage has one clear message.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Exit, Failure};

/// Descriptors that any command needs besides the standard ones.
const COMMAND_FILES: usize = 10;
/// Descriptors that a run needs.
const RUN_FILES: usize = 34;
/// Threads and processes that a run needs: the guardian, the writer of standard error, and the
/// signal watch.
const RUN_THREADS: usize = 3;
/// Threads and processes of each concurrent attempt: its slot and its child.
const ATTEMPT_THREADS: usize = 2;
const SERVE_THREADS: usize = 2;
/// Descriptors of each concurrent attempt.
const ATTEMPT_FILES: usize = 20;

/// The same number on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// Prepares the process for any command.
///
/// # Errors
/// The limit of open descriptors is too low.
pub(crate) fn prepare() -> Result<(), Failure> {
    enough_descriptors(COMMAND_FILES)?;
    // By default a write beyond `ulimit -f` kills the process. With a handler the write fails
    // instead, and its error names the file. Children start with the default action.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        let _in_it = runtime.enter();
        let _ = signal(SignalKind::from_raw(SIGXFSZ));
    }
    Ok(())
}

/// Checks that there are enough descriptors, threads and processes for a run with this many
/// concurrent attempts.
///
/// # Errors
/// One of these limits is too low.
pub(crate) fn enough_for_run(jobs: u32) -> Result<(), Failure> {
    let jobs = jobs as usize;
    enough_descriptors(RUN_FILES + ATTEMPT_FILES * jobs)?;
    enough_threads(RUN_THREADS + ATTEMPT_THREADS * jobs)
}

/// Checks that there are enough threads for the server.
///
/// # Errors
/// The limit is too low.
pub(crate) fn enough_for_serve() -> Result<(), Failure> {
    enough_threads(SERVE_THREADS)
}

/// Starts the threads to find out: they count as processes for `ulimit -u` and for a container's
/// limit.
fn enough_threads(needed: usize) -> Result<(), Failure> {
    let together = Barrier::default();
    let mut threads = Vec::with_capacity(needed);
    let mut missing = None;
    while threads.len() < needed && missing.is_none() {
        let waits = together.clone();
        match thread::Builder::new()
            .stack_size(0)
            .spawn(move || waits.wait())
        {
            Ok(thread) => threads.push(thread),
            Err(error) => missing = Some(error),
        }
    }
    let got = threads.len();
    together.open();
    for thread in threads {
        let _ = thread.join();
    }
    match missing {
        None => Ok(()),
        Some(error) => Err(Failure::new(
            Exit::Incomplete,
            format!(
                "too few processes or threads can be started: {got}, and {needed} are needed \
                 ({error}); raise the limit \
             (`ulimit -u`) or lower --jobs"
            ),
        )),
    }
}

/// Holds threads until all of them have started.
#[derive(Clone, Default)]
struct Barrier(Arc<(Mutex<bool>, Condvar)>);

impl Barrier {
    fn open(&self) {
        let (is_open, changed) = &*self.0;
        *is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    fn wait(&self) {
        let (is_open, changed) = &*self.0;
        let is_open = is_open.lock().unwrap_or_else(PoisonError::into_inner);
        let _open = changed.wait_while(is_open, |is_open| !*is_open);
    }
}

fn enough_descriptors(needed: usize) -> Result<(), Failure> {
    let mut open = Vec::with_capacity(needed);
    while open.len() < needed {
        match File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => {
                let got = open.len();
                drop(open);
                return Err(Failure::new(
                    Exit::Incomplete,
                    format!(
                        "too few files may be open: {got} more, and {needed} are needed ({error}); \
                         raise the limit \
                     (`ulimit -n`) or lower --jobs"
                    ),
                ));
            }
        }
    }
    Ok(())
}
