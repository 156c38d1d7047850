//! The facts of a merged run. They follow from the set of its runs alone.

use std::collections::{BTreeMap, BTreeSet};

use crashrate_model::{Finding, Merged, MergedShard, RunInfo, ShardRun, StopReason};

use super::MergeError;
use super::index::Index;
use super::join::{Joined, JoinedShard};
use crate::safe_file::readable_name;

/// Values of a fact that are listed if machines differ.
const LISTED: usize = 4;
/// Digits of the plan's fingerprint in the id of a merged run.
const DIGITS: usize = 12;

/// Describes the merged run.
pub(super) fn run_info(indexes: &[Index], joined: &Joined) -> Result<RunInfo, MergeError> {
    let count = indexes.first().map_or(1, |index| index.count);
    let shards = joined.shards.iter();
    let merged = Merged {
        count,
        shards: shards
            .map(|(index, shard)| MergedShard {
                is_running: is_running(indexes, shard),
                ..of_shard(*index, shard)
            })
            .collect(),
    };
    // What is common to all runs is taken from the first run of the first shard, so that it does not
    // matter in which journal that is.
    let first = joined
        .shards
        .values()
        .next()
        .and_then(|shard| shard.runs.first());
    let base = first.and_then(|run| indexes.get(run.best));
    let base = base.ok_or(MergeError::Nothing)?.info.clone();
    let runs: Vec<&ShardRun> = merged.shards.iter().flat_map(|shard| &shard.each).collect();
    let highest = runs.iter().map(|run| run.number).max().unwrap_or(0);
    let mut info = RunInfo {
        jobs: runs.iter().map(|run| run.jobs).max().unwrap_or(1),
        evidence: runs
            .iter()
            .map(|run| run.evidence)
            .min()
            .unwrap_or_default(),
        evidence_rounds: runs.iter().any(|run| run.evidence_rounds),
        machine: machine(&runs),
        max_failures: runs.iter().filter_map(|run| run.max_failures).max(),
        time_budget: (runs.iter().filter_map(|run| run.time_budget)).max_by(f64::total_cmp),
        findings: findings(&runs),
        limits: joined_facts(runs.iter().map(|run| &run.limits)),
        devices: Vec::new(),
        shard: None,
        merged: Some(merged),
        ..base
    };
    number(&mut info, highest.saturating_add(1));
    Ok(info)
}

/// Gives a merged run a number, and the id that belongs to it.
pub(super) fn number(info: &mut RunInfo, number: u32) {
    let plan = info.plan.as_deref().unwrap_or_default();
    let plan: String = plan.chars().take(DIGITS).collect();
    info.number = number;
    info.id = format!("{number}-{}-merged-{plan}", readable_name(&info.suite));
}

/// Whether a run of a shard is not over.
fn is_running(indexes: &[Index], shard: &JoinedShard) -> bool {
    let mut inputs = shard.runs.iter().flat_map(|run| &run.inputs);
    inputs.any(|input| indexes[*input].is_live)
}

fn of_shard(index: u32, shard: &JoinedShard) -> MergedShard {
    let each: Vec<ShardRun> = shard.runs.iter().map(|run| run.run.clone()).collect();
    // The run that completed the shard describes it, else the last one.
    let is_over = |run: &&ShardRun| run.why.is_some_and(StopReason::is_planned);
    let main = each.iter().find(is_over).or(each.last());
    let main = main.cloned().unwrap_or_default();
    MergedShard {
        index,
        runs: each.iter().map(|run| run.id.clone()).collect(),
        machine: main.machine,
        devices: main.devices,
        hello: main.hello,
        started: each
            .first()
            .map(|run| run.started.clone())
            .unwrap_or_default(),
        finished: main.finished,
        why: main.why,
        is_running: false,
        each,
    }
}

/// The facts of the machines. The command is that of the first shard: it has no shard in it.
fn machine(runs: &[&ShardRun]) -> BTreeMap<String, String> {
    const COMMAND: &str = "command";
    let mut machine = joined_facts(runs.iter().map(|run| &run.machine));
    if let Some(command) = runs.iter().find_map(|run| run.machine.get(COMMAND)) {
        machine.insert(COMMAND.to_owned(), command.clone());
    }
    machine
}

/// Facts by name; where they differ, the first few values.
fn joined_facts<'a>(
    all: impl Iterator<Item = &'a BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in all.flatten() {
        values.entry(name).or_default().insert(value);
    }
    let joined = values.into_iter().map(|(name, values)| {
        let more = values.len().saturating_sub(LISTED);
        let listed: Vec<&str> = values.into_iter().take(LISTED).collect();
        let listed = listed.join(", ");
        let text = match more {
            0 => listed,
            more => format!("{listed} and {more} more"),
        };
        (name.to_owned(), text)
    });
    joined.collect()
}

/// What was found, and on which hosts.
type Found = BTreeMap<String, BTreeSet<String>>;

/// `load 4.3 on 2 cores (n1, n2); load 6.0 on 2 cores (n3)`.
fn found_on(found: &Found) -> String {
    let mut words: Vec<String> = (found.iter().take(LISTED))
        .map(|(found, hosts)| {
            let named: Vec<&str> = hosts.iter().map(String::as_str).take(LISTED).collect();
            let more = hosts.len().saturating_sub(LISTED);
            match (named.join(", "), more) {
                (named, _) if named.is_empty() => found.clone(),
                (named, 0) => format!("{found} (on {named})"),
                (named, more) => format!("{found} (on {named} and {more} more)"),
            }
        })
        .collect();
    let more = found.len().saturating_sub(LISTED);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

/// What was found on the machines; the same finding of several machines once.
fn findings(runs: &[&ShardRun]) -> Vec<Finding> {
    let mut all: Vec<(Finding, Found)> = Vec::new();
    for run in runs {
        let host = run.machine.get("host").cloned().unwrap_or_default();
        for finding in &run.findings {
            let same = |(known, _): &&(Finding, Found)| {
                (&known.name, known.level, &known.advice)
                    == (&finding.name, finding.level, &finding.advice)
            };
            let place = match all.iter().position(|found| same(&found)) {
                Some(place) => place,
                None => {
                    all.push((finding.clone(), BTreeMap::new()));
                    all.len() - 1
                }
            };
            let hosts = all[place].1.entry(finding.found.clone()).or_default();
            hosts.insert(host.clone());
        }
    }
    let joined = all.into_iter().map(|(finding, found)| Finding {
        found: found_on(&found),
        ..finding
    });
    joined.collect()
}
