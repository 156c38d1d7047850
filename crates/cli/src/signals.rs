//! Ensures that two Ctrl-C or a SIGTERM end the program, whatever blocks it.
//!
//! During a run the coordinator handles these signals. Once a handler is installed, the default
//! action is gone for the rest of the process. A blocked coordinator (a disk that does not answer)
//! or an unread report would then keep the program alive, so a thread ends it after a time limit.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use crashrate_supervisor::plan::Plan;
use crashrate_supervisor::process::is_ignored;
use crashrate_supervisor::signals::{EndSignal, StatusSignals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::SignalKind;

use crate::environment::{lock, tokio_runtime};
use crate::error::Exit;
use crate::output::{flush_briefly, note};

/// The longest grace period of an attempt that is respected.
const MAX_GRACE: Duration = Duration::from_secs(60);
/// Time beyond the grace period, for the end of the run.
const MARGIN: Duration = Duration::from_secs(5);

/// Ends the program when a signal does not.
pub(crate) struct StopWatch {
    grace: Duration,
    /// The message with which a signal ends the program; `None` while the coordinator handles
    /// signals.
    ended: Arc<Mutex<Option<String>>>,
    started: Once,
}

impl StopWatch {
    pub(crate) fn new(plan: &Plan) -> StopWatch {
        StopWatch {
            grace: plan.longest_grace().min(MAX_GRACE) + MARGIN,
            ended: Arc::default(),
            started: Once::new(),
        }
    }

    /// The coordinator has started an attempt and handles signals.
    pub(crate) fn run_started(&self) {
        *lock(&self.ended) = None;
        self.started.call_once(|| {
            let (ended, grace) = (self.ended.clone(), self.grace);
            let thread = std::thread::Builder::new().name("stop".into());
            // Without the thread, only the coordinator handles signals.
            let _ = thread.spawn(move || watch(&ended, grace));
        });
    }

    /// The coordinator has ended: from now on one signal ends the program, with this message.
    pub(crate) fn run_ended(&self, message: String) {
        *lock(&self.ended) = Some(message);
    }
}

fn watch(ended: &Mutex<Option<String>>, grace: Duration) {
    let Ok(runtime) = tokio_runtime() else {
        return;
    };
    runtime.block_on(async {
        let mut interrupt = listen(SignalKind::interrupt());
        let mut terminate = listen(SignalKind::terminate());
        let mut hangup = listen(SignalKind::hangup());
        let mut engine = listen(SignalKind::user_defined2());
        let is_running = || lock(ended).is_none();
        let mut interrupted = false;
        loop {
            tokio::select! {
                () = received(&mut interrupt) => {
                    if is_running() && !std::mem::replace(&mut interrupted, true) {
                        // The first Ctrl-C lets running attempts end.
                        continue;
                    }
                }
                () = received(&mut engine) => {
                    // As one Ctrl-C, however often it comes.
                    if is_running() {
                        interrupted = true;
                        continue;
                    }
                }
                () = received(&mut terminate) => {}
                () = received(&mut hangup) => {}
            }
            break;
        }
        if is_running() {
            tokio::time::sleep(grace).await;
        }
    });
    if let Some(message) = &*lock(ended) {
        note(message);
        flush_briefly();
    }
    std::process::exit(Exit::Incomplete as i32);
}

/// If no handler can be installed, the default action ends the program.
fn listen(kind: SignalKind) -> Option<EndSignal> {
    EndSignal::listen(kind).ok()
}

async fn received(signal: &mut Option<EndSignal>) {
    match signal {
        Some(signal) => signal.received().await,
        None => std::future::pending().await,
    }
}

/// From now on a first Ctrl-C, SIGTERM or SIGHUP only sets the flag, so that a command can undo what
/// it has begun. A second one ends the program.
pub(crate) fn noted_end() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if !is_ignored(signal) {
            // Otherwise the default action ends the program.
            let _ =
                flag::register_conditional_shutdown(signal, Exit::Incomplete as i32, ended.clone());
            let _ = flag::register(signal, ended.clone());
        }
    }
    ended
}

/// Waits for Ctrl-C or SIGTERM, for a command that has nothing to finish.
pub(crate) async fn ended_by_user() {
    let mut interrupt = listen(SignalKind::interrupt());
    let mut terminate = listen(SignalKind::terminate());
    tokio::select! {
        () = received(&mut interrupt) => {}
        () = received(&mut terminate) => {}
    }
}

/// From now on the signals that ask what runs do not end the program, also before the coordinator
/// handles them.
pub(crate) fn keep_status_signals() {
    if let Ok(runtime) = tokio_runtime() {
        let _in_it = runtime.enter();
        // Without a handler, the signal has its default action until the run begins.
        let _ = StatusSignals::listen();
    }
}
