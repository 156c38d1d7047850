//! The promise that two Ctrl-C or a SIGTERM end the program, whatever it waits for.
//!
//! During a run the driver handles these signals. Once a handler is installed, the default action is gone for the rest of
//! the process. A blocked driver (a disk that does not answer) or a report that nobody reads would then keep the program
//! alive, so a thread ends it after a time limit.

use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use crashrate_supervisor::plan::Plan;
use crashrate_supervisor::signals::EndSignal;
use tokio::signal::unix::SignalKind;

use crate::exit::Exit;
use crate::screen::{self, tell};

/// The longest grace that is waited for.
const LONGEST: Duration = Duration::from_secs(60);
/// Time beyond the grace of the attempts for the end of the run.
const MARGIN: Duration = Duration::from_secs(5);

/// Watches over the end of the program.
pub(crate) struct StopWatch {
    grace: Duration,
    state: Arc<Mutex<State>>,
    started: Once,
}

/// What a signal means at the moment.
enum State {
    /// The driver handles it.
    Running,
    /// It ends the program with this message.
    Waiting(String),
}

impl StopWatch {
    /// For the attempts of this plan.
    pub(crate) fn new(plan: &Plan) -> StopWatch {
        StopWatch {
            grace: plan.longest_grace().min(LONGEST) + MARGIN,
            state: Arc::new(Mutex::new(State::Running)),
            started: Once::new(),
        }
    }

    /// The driver handles signals: it has started an attempt.
    pub(crate) fn running(&self) {
        *lock(&self.state) = State::Running;
        self.started.call_once(|| {
            let (state, grace) = (self.state.clone(), self.grace);
            let thread = std::thread::Builder::new().name("stop".into());
            // Without the thread, only the driver handles signals.
            let _ = thread.spawn(move || watch(&state, grace));
        });
    }

    /// The driver has ended: from here on one signal ends the program, with this message.
    pub(crate) fn ended(&self, message: String) {
        *lock(&self.state) = State::Waiting(message);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(state: &Mutex<State>, grace: Duration) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    runtime.block_on(async {
        let mut interrupt = listen(SignalKind::interrupt());
        let mut terminate = listen(SignalKind::terminate());
        let mut hangup = listen(SignalKind::hangup());
        let is_running = || matches!(*lock(state), State::Running);
        let mut asked = false;
        loop {
            tokio::select! {
                () = received(&mut interrupt) => {
                    if is_running() && !std::mem::replace(&mut asked, true) {
                        // Running attempts may end.
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
    if let State::Waiting(message) = &*lock(state) {
        tell(message);
        screen::flush_briefly();
    }
    std::process::exit(Exit::Incomplete as i32);
}

/// Without a handler the default action ends the program.
fn listen(kind: SignalKind) -> Option<EndSignal> {
    EndSignal::listen(kind).ok()
}

async fn received(signal: &mut Option<EndSignal>) {
    match signal {
        Some(signal) => signal.received().await,
        None => std::future::pending().await,
    }
}

/// Waits for Ctrl-C or SIGTERM, by which a command that has nothing to finish ends.
pub(crate) async fn asked() {
    let mut interrupt = listen(SignalKind::interrupt());
    let mut terminate = listen(SignalKind::terminate());
    tokio::select! {
        () = received(&mut interrupt) => {}
        () = received(&mut terminate) => {}
    }
}
