//! Applies the run's stopping rule to the journal's records, exactly as the runner does. The same
//! journal gives the same verdicts, and a verdict never changes once reached.

use std::collections::BTreeMap;
use std::iter::zip;

use crashrate_model::{
    ALPHA, Axis, BlockChange, BlockPairs, Contrast, Merged, Outcome, Pairing, PlanOrder, Record,
    RunInfo, Shard, Started, Stopping, contrasts, places,
};
use crashrate_stats::{GateWatch, PairWatch};

use super::begun::{BegunOrder, ShardClock};
use crate::compare::{alpha_of, axes};
use crate::view::{GateSeen, PairsSeen, RunState};

#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    pairs: Vec<OpenPairs>,
    gates: Vec<OpenGate>,
    /// The clocks of a merged run.
    clock: Option<ShardClock>,
}

/// The comparisons along an axis.
#[derive(Clone, Debug)]
struct OpenPairs {
    axis: Axis,
    contrasts: Vec<Contrast>,
    watches: Vec<PairWatch>,
    /// The blocks of the run, or of each shard of a merged run.
    pairings: Vec<Pairing>,
    merged: Option<MergedPairs>,
}

/// The blocks of several shards.
#[derive(Clone, Debug)]
struct MergedPairs {
    order: BegunOrder<BlockPairs>,
    /// By shard and round: when the blocks were begun that have not ended.
    begun: Vec<BTreeMap<u32, f64>>,
    withdrawn: Vec<BlockPairs>,
    /// By shard: whether it is running.
    running: Vec<bool>,
    /// Blocks of shards that are missing: they may have any result.
    missing: u32,
}

#[derive(Clone, Debug)]
struct OpenGate {
    unit: u32,
    /// The rounds of the run, or of each shard of a merged run: whether each was bad, and when it
    /// was begun. The inner `None` means that its end is unknown. The outer `None`: the round does
    /// not count.
    rounds: Vec<PlanOrder<(f64, Option<Option<bool>>)>>,
    merged: Option<BegunOrder<Option<bool>>>,
    seen: GateSeen,
}

impl Watched {
    pub(super) fn new(run: &RunInfo) -> Self {
        let axes = axes(&run.units).into_iter();
        Watched {
            pairs: axes.map(|axis| OpenPairs::new(run, axis)).collect(),
            gates: gates(run),
            clock: run.merged.as_ref().map(ShardClock::new),
        }
    }

    /// When an attempt was begun, by the clock of its shard.
    pub(super) fn begun(&self, started: &Started) -> f64 {
        let clock = self.clock.as_ref();
        clock.map_or(started.at, |clock| clock.begun(started))
    }

    /// Adds a record. An attempt that ended was begun at `begun`.
    pub(super) fn push(&mut self, record: &Record, run: &RunInfo, begun: f64) {
        let shard = match (&self.clock, record) {
            (Some(clock), Record::Ended(ended)) => clock.shard(ended.round),
            _ => 0,
        };
        for pairs in &mut self.pairs {
            pairs.push(record, shard, begun);
        }
        for gate in &mut self.gates {
            gate.push(record, run, shard, begun);
        }
    }

    /// Gives the verdicts so far of a merged run, of which the oldest running attempt was begun then.
    pub(super) fn settle(&mut self, state: RunState, oldest: Option<f64>) {
        for pairs in &mut self.pairs {
            pairs.settle(state, oldest);
        }
        for gate in &mut self.gates {
            gate.settle(oldest);
        }
    }

    pub(super) fn pairs(&self) -> Vec<PairsSeen> {
        let seen = self.pairs.iter().map(|pairs| PairsSeen {
            axis: pairs.axis,
            contrasts: zip(pairs.contrasts.clone(), pairs.watches.clone()).collect(),
        });
        seen.collect()
    }

    pub(super) fn gates(&self) -> Vec<GateSeen> {
        self.gates.iter().map(|gate| gate.seen.clone()).collect()
    }
}

impl OpenPairs {
    fn new(run: &RunInfo, axis: Axis) -> Self {
        let contrasts = contrasts(&run.units, axis);
        let alpha = alpha_of(&run.units, &run.stopping, axis);
        let pairing = Pairing::new(&run.units, &run.bad, contrasts.clone());
        let watches = watches(&contrasts, alpha, run.not_worse_by);
        let pairings = match (&run.merged, run.shard) {
            (Some(merged), _) => (shards(merged))
                .map(|shard| pairing.clone().of_shard(shard))
                .collect(),
            (None, Some(shard)) => vec![pairing.of_shard(shard)],
            (None, None) => vec![pairing],
        };
        let blocks = run.units.iter().map(|unit| unit.rounds).min().unwrap_or(0);
        OpenPairs {
            axis,
            contrasts,
            watches,
            pairings,
            merged: run.merged.as_ref().map(|merged| MergedPairs {
                order: BegunOrder::new(merged.count),
                begun: vec![BTreeMap::new(); merged.count as usize],
                withdrawn: Vec::new(),
                running: shards(merged)
                    .map(|shard| {
                        merged
                            .of_round(shard.index)
                            .is_some_and(|one| one.is_running)
                    })
                    .collect(),
                missing: missing_rounds(run, merged, blocks),
            }),
        }
    }

    fn push(&mut self, record: &Record, shard: usize, begun: f64) {
        let Some(merged) = &mut self.merged else {
            let pairings = self.pairings.iter_mut();
            for change in pairings.flat_map(|pairing| pairing.push(record)) {
                feed(&mut self.watches, change);
            }
            return;
        };
        let Record::Ended(ended) = record else {
            for change in self.pairings.iter_mut().flat_map(|one| one.push(record)) {
                if let BlockChange::Withdrawn(pairs) = change {
                    merged.withdrawn.push(pairs);
                }
            }
            return;
        };
        let (Some(pairing), Some(open)) =
            (self.pairings.get_mut(shard), merged.begun.get_mut(shard))
        else {
            return;
        };
        if pairing.waits_for(ended) {
            let first = open.entry(ended.round).or_insert(begun);
            *first = first.min(begun);
        }
        for change in pairing.push(record) {
            match change {
                BlockChange::Drawn(pairs) => {
                    // Blocks are drawn in the order of their rounds.
                    let begun = open.pop_first().map_or(begun, |(_, begun)| begun);
                    merged.order.put(shard, begun, pairs);
                }
                BlockChange::Withdrawn(pairs) => merged.withdrawn.push(pairs),
            }
        }
    }

    fn settle(&mut self, state: RunState, oldest: Option<f64>) {
        let Some(mut merged) = self.merged.take() else {
            return;
        };
        let (mut oldest, mut left_off) = (oldest, Vec::new());
        for (shard, pairing) in self.pairings.iter().enumerate() {
            let Some(pairs) = pairing.begun() else {
                continue;
            };
            let first = merged.begun[shard].first_key_value();
            let begun = first.map_or(f64::INFINITY, |(_, begun)| *begun);
            match state.is_running() && merged.running[shard] {
                true => oldest = Some(oldest.map_or(begun, |oldest| oldest.min(begun))),
                // A machine was stopped between two attempts, perhaps because of a verdict.
                false if pairing.is_left_off() => left_off.push(pairs),
                // A machine ended in the middle of an attempt. If the engine starts the shard again,
                // the block is unknown until it has a result.
                false => merged.order.put(shard, begun, pairs),
            }
        }
        for pairs in merged.order.until(oldest) {
            feed(&mut self.watches, BlockChange::Drawn(pairs));
        }
        for pairs in merged.withdrawn {
            feed(&mut self.watches, BlockChange::Withdrawn(pairs));
        }
        for pairs in left_off {
            // After a verdict no more rounds are needed, so it does not depend on them.
            for (watch, pair) in self.watches.iter_mut().zip(pairs) {
                if let Some(pair) = pair.filter(|_| !watch.is_answered()) {
                    watch.push(pair);
                }
            }
        }
        for watch in &mut self.watches {
            (0..merged.missing).for_each(|_| watch.push([None; 2]));
        }
    }
}

/// The shards of a merged run, also missing ones.
fn shards(merged: &Merged) -> impl Iterator<Item = Shard> + '_ {
    let count = merged.count;
    (1..=count).map(move |index| Shard { index, count })
}

/// How many of a unit's rounds belong to shards that are missing. If the data stop the run, shards
/// that are not needed are never begun, and count for nothing.
fn missing_rounds(run: &RunInfo, merged: &Merged, rounds: u32) -> u32 {
    if run.stopping.is_by_data() {
        return 0;
    }
    let missing = merged.missing(rounds);
    missing.map(|shard| shard.rounds_of(rounds)).sum()
}

/// Primary comparisons share an error budget; so do explanatory ones.
fn watches(contrasts: &[Contrast], alpha: f64, not_worse_by: Option<f64>) -> Vec<PairWatch> {
    let all = contrasts.iter().filter_map(|contrast| {
        let same = contrasts.iter().filter(|c| c.primary == contrast.primary);
        let watch = PairWatch::new(alpha, same.count()).ok()?;
        watch.with_margin(not_worse_by).ok()
    });
    all.collect()
}

fn feed(watches: &mut [PairWatch], change: BlockChange) {
    let (pairs, change): (_, fn(&mut PairWatch, _)) = match change {
        BlockChange::Drawn(pairs) => (pairs, PairWatch::push),
        BlockChange::Withdrawn(pairs) => (pairs, PairWatch::withdraw),
    };
    for (watch, pair) in watches.iter_mut().zip(pairs) {
        if let Some(pair) = pair {
            change(watch, pair);
        }
    }
}

fn gates(run: &RunInfo) -> Vec<OpenGate> {
    let gates = match &run.stopping {
        Stopping::Gates(gates) => gates.as_slice(),
        _ => &[],
    };
    let places = places(&run.units);
    let open = gates.iter().filter_map(|gate| {
        let key = (gate.name.as_str(), gate.mode, gate.variant.as_str());
        let unit = *places.get(&key)?;
        // An invalid limit is rejected before the run starts.
        let watch = GateWatch::new(gate.limit.below, ALPHA, gates.len()).ok()?;
        let rounds = match (&run.merged, run.shard) {
            (Some(merged), _) => shards(merged).map(PlanOrder::of_shard).collect(),
            (None, Some(shard)) => vec![PlanOrder::of_shard(shard)],
            (None, None) => vec![PlanOrder::default()],
        };
        Some(OpenGate {
            unit,
            rounds,
            merged: (run.merged.as_ref()).map(|merged| BegunOrder::new(merged.count)),
            seen: GateSeen {
                gate: gate.clone(),
                watch,
                clustered: false,
            },
        })
    });
    open.collect()
}

impl OpenGate {
    fn push(&mut self, record: &Record, run: &RunInfo, shard: usize, begun: f64) {
        let ended = match record {
            Record::Opened(_) => {
                self.rounds
                    .iter_mut()
                    .for_each(|rounds| drop(rounds.reopen()));
                return;
            }
            Record::Ended(ended) if ended.attempt == 1 && ended.unit == self.unit => ended,
            _ => return,
        };
        let Some(rounds) = self.rounds.get_mut(shard) else {
            return;
        };
        let seen = self.seen.gate.limit.sees(ended, &run.bad);
        let is_drawn = ended.outcome != Outcome::NotStarted;
        rounds.put(ended.round, (begun, seen), is_drawn);
        while let Some((_, (begun, seen))) = rounds.pop() {
            match (seen, &mut self.merged) {
                (None, _) => {}
                (Some(is_bad), None) => self.seen.watch.push(is_bad),
                (Some(is_bad), Some(merged)) => merged.put(shard, begun, is_bad),
            }
        }
    }

    fn settle(&mut self, oldest: Option<f64>) {
        let Some(merged) = self.merged.take() else {
            return;
        };
        for is_bad in merged.until(oldest) {
            self.seen.watch.push(is_bad);
        }
    }
}
