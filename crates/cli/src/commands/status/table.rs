//! The table of a job's shards.

use std::fmt::Write as _;

use crashrate_report::{count, plural, seconds};
use crashrate_supervisor::jobs::{Job, JobProgress, ShardProgress, ShardState};

use crate::measure::quoted;

/// A running shard that has written nothing for this long is marked: its longest round may take
/// that long, or its machine is cut off.
const SILENT_SECS: u64 = 120;

/// A line for the job, one for each shard, and the totals.
pub(super) fn table(progress: &JobProgress, shards: &[ShardProgress]) -> String {
    let job = progress.job();
    let mut text = format!("{} · {}", job.suite, job.engine);
    if let Some(id) = &job.ids.shards {
        let _ = write!(text, " {id}");
    }
    let _ = writeln!(text, " · {}", plural(u64::from(job.shards), "shard"));
    let host = shards.iter().map(|shard| shard.host.chars().count()).max();
    let host = host.unwrap_or(0).max(4);
    let _ = writeln!(
        text,
        "{:>5}  {:8}  {:host$}  {:>13}  {:>7}  {:>4}",
        "shard", "state", "host", "rounds", "bad", "lost"
    );
    for shard in shards {
        let rounds = match shard.planned {
            None => "-".to_owned(),
            Some(planned) => format!("{}/{}", count(shard.rounds), count(planned)),
        };
        let line = format!(
            "{:>5}  {:8}  {:host$}  {rounds:>13}  {:>7}  {:>4}{}",
            shard.index,
            shard.state.word(),
            shard.host,
            count(shard.bad),
            count(shard.lost),
            remark(shard)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if let Some(pods) = progress.pods() {
        let _ = writeln!(
            text,
            "pods: {} active, {} succeeded, {} failed",
            pods.active, pods.succeeded, pods.failed
        );
    }
    match progress.elsewhere() {
        Some(why) => text + &why + "\n",
        None => text + &totals(shards) + &held(job, shards) + &ended_watch(progress, shards),
    }
}

/// Says that the watch has ended: the shards have decided, or nothing cancels them when they do.
fn ended_watch(progress: &JobProgress, shards: &[ShardProgress]) -> String {
    let is_over = shards.iter().all(|shard| shard.has_ended);
    if is_over || !progress.has_watch_ended() {
        return String::new();
    }
    let job = quoted(progress.folder().path().as_os_str());
    let log = progress.folder().watch_log();
    format!(
        "the watch has ended; its log says why\nlog     {}\nwatch   crashrate status {job} --watch \
         --stop\n",
        quoted(log.as_os_str())
    )
}

/// How to release the tasks that Slurm holds.
fn held(job: &Job, shards: &[ShardProgress]) -> String {
    let held = shards.iter().filter(|shard| shard.is_held);
    let id = job.ids.shards.as_deref().unwrap_or_default();
    let tasks: Vec<String> = held.map(|shard| format!("{id}_{}", shard.index)).collect();
    if tasks.is_empty() {
        return String::new();
    }
    let cluster = job.ids.cluster_option();
    format!(
        "Slurm holds {}; the merge waits for {}\nrelease scontrol {cluster}release {}\n",
        plural(tasks.len() as u64, "task"),
        if tasks.len() == 1 { "it" } else { "them" },
        tasks.join(",")
    )
}

fn remark(shard: &ShardProgress) -> String {
    if let Some(problem) = &shard.problem {
        return format!("  {problem}");
    }
    if shard.is_held {
        return format!("  held: {}", shard.waits_for.as_deref().unwrap_or_default());
    }
    if let (ShardState::Waiting, Some(reason)) = (shard.state, &shard.waits_for) {
        return format!("  {reason}");
    }
    match shard.silent {
        Some(silent)
            if matches!(shard.state, ShardState::Running | ShardState::Lost)
                && silent.as_secs() >= SILENT_SECS =>
        {
            format!("  no record for {}", seconds(silent.as_secs_f64()))
        }
        _ => String::new(),
    }
}

fn totals(shards: &[ShardProgress]) -> String {
    let sum = |of: fn(&ShardProgress) -> u64| shards.iter().map(of).sum::<u64>();
    let known: u64 = shards.iter().filter_map(|shard| shard.planned).sum();
    let is_known = shards.iter().all(|shard| shard.planned.is_some());
    let planned = match (is_known, known) {
        (true, _) => format!(" of {}", plural(known, "round")),
        (false, 0) => " rounds".to_owned(),
        (false, _) => format!(" of at least {}", plural(known, "round")),
    };
    let mut text = format!(
        "{}{planned} have a result, {} bad",
        count(sum(|shard| shard.rounds)),
        count(sum(|shard| shard.bad))
    );
    match sum(|shard| shard.lost) {
        0 => {}
        lost => {
            let _ = write!(text, "; {} lost", plural(lost, "attempt"));
        }
    }
    text + "\n"
}
