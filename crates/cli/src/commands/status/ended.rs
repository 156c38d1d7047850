//! What is said of a job whose shards have all ended: its verdict, and what is missing.

use std::path::Path;

use crashrate_model::StopReason;
use crashrate_report::{Detail, ExitClass, RunState, View, count, exit_class, plural, terminal};
use crashrate_supervisor::jobs::{
    JobFolder, JobProgress, Pods, ShardProgress, ShardState, TaskState,
};
use crashrate_supervisor::journal::{self, JOURNAL};

use crate::measure::quoted;
use crate::output::report_options;
use crate::run_folder::view;

/// The verdict of the merged run and its folder, and how to run what has no result.
pub(super) fn ended(progress: &JobProgress, shards: &[ShardProgress]) -> String {
    let folder = progress.folder();
    if progress.elsewhere().is_some() {
        return pods_ended(folder, progress.pods().unwrap_or_default(), shards.len());
    }
    let merged = folder.merged();
    let view = merged_view(&merged, shards);
    let is_left = |shard: &&ShardProgress| shard.state != ShardState::Complete;
    let left: Vec<&ShardProgress> = shards.iter().filter(is_left).collect();
    // Shards that were stopped by the answer have no more to do.
    let is_answered = view
        .as_ref()
        .is_some_and(|view| exit_class(view) != ExitClass::Incomplete);
    let mut text = String::new();
    if !left.is_empty() && !is_answered {
        text += &unfinished(folder, &left);
    }
    let merged = quoted(merged.as_os_str());
    match (view, progress.merge()) {
        (Some(mut view), _) => {
            view.name.clone_from(&merged);
            let mut options = report_options(false, None);
            options.detail = Detail::Headline;
            text += &format!("\n{}", terminal(&view, &options));
            text += &format!("\nmerged  {merged}\nmore    crashrate report {merged} --full\n");
        }
        (None, _) if shards.iter().all(|shard| shard.written.is_none()) => {
            text += "no shard has a run: there is nothing to merge\n";
        }
        (None, Some(state)) => {
            let does = match state {
                TaskState::Active => "is running",
                TaskState::Waiting => "is waiting in the queue",
            };
            let id = progress.job().ids.merge.as_deref().unwrap_or_default();
            let log = quoted(folder.merge_log().as_os_str());
            text += &format!("the merge, job {id}, {does}\nlog     {log}\n");
        }
        (None, None) => {
            let runs = quoted(folder.runs().as_os_str());
            text += &format!(
                "the shards are not merged yet\nmerge   crashrate merge {runs} --output {merged}\n"
            );
        }
    }
    text
}

/// How the pods ended whose rounds are not here, and what to do next.
fn pods_ended(folder: &JobFolder, pods: Pods, shards: usize) -> String {
    let failed = match pods.failed {
        0 => String::new(),
        failed => format!(", {} of them failed", count(failed.into())),
    };
    let mut text = format!("the pods have ended{failed}\n");
    if (pods.succeeded as usize) < shards {
        let job = quoted(folder.path().as_os_str());
        text += &format!("resume  crashrate submit --resume {job}\n");
    }
    let path = quoted(folder.path().join("merge.yaml").as_os_str());
    text + &format!("merge   kubectl apply -f {path}\n")
}

/// Why shards have no results, and how to run them again.
fn unfinished(folder: &JobFolder, left: &[&ShardProgress]) -> String {
    let mut reasons: Vec<&str> = left.iter().map(|shard| reason(folder, shard)).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let mut text = format!(
        "the job has ended; {} {}: {}\n",
        plural(left.len() as u64, "shard"),
        match left.len() {
            1 => "lacks results",
            _ => "lack results",
        },
        reasons.join("; ")
    );
    let mut logs = left.iter().map(|shard| folder.log(shard.index));
    if let Some(log) = logs.find(|log| has_text(log)) {
        text += &format!("log     {}\n", quoted(log.as_os_str()));
    }
    let job = quoted(folder.path().as_os_str());
    text + &format!("resume  crashrate submit --resume {job}\n")
}

/// Why a shard has no results.
fn reason(folder: &JobFolder, shard: &ShardProgress) -> &'static str {
    match (shard.state, shard.end) {
        (_, Some(StopReason::Done)) => "rounds could not be started",
        (_, Some(StopReason::TimeBudget)) => "over the time budget (--for)",
        (_, Some(StopReason::MaxFailures)) => "over the allowed number of failures",
        (_, Some(StopReason::ProgramReplaced)) => "its program was replaced",
        (_, Some(StopReason::BuildFailed)) => "its build failed",
        (_, Some(StopReason::DeviceFailed)) => "its device failed",
        (_, Some(StopReason::JournalFailed)) => "its journal could not be written",
        (_, Some(StopReason::Interrupted)) => "cancelled, or over the time limit",
        (ShardState::Missing, _) if has_text(&folder.log(shard.index)) => {
            "failed at the start (see the log)"
        }
        (ShardState::Missing, _) => "never started",
        _ => "killed, or its machine failed",
    }
}

fn has_text(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

/// The merged run, if it has the latest results.
fn merged_view(merged: &Path, shards: &[ShardProgress]) -> Option<View> {
    if !journal::has_records(merged) || journal::is_live(merged) {
        return None;
    }
    let journal = merged.join(JOURNAL);
    let written = journal.metadata().and_then(|file| file.modified()).ok()?;
    let is_newer = |shard: &ShardProgress| shard.written > Some(written);
    match shards.iter().any(is_newer) {
        true => None,
        false => view(merged, RunState::Ended).ok(),
    }
}
