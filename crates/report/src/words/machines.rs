//! The machines of a merged run in words.

use std::collections::{BTreeMap, BTreeSet};

use crashrate_model::StopReason;

use super::estimates::points;
use super::names::of_unit;
use super::numbers::{count, first_lines, joined, plural};
use super::rate_tests::{Places, difference, rate_tests_method};
use crate::clean::{NAME, clean};
use crate::view::{Bounds, Machine, Machines, RateTest, Results, ShardState, View};

/// Units that are named before the rest are counted.
const NAMED: usize = 3;

/// The name of a machine: its host, or its shards.
pub(crate) fn machine_name(machine: &Machine) -> String {
    let shards = || shard_list(machine.shards.iter().map(|(index, _)| *index));
    machine.host().map_or_else(shards, |host| clean(host, NAME))
}

/// `shard 4`, `shards 4, 9`, `shards 1-3, 7`.
pub(crate) fn shard_list(shards: impl Iterator<Item = u32>) -> String {
    const SHOWN: usize = 8;
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for shard in shards {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == shard => *last = shard,
            _ => runs.push((shard, shard)),
        }
    }
    let word = match runs.as_slice() {
        [(first, last)] if first == last => "shard",
        _ => "shards",
    };
    let texts = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    let texts = first_lines(texts.collect(), SHOWN, "more ranges");
    format!("{word} {}", texts.join(", "))
}

/// The commits at which shards ran, if they differ: a plan has the hashes of programs, and not of
/// the scripts that they read.
pub(crate) fn commits(view: &View) -> Option<String> {
    let mut by_commit: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for shard in view.run.merged.iter().flat_map(|merged| &merged.shards) {
        for commit in shard.each.iter().filter_map(|run| run.machine.get("git")) {
            by_commit.entry(commit).or_default().insert(shard.index);
        }
    }
    if by_commit.len() < 2 {
        return None;
    }
    let commits = by_commit.into_iter().map(|(commit, shards)| {
        let commit = clean(commit, NAME);
        format!("{commit} ({})", shard_list(shards.into_iter()))
    });
    let commits = first_lines(commits.collect(), NAMED, "more").join(", ");
    Some(format!(
        "Shards ran at different commits, so their scripts and tests may differ: {commits}."
    ))
}

/// How the shards of a machine ended.
pub(crate) fn machine_state(machine: &Machine) -> String {
    let mut kinds: Vec<(ShardState, Vec<u32>)> = Vec::new();
    for (shard, state) in &machine.shards {
        match kinds.iter_mut().find(|(known, _)| known == state) {
            Some((_, shards)) => shards.push(*shard),
            None => kinds.push((*state, vec![*shard])),
        }
    }
    match kinds.as_slice() {
        [(state, _)] => shard_state(*state).to_owned(),
        kinds => {
            let words = kinds.iter().map(|(state, shards)| {
                let state = shard_state(*state);
                format!("{}: {state}", shard_list(shards.iter().copied()))
            });
            joined(words, "; ").unwrap_or_default()
        }
    }
}

/// How a shard ended.
pub(crate) fn shard_state(state: ShardState) -> &'static str {
    match state {
        ShardState::Complete => "complete",
        ShardState::Continued => "continued on another machine",
        ShardState::NoEnd => "no end on record",
        ShardState::Ended(why) => match why {
            StopReason::Decided => "ended early: decided",
            StopReason::Interrupted => "ended early: interrupted",
            StopReason::MaxFailures => "ended early: too many failures",
            StopReason::TimeBudget => "ended early: time limit",
            StopReason::JournalFailed => "ended early: journal not written",
            StopReason::WaitingFailed => "ended early: could not wait for its children",
            StopReason::ProgramReplaced => "ended early: a program changed",
            StopReason::BuildFailed => "ended early: not built",
            StopReason::DeviceFailed => "ended early: no device works",
            StopReason::Done | StopReason::ShardsMissing => "rounds without a result",
        },
    }
}

/// `25 of 100 blocks are missing (shards 4, 9)`, `21 of 100 blocks are missing (shard 4: 20, shard
/// 6: 1)`.
pub(crate) fn missing_blocks(view: &View) -> Option<String> {
    let machines = view.machines.as_ref()?;
    let which = match missing_by_shard(machines) {
        None => String::new(),
        Some(shards) => format!(" ({shards})"),
    };
    match machines.missing_blocks {
        0 => None,
        1 => Some(format!(
            "1 of {} blocks is missing{which}",
            count(machines.blocks.into())
        )),
        n => Some(format!(
            "{} of {} blocks are missing{which}",
            count(n.into()),
            count(machines.blocks.into())
        )),
    }
}

/// The shards that lack blocks: how many each, unless they lack all.
fn missing_by_shard(machines: &Machines) -> Option<String> {
    const SHOWN: usize = 6;
    let all = &machines.missing_by_shard;
    if all
        .iter()
        .all(|of| machines.missing_shards.contains(&of.shard))
    {
        return (!all.is_empty()).then(|| shard_list(all.iter().map(|of| of.shard)));
    }
    let mut by_blocks: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for of in all {
        by_blocks.entry(of.blocks).or_default().push(of.shard);
    }
    let words = by_blocks.into_iter().rev().map(|(blocks, shards)| {
        let each = if shards.len() > 1 { " each" } else { "" };
        let list = shard_list(shards.into_iter());
        format!("{list}: {}{each}", count(blocks.into()))
    });
    let words = first_lines(words.collect(), SHOWN, "more");
    Some(words.join("; "))
}

/// `crash rate 2.1% to 18%, if none or all of them crashed`.
pub(crate) fn bounded(bounds: Bounds) -> String {
    let [best, worst] = ends(bounds);
    format!("crash rate {best}% to {worst}%, if none or all of them crashed")
}

fn ends(bounds: Bounds) -> [String; 2] {
    [bounds.best, bounds.worst].map(|of| points(f64::from(of.bad) / f64::from(of.n.max(1))))
}

/// The units whose rates differ between machines, a sentence each.
pub(crate) fn machine_differences(view: &View) -> Vec<String> {
    let Some(machines) = &view.machines else {
        return Vec::new();
    };
    let sentences = machines
        .differing()
        .map(|test| difference_of(machines, test));
    first_lines(
        sentences.collect(),
        NAMED,
        "more units differ between machines",
    )
}

fn difference_of(machines: &Machines, test: &RateTest) -> String {
    let unit = &machines.list[0].units[test.unit];
    let name = of_unit(&unit.name, Some(unit.mode), &unit.variant);
    let shares = machines.list.iter().map(|machine| {
        let of = machine.units[test.unit].share(test.counted);
        (machine_name(machine), of)
    });
    difference(&name, test, Places::Machines, shares.collect())
}

/// How machines were compared.
pub(crate) fn machines_method(machines: &Machines) -> Option<String> {
    let method = rate_tests_method(&machines.tests, Places::Machines)?;
    Some(method + " Comparisons are made within each machine.")
}

/// The bounds that missing rounds allow, in place of an interval: ` (9.0% to 34% with the 25 missing
/// rounds)`.
pub(crate) fn missing_words(results: &Results) -> Option<String> {
    let bounds = results.bounds?;
    let [best, worst] = ends(bounds);
    let again = results.lost_and_run_again();
    let missing = match bounds.missing.saturating_sub(again) {
        0 => format!("{} lost and run again", plural(again, "round")),
        n if again > 0 => {
            let again = count(again.into());
            format!(
                "{} and {again} lost and run again",
                plural(n, "missing round")
            )
        }
        n => plural(n, "missing round"),
    };
    Some(format!(" ({best}% to {worst}% with the {missing})"))
}
