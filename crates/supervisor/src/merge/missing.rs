//! What a merged run lacks, and why it ended.

use crashrate_model::{RunInfo, Shard, StopReason};

/// Shards and blocks that are named.
const NAMED: usize = 8;

/// The shards without a run that have a block.
pub(super) fn shards(info: &RunInfo) -> Vec<Shard> {
    let Some(merged) = &info.merged else {
        return Vec::new();
    };
    let most = info.units.iter().map(|unit| unit.rounds).max().unwrap_or(0);
    merged.missing(most).collect()
}

/// Why the merged run ended, and in words which shards are missing or stopped early. `measured`
/// rounds have a result.
pub(super) fn why(info: &RunInfo, measured: u64) -> (StopReason, Option<String>) {
    let planned: u64 = info.units.iter().map(|unit| u64::from(unit.rounds)).sum();
    if measured >= planned {
        return (StopReason::Done, None);
    }
    let missing = shards(info);
    let merged = info.merged.as_ref();
    let ends = merged.iter().flat_map(|merged| &merged.shards);
    let ends: Vec<(u32, Option<StopReason>)> = ends.map(|shard| (shard.index, shard.why)).collect();
    let without_end = ends.iter().filter(|(_, why)| why.is_none());
    let without_end: Vec<u32> = without_end.map(|(index, _)| *index).collect();
    if !missing.is_empty() || !without_end.is_empty() {
        let words = in_words(info, &missing, &without_end);
        return (StopReason::ShardsMissing, Some(words));
    }
    let reasons = ends.iter().filter_map(|(_, why)| *why);
    match reasons.min_by_key(|why| rank(*why)) {
        Some(why) if why.is_planned() => (why, None),
        None => (StopReason::Done, None),
        Some(why) => {
            let for_it = ends.iter().filter(|(_, other)| *other == Some(why));
            let for_it: Vec<u32> = for_it.map(|(index, _)| *index).collect();
            let word = if for_it.len() == 1 { "shard" } else { "shards" };
            let shards = listed(for_it.iter().copied(), for_it.len());
            (why, Some(format!("{word} {shards} stopped early")))
        }
    }
}

/// The most serious reason has the lowest rank.
fn rank(why: StopReason) -> u8 {
    match why {
        StopReason::JournalFailed => 0,
        StopReason::WaitingFailed => 1,
        StopReason::ProgramReplaced => 2,
        StopReason::BuildFailed => 3,
        StopReason::DeviceFailed => 4,
        StopReason::ShardsMissing => 5,
        StopReason::Interrupted => 6,
        StopReason::MaxFailures => 7,
        StopReason::TimeBudget => 8,
        StopReason::Decided => 9,
        StopReason::Done => 10,
    }
}

/// `shard 2 of 4 is missing (blocks 2, 6, 10 and 5 more); shard 3 did not end`.
fn in_words(info: &RunInfo, missing: &[Shard], without_end: &[u32]) -> String {
    let most = info.units.iter().map(|unit| unit.rounds).max().unwrap_or(0);
    let mut words: Vec<String> = (missing.iter().take(NAMED))
        .map(|shard| {
            let blocks = (shard.index..=most).step_by(shard.count as usize);
            let blocks = listed(blocks, shard.rounds_of(most) as usize);
            let Shard { index, count } = shard;
            format!("shard {index} of {count} is missing (blocks {blocks})")
        })
        .collect();
    if missing.len() > NAMED {
        words.push(format!("{} more are missing", missing.len() - NAMED));
    }
    if !without_end.is_empty() {
        let shards = listed(without_end.iter().copied(), without_end.len());
        words.push(match without_end.len() {
            1 => format!("shard {shards} did not end"),
            _ => format!("shards {shards} did not end"),
        });
    }
    words.join("; ")
}

/// The first numbers, and how many more there are.
fn listed(numbers: impl Iterator<Item = u32>, count: usize) -> String {
    let first: Vec<String> = numbers.take(NAMED).map(|n| n.to_string()).collect();
    let first = first.join(", ");
    match count.saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
