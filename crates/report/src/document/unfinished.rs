//! What a run without an answer needs.

use crashrate_model::StopReason;

use crate::view::View;

/// Says how to continue a run without an answer; `command` is the one that began it.
pub(super) fn unfinished(view: &View, command: &str) -> Option<String> {
    let run = &view.run;
    if run.state.is_running() {
        return None;
    }
    let totals = &view.totals;
    match run.stopped {
        Some(StopReason::Interrupted | StopReason::TimeBudget) | None => Some(format!(
            "`crashrate {command} --resume {}` continues it.",
            run.number
        )),
        Some(StopReason::Done) if totals.first_attempt.n >= totals.planned => {
            Some("Its rounds are used up; a new run can have more (--rounds).".to_owned())
        }
        Some(_) => None,
    }
}
