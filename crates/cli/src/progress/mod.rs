//! Runs a campaign and shows its progress: redrawn in place on a terminal, a line every 30 seconds
//! elsewhere.

mod estimate;
mod search;
mod state;

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crashrate_model::{Ended, Record, StopReason};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::runner::{self, Campaign, RunError, RunEvent};

use crate::environment::lock;
use crate::output::{hide_display, note, note_lines, show_display};
use crate::signals::StopWatch;
use state::State;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How much of the progress is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProgressOptions {
    /// Show none.
    pub(crate) is_quiet: bool,
    /// Before round 2, tell how long the run takes.
    pub(crate) tells_time: bool,
}

/// Runs a campaign. A signal after its end prints `stopped_later` and ends the program.
pub(crate) fn run_campaign(
    campaign: &Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
    stopped_later: String,
    options: ProgressOptions,
) -> Result<StopReason, RunError> {
    let mut progress = Progress::new(campaign, folder, options);
    let stopped = runner::run(campaign, folder, &mut |event| {
        if let RunEvent::Record(Record::Started(_)) = event {
            watch.run_started();
        }
        progress.update(&event);
    });
    watch.run_ended(stopped_later);
    stopped
}

/// Shows how far a run is, on standard error. The run only updates the state; another thread draws
/// it.
struct Progress {
    /// Nothing is printed while its lock is held.
    state: Arc<Mutex<State>>,
    /// Whether attempts that did not pass have a line each.
    shows_ends: bool,
    tells_time: bool,
    is_quiet: bool,
    /// Ends the thread that prints lines when it is dropped.
    _lines: Option<Sender<()>>,
}

impl Progress {
    fn new(campaign: &Campaign, folder: &RunFolder, options: ProgressOptions) -> Self {
        let state = Arc::new(Mutex::new(State::new(campaign, folder)));
        let in_ci = std::env::var_os("CI").is_some_and(|v| !v.is_empty());
        let is_terminal = std::io::stderr().is_terminal();
        let mut lines = None;
        if options.is_quiet {
        } else if is_terminal {
            let drawn = state.clone();
            show_display(Arc::new(move |columns, rows| {
                lock(&drawn).lines(Instant::now(), columns, rows)
            }));
        } else {
            lines = print_lines(state.clone());
        }
        Progress {
            state,
            shows_ends: !options.is_quiet && (is_terminal || in_ci),
            tells_time: options.tells_time && !options.is_quiet,
            is_quiet: options.is_quiet,
            _lines: lines,
        }
    }

    fn update(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Stopping => {
                note("stopping: waiting for running attempts; press Ctrl-C again to kill them");
            }
            RunEvent::Building(unit, source) => {
                let variant = lock(&self.state).variant(*unit);
                self.note_build(&format!("building {variant}: {}", source.how()));
            }
            RunEvent::Record(Record::Built(built)) => {
                let variant = lock(&self.state).variant(built.unit);
                self.note_build(&match (&built.problem, built.secs) {
                    (Some(problem), _) => format!("{variant} cannot be built: {problem}"),
                    (None, Some(secs)) => format!("built {variant} in {secs:.1} s"),
                    (None, None) => format!("{variant} is built already"),
                });
            }
            RunEvent::Record(Record::DeviceFailed(failure)) if failure.device.is_some() => {
                let sentence = failure.sentence();
                note(format_args!("{sentence}: nothing more is started on it"));
            }
            RunEvent::Probing(slot, device, limit) => {
                lock(&self.state).probing(*slot, device, *limit);
            }
            RunEvent::Probed(slot) => lock(&self.state).probed(*slot),
            RunEvent::Trouble(reason) => note(format_args!("stopping: {reason}")),
            RunEvent::Killing => note("stopping: killing running attempts"),
            RunEvent::Record(Record::Started(started)) => {
                let time = if self.tells_time && started.round > 1 {
                    self.tells_time = false;
                    Some(lock(&self.state).time_of_run())
                } else {
                    None
                };
                lock(&self.state).started(started.unit, started.round);
                time.into_iter().for_each(note);
            }
            RunEvent::Record(Record::Ended(ended)) => self.ended(ended),
            RunEvent::Record(_) => {}
            RunEvent::Search(status) => {
                let before = lock(&self.state).search.replace((*status).clone());
                if before.is_some_and(|before| search::is_set_back(&before, status)) {
                    note("the answer did not hold in fresh rounds: searching on");
                }
            }
            RunEvent::Progress(key, step) => lock(&self.state).set_step(*key, step),
            RunEvent::Status(attempts) => {
                let lines = lock(&self.state).status(attempts, Instant::now());
                lines.into_iter().for_each(note);
            }
        }
    }

    fn note_build(&self, text: &str) {
        if !self.is_quiet {
            note_lines(text);
        }
    }

    fn ended(&mut self, ended: &Ended) {
        // Released before `note`: the drawing thread takes both locks.
        let mut state = lock(&self.state);
        state.ended(ended);
        if !ended.outcome.is_good() && self.shows_ends {
            let line = state.end_line(ended);
            drop(state);
            note(line);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        hide_display();
    }
}

/// Prints a line from time to time, until what this returns is dropped. Without a thread for it,
/// nothing is printed.
fn print_lines(state: Arc<Mutex<State>>) -> Option<Sender<()>> {
    let (sender, ended) = channel();
    let thread = std::thread::Builder::new().name("progress".into());
    let lines = move || {
        while ended.recv_timeout(LINE_EVERY) == Err(RecvTimeoutError::Timeout) {
            let line = lock(&state).summary(Instant::now());
            note(line);
        }
    };
    thread.spawn(lines).ok().map(|_| sender)
}
