//! Chooses, for each round, the attempts that the merged run has.

use std::collections::BTreeMap;

use crashrate_model::ShardRun;

use super::index::{Draw, DrawKind, Index, JournalKey, RunKey, Source};

/// The runs of all shards, and their attempts by round.
#[derive(Debug)]
pub(super) struct Joined {
    /// By the shard's index, from 1. Shards without runs are missing.
    pub(super) shards: BTreeMap<u32, JoinedShard>,
}

/// A shard of the merged run.
#[derive(Debug, Default)]
pub(super) struct JoinedShard {
    /// Its runs, the first one first.
    pub(super) runs: Vec<JoinedRun>,
    /// Its attempts, by round, unit and run.
    pub(super) draws: Vec<JoinedDraw>,
}

/// A run of a shard.
#[derive(Debug)]
pub(super) struct JoinedRun {
    pub(super) run: ShardRun,
    /// [`Source::tag`].
    pub(super) tag: String,
    /// The journals that have records of it.
    pub(super) inputs: Vec<usize>,
    /// The one that has the most.
    pub(super) best: usize,
}

/// The place of a run in its shard, and that of its journal.
#[derive(Clone, Copy, Debug)]
struct Rank {
    run: u16,
    journal: u16,
}

/// An attempt, with the journal that it is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct JoinedDraw {
    /// [`Draw::source`] is the index of its run in its shard.
    pub(super) draw: Draw,
    pub(super) input: u32,
    /// Which journal of its shard it was in: the parts that several machines wrote are one.
    pub(super) journal: u16,
}

impl Joined {
    /// Joins journals, whose attempts it takes.
    pub(super) fn new(indexes: &mut [Index]) -> Joined {
        let mut by_key: BTreeMap<(u32, RunKey), (Source, usize, Vec<usize>)> = BTreeMap::new();
        for (input, index) in indexes.iter().enumerate() {
            for source in &index.sources {
                let best = by_key
                    .entry((source.shard, source.key()))
                    .or_insert_with(|| (source.clone(), input, Vec::new()));
                best.2.push(input);
                // Of two copies of a journal, the longer one is newer.
                if source.run.bytes > best.0.run.bytes {
                    (best.0, best.1) = (source.clone(), input);
                }
            }
        }
        let mut shards: BTreeMap<u32, JoinedShard> = BTreeMap::new();
        // By journal and source: its place in the shard.
        let mut ranks: BTreeMap<(usize, u32, RunKey), Rank> = BTreeMap::new();
        let mut last: Option<(u32, JournalKey, u16)> = None;
        for ((shard, key), (source, input, inputs)) in by_key {
            let runs = &mut shards.entry(shard).or_default().runs;
            let journal = match &last {
                Some((of, known, journal)) if *of == shard => {
                    journal.saturating_add(u16::from(*known != key.journal))
                }
                _ => 0,
            };
            last = Some((shard, key.journal.clone(), journal));
            let run = u16::try_from(runs.len()).unwrap_or(u16::MAX);
            ranks.insert((input, shard, key), Rank { run, journal });
            runs.push(JoinedRun {
                tag: source.tag(),
                run: source.run,
                inputs,
                best: input,
            });
        }
        for (input, index) in indexes.iter_mut().enumerate() {
            take_draws(&mut shards, &ranks, input, index);
        }
        for shard in shards.values_mut() {
            // Stable places: a run's attempts of a round stay in the order in which they were made.
            let key = |one: &JoinedDraw| {
                let Draw {
                    round,
                    unit,
                    source,
                    started,
                    ..
                } = one.draw;
                (round, unit, source, started)
            };
            shard.draws.sort_unstable_by_key(key);
        }
        Joined { shards }
    }
}

/// Moves the attempts of a journal to their shards, except those of runs of which another journal
/// has more.
fn take_draws(
    shards: &mut BTreeMap<u32, JoinedShard>,
    ranks: &BTreeMap<(usize, u32, RunKey), Rank>,
    input: usize,
    index: &mut Index,
) {
    let of_sources: Vec<Option<(u32, Rank)>> = (index.sources.iter())
        .map(|source| {
            let rank = ranks.get(&(input, source.shard, source.key()));
            rank.map(|rank| (source.shard, *rank))
        })
        .collect();
    let input = u32::try_from(input).unwrap_or(u32::MAX);
    if let [Some((shard, _))] = of_sources[..]
        && let Some(shard) = shards.get_mut(&shard)
    {
        shard.draws.reserve_exact(index.draws.len());
    }
    for mut draw in std::mem::take(&mut index.draws) {
        let Some((shard, rank)) = of_sources[usize::from(draw.source)] else {
            continue;
        };
        draw.source = rank.run;
        let journal = rank.journal;
        if let Some(shard) = shards.get_mut(&shard) {
            shard.draws.push(JoinedDraw {
                draw,
                input,
                journal,
            });
        }
    }
}

/// The attempts of a round of a unit that the merged run has, of all that there are.
pub(super) fn chosen(draws: &[JoinedDraw]) -> impl Iterator<Item = &JoinedDraw> {
    let result = draws.iter().find(|one| is_first(one, DrawKind::Measured));
    let winner = result.map(|one| one.journal);
    let has_vanished = draws.iter().any(|one| is_first(one, DrawKind::Vanished));
    // A newer copy of a journal may say that what has vanished was not started, either.
    let last = draws
        .iter()
        .rposition(|one| is_first(one, DrawKind::NotStarted));
    draws.iter().enumerate().filter_map(move |(place, one)| {
        let is_kept = match winner {
            Some(winner) if one.journal == winner => !is_first(one, DrawKind::NotStarted),
            Some(winner) => one.journal < winner && is_first(one, DrawKind::Vanished),
            // The last reason why it was not started stays on record.
            None => Some(place) == last || has_vanished && is_first(one, DrawKind::Vanished),
        };
        is_kept.then_some(one)
    })
}

/// Whether it is a first attempt that ended in this way.
fn is_first(one: &JoinedDraw, kind: DrawKind) -> bool {
    one.draw.attempt == 1 && one.draw.kind == kind
}
