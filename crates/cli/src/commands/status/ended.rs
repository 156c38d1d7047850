//! What is said of a job whose shards have all ended: its verdict, and what is missing.

use std::path::Path;

use crashrate_report::{Detail, ExitClass, RunState, View, exit_class, plural, terminal};
use crashrate_supervisor::jobs::{JobProgress, ShardProgress, ShardState};
use crashrate_supervisor::journal::{self, JOURNAL};

use crate::measure::quoted;
use crate::output::report_options;
use crate::run_folder::view;

/// The verdict of the merged run and its folder, and how to run what has no result.
pub(super) fn ended(progress: &JobProgress, shards: &[ShardProgress]) -> String {
    let folder = progress.folder();
    if progress.elsewhere().is_some() {
        let path = quoted(folder.path().join("merge.yaml").as_os_str());
        return format!("the pods have ended\nmerge   kubectl apply -f {path}\n");
    }
    let merged = folder.merged();
    let view = merged_view(&merged, shards);
    let is_complete = |shard: &&ShardProgress| shard.state == ShardState::Complete;
    let left = shards.len() - shards.iter().filter(is_complete).count();
    // Shards that were stopped by the answer have no more to do.
    let is_answered = view
        .as_ref()
        .is_some_and(|view| exit_class(view) != ExitClass::Incomplete);
    let mut text = String::new();
    if left > 0 && !is_answered {
        text += &format!(
            "the job has ended; {} {}: cancelled, failed, or over the time limit\n\
             resume  crashrate submit --resume {}\n",
            plural(left as u64, "shard"),
            if left == 1 {
                "lacks results"
            } else {
                "lack results"
            },
            quoted(folder.path().as_os_str())
        );
    }
    let merged = quoted(merged.as_os_str());
    match view {
        Some(view) => {
            let mut options = report_options(false, None);
            options.detail = Detail::Headline;
            text += &format!("\n{}", terminal(&view, &options));
            text += &format!("\nmerged  {merged}\nmore    crashrate report {merged} --full\n");
        }
        None => {
            let runs = quoted(folder.runs().as_os_str());
            text += &format!(
                "the shards are not merged yet\nmerge   crashrate merge {runs} --output {merged}\n"
            );
        }
    }
    text
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
