//! What the program needs from where it is started, checked before anything else so that the message is clear.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Exit, Failure};

/// Descriptors that any command needs besides the standard ones.
const ANY: usize = 10;
/// Descriptors that a run needs besides.
const RUN: usize = 34;
/// Threads and processes that a run needs: the guardian, the screen, and what watches signals.
const RUN_THREADS: usize = 3;
/// Threads and processes that each attempt running at the same time needs: its slot and its child.
const ATTEMPT_THREADS: usize = 2;
/// Threads that the server needs.
const SERVE_THREADS: usize = 2;

/// Descriptors that each attempt running at the same time needs besides.
const ATTEMPT: usize = 20;

/// `SIGXFSZ`: the same number on Linux and macOS.
const FILE_SIZE: i32 = 25;

/// Prepares for any command.
///
/// # Errors
/// Too few descriptors may be open.
pub(crate) fn prepare() -> Result<(), Failure> {
    enough_descriptors(ANY)?;
    // The default action of a write beyond `ulimit -f` is death. With a handler the write fails, and its error names the
    // file. Children start with the default action.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        let _in_it = runtime.enter();
        let _ = signal(SignalKind::from_raw(FILE_SIZE));
    }
    Ok(())
}

/// Checks that there are enough descriptors, threads and processes for a run with this many concurrent attempts.
///
/// # Errors
/// It would be.
pub(crate) fn enough_for_run(jobs: u32) -> Result<(), Failure> {
    let jobs = jobs as usize;
    enough_descriptors(RUN + ATTEMPT * jobs)?;
    enough_threads(RUN_THREADS + ATTEMPT_THREADS * jobs)
}

/// Checks that the server will not be out of threads.
///
/// # Errors
/// It would be.
pub(crate) fn enough_for_serve() -> Result<(), Failure> {
    enough_threads(SERVE_THREADS)
}

/// Threads count as processes for `ulimit -u` and for the limit of a container.
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
                "too few processes or threads can be started: {got}, and {needed} are needed ({error}); raise the limit \
             (`ulimit -u`) or lower --jobs"
            ),
        )),
    }
}

/// Keeps threads until all of them have been started.
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
                        "too few files may be open: {got} more, and {needed} are needed ({error}); raise the limit \
                     (`ulimit -n`) or lower --jobs"
                    ),
                ));
            }
        }
    }
    Ok(())
}
