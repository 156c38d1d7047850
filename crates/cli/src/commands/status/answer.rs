//! Whether the combined results of a job's shards decide its stopping rule: their journals, merged
//! in memory.

use crashrate_model::Stopping;
use crashrate_report::{Judgement, RunState, View, ViewBuilder, plural};
use crashrate_supervisor::jobs::JobProgress;
use crashrate_supervisor::journal;
use crashrate_supervisor::merge::{Input, Merge, OpenAttempts};

use crate::error::Failure;

/// Whether the results so far decide the stopping rule.
pub(super) enum Answer {
    /// They do.
    In(String),
    /// They do not; the sentence says why.
    NotIn(String),
}

/// Reads the journals of all shards, without locks, and judges their results as one run.
pub(super) fn answer(progress: &JobProgress) -> Result<Answer, Failure> {
    let folders = journal::list(&progress.folder().runs()).map_err(Failure::usage)?;
    let with_records = folders.into_iter().filter(|run| journal::has_records(run));
    let inputs = with_records.map(Input::of_run);
    let inputs: Vec<Input> = inputs.filter(|input| !input.repeats_round()).collect();
    if inputs.is_empty() {
        let why = progress.elsewhere();
        let why = why.unwrap_or_else(|| "no shard has started yet".to_owned());
        return Ok(Answer::NotIn(why));
    }
    let merge = Merge::read(&inputs, OpenAttempts::Running).map_err(Failure::usage)?;
    let mut builder = ViewBuilder::new();
    let mut pushed = Ok(());
    let read = merge.each_record(&mut |record| {
        if pushed.is_ok() {
            pushed = builder.push(record);
        }
    });
    read.map_err(Failure::usage)?;
    pushed.map_err(Failure::usage)?;
    let view = builder.finish(RunState::Running).map_err(Failure::usage)?;
    Ok(judge(&view))
}

fn judge(view: &View) -> Answer {
    let rounds = plural(view.totals.first_attempt.n, "round");
    match (&view.run.stopping, view.judgement()) {
        (Stopping::FixedRounds, _) => Answer::NotIn(
            "the run has no stopping rule (--until, --gate): it ends after its rounds".to_owned(),
        ),
        (Stopping::FirstBad, _) if view.has_decided() => {
            Answer::In(format!("found a bad round in {rounds}"))
        }
        (Stopping::FirstBad, _) => Answer::NotIn(format!("no bad round in {rounds} so far")),
        (_, Judgement::Refuted) if view.has_decided() => {
            Answer::In(format!("decided by {rounds}: a gate is refuted"))
        }
        _ if view.has_decided() => Answer::In(format!("decided by {rounds}")),
        _ => Answer::NotIn(format!("undecided after {rounds}")),
    }
}
