//! Runs without a journal: they calibrate their fault, and a calibration round counts in no rate.

use std::path::{Path, PathBuf};

use crashrate_model::Outcome;
use crashrate_report::{InShort, RunState, Share, one_line};
use crashrate_supervisor::fault::calibrate::FOLDER;
use crashrate_supervisor::{journal, run_file};

use crate::run_folder::{state, view};

/// The state of a run's calibration; `None` if the run has begun, or does not calibrate.
pub(crate) fn calibrating(folder: &Path) -> Option<InShort> {
    if journal::has_records(folder) || !is_inside(folder) {
        return None;
    }
    let state = state(folder);
    let (_, run) = run_file::read(folder).ok()?;
    let cohorts = journal::list(&folder.join(FOLDER)).ok()?;
    let mut short = InShort {
        number: run.number,
        suite: run.suite,
        device: run.device,
        started: String::new(),
        state,
        complete: false,
        calibrating: true,
        imported: false,
        rounds: (0, 0),
        passed: 0,
        bad: Share::default(),
    };
    for view in cohorts.iter().filter_map(|cohort| view(cohort, state).ok()) {
        let totals = &view.totals;
        if short.started.is_empty() {
            short.started = view.run.started;
        }
        short.rounds.0 += totals.first_attempt.n;
        short.rounds.1 += totals.first_attempt.n;
        short.passed += totals.outcomes.get(Outcome::Passed);
        short.bad.bad += totals.first_attempt.bad;
        short.bad.n += totals.first_attempt.n;
    }
    Some(short)
}

/// The folder of the last run, if it is calibrating now.
pub(crate) fn last_if_calibrating(runs: &Path) -> Option<PathBuf> {
    let last = journal::list(runs).ok()?.pop()?;
    calibrating(&last)
        .filter(|short| short.state.is_running())
        .map(|_| last)
}

/// The message that replaces the report of such a run.
pub(crate) fn sentence(short: &InShort) -> String {
    let what = match short.state {
        RunState::Running => "is calibrating the fault",
        RunState::Ended => "has nothing but a calibration of the fault",
    };
    format!(
        "run {} of suite {} {what}: {} of {} rounds passed so far; they count in no rate, and \
         there is no report yet",
        short.number,
        one_line(&short.suite),
        short.passed,
        short.bad.n
    )
}

/// Whether the calibration folder is inside the run's folder, and not a link elsewhere.
fn is_inside(folder: &Path) -> bool {
    let real = folder.join(FOLDER).canonicalize();
    let folder = folder.canonicalize();
    matches!((real, folder), (Ok(real), Ok(folder)) if real.parent() == Some(&folder))
}
