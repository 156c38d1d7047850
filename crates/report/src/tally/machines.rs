//! Tallies the machines of a merged run from the cells of its rounds: the shard of a round follows
//! from its number.

use std::collections::BTreeMap;

use crashrate_model::{ALPHA, Hello, Merged, MergedShard, Outcome, Shard, StopReason, Stopping};
use crashrate_stats::{holm, homogeneity};

use crate::view::{
    Bounds, Judgement, Machine, MachineTest, MachineUnit, Machines, Results, ShardState, Share,
    View,
};

/// Adds the machines of a merged run: their tallies, tests of equal rates, and bounds for what is
/// missing.
pub(super) fn add(view: &mut View) {
    if view.is_search() {
        return;
    }
    let Some(merged) = view.run.merged.clone() else {
        return;
    };
    let list = machines(view, &merged);
    let tests = tests(&list);
    for gate in &mut view.gates {
        let key = (&gate.gate.name, gate.gate.mode, &gate.gate.variant);
        let differing = tests.iter().filter(|test| test.differs);
        gate.by_machine = differing.map(|test| &list[0].units[test.unit]).any(|unit| {
            // A gate is for a unit.
            (&unit.name, unit.mode, &unit.variant) == key
        });
    }
    if !view.run.state.is_running() && !view.run.complete && has_decided(view) {
        // Shards that were cancelled say that they were interrupted.
        view.run.complete = true;
        view.run.stopped = Some(StopReason::Decided);
        view.run.stopped_because = None;
    }
    let needs_more = !view.run.complete && !view.run.state.is_running();
    let (blocks, missing) = blocks(view);
    let is_merged = |index: &u32| merged.shards.iter().any(|shard| shard.index == *index);
    view.machines = Some(Box::new(Machines {
        shards: merged.count,
        list,
        missing_shards: (1..=merged.count)
            .filter(|index| !is_merged(index))
            .collect(),
        missing_blocks: if needs_more { missing } else { 0 },
        blocks,
        tests,
    }));
    if needs_more {
        let sequences = view.sequences.iter_mut().map(|row| &mut row.results);
        let chapters = view.chapters.iter_mut().map(|row| &mut row.results);
        chapters.chain(sequences).for_each(widen);
    }
}

/// Whether the run's rule has decided, and needs no more rounds of any shard.
fn has_decided(view: &View) -> bool {
    match (&view.run.stopping, view.judgement()) {
        (Stopping::FirstBad, _) => view.totals.first_attempt.bad > 0,
        (_, Judgement::Shown | Judgement::Refuted) => true,
        (_, Judgement::Undecided | Judgement::None) => false,
    }
}

/// Counts rounds that were not run as missing, since shards do not go missing by chance.
fn widen(results: &mut Results) {
    let left = results.planned.saturating_sub(results.rounds);
    let (known, missing) = match results.bounds {
        None => (results.first_attempt, 0),
        Some(bounds) => {
            let Share { bad, n } = bounds.best;
            let missing = bounds.missing;
            let n = n.saturating_sub(missing);
            (Share { bad, n }, missing)
        }
    };
    results.bounds = Bounds::of(known, missing.saturating_add(left));
}

/// A shard's rounds of a unit.
#[derive(Clone, Copy, Default)]
struct Tally {
    ended: u32,
    share: Share,
}

/// A unit, its planned rounds, and its rounds by shard.
type UnitShards = (MachineUnit, u32, Vec<Tally>);

fn tallies(view: &View, count: u32) -> Vec<UnitShards> {
    let bad = &view.run.bad;
    let units = view.unit_results().map(|((name, mode, variant), results)| {
        let mut tallies = vec![Tally::default(); count as usize];
        for (round, cell) in (0..).zip(&results.cells) {
            let Some(first) = cell.first else { continue };
            let tally = &mut tallies[(round % count) as usize];
            tally.ended += u32::from(first.is_measured());
            if first.counts() {
                tally.share.n += 1;
                tally.share.bad += u32::from(bad.contains(first));
            }
        }
        let unit = MachineUnit {
            name: name.to_owned(),
            mode,
            variant: variant.to_owned(),
            first_attempt: Share::default(),
        };
        (unit, results.planned, tallies)
    });
    units.collect()
}

fn machines(view: &View, merged: &Merged) -> Vec<Machine> {
    let tallies = tallies(view, merged.count);
    let mut list: Vec<Machine> = Vec::new();
    for shard in &merged.shards {
        let own = Shard {
            index: shard.index,
            count: merged.count,
        };
        let place = list.iter().position(|known| is_on(known, shard));
        let place = place.unwrap_or_else(|| {
            list.push(of(shard, &tallies));
            list.len() - 1
        });
        let machine = &mut list[place];
        let (mut planned, mut ended) = (0, 0);
        for (unit, (_, rounds, tallies)) in machine.units.iter_mut().zip(&tallies) {
            let tally = tallies[shard.index as usize - 1];
            planned += own.rounds_of(*rounds);
            ended += tally.ended;
            unit.first_attempt.add(tally.share);
            machine.first_attempt.add(tally.share);
        }
        machine.planned += planned;
        machine.ended += ended;
        let state = match shard.why {
            _ if ended >= planned => ShardState::Complete,
            Some(why) => ShardState::Ended(why),
            None => ShardState::NoEnd,
        };
        machine.shards.push((shard.index, state));
    }
    list
}

fn is_on(machine: &Machine, shard: &MergedShard) -> bool {
    machine.facts.contains_key("host")
        && machine.facts == facts(shard)
        && machine.devices == shard.devices
}

fn facts(shard: &MergedShard) -> BTreeMap<String, String> {
    let mut facts = shard.machine.clone();
    facts.remove("command");
    facts
}

fn of(shard: &MergedShard, tallies: &[UnitShards]) -> Machine {
    Machine {
        facts: facts(shard),
        devices: shard.devices.clone(),
        reported: shard
            .hello
            .as_ref()
            .map(|hello: &Hello| hello.device.clone()),
        units: tallies.iter().map(|(unit, ..)| unit.clone()).collect(),
        ..Machine::default()
    }
}

/// Tests whether the rate of each unit is the same on all machines. The units share the error.
fn tests(list: &[Machine]) -> Vec<MachineTest> {
    let units = list.first().map_or(0, |machine| machine.units.len());
    let tested = (0..units).filter_map(|unit| {
        let counts = list
            .iter()
            .map(|machine| machine.units[unit].first_attempt.counts().ok());
        let counts: Option<Vec<_>> = counts.collect();
        Some((unit, homogeneity(&counts?)?))
    });
    let tested: Vec<_> = tested.collect();
    let alone: Vec<f64> = tested.iter().map(|(_, test)| test.p).collect();
    let adjusted = holm(&alone).unwrap_or_default().into_iter();
    let tests = tested.into_iter().zip(adjusted);
    let tests = tests.map(|((unit, test), p)| MachineTest {
        unit,
        test,
        p,
        differs: p <= ALPHA,
    });
    tests.collect()
}

/// The blocks of the run, and those in which a unit has no result.
fn blocks(view: &View) -> (u32, u32) {
    let rows = || view.unit_results().map(|(_, results)| results);
    let all = rows().map(|results| results.planned).max().unwrap_or(0);
    let has = |results: &Results, round: u32| {
        let cell = results.cells.get(round as usize);
        cell.and_then(|cell| cell.first)
            .is_some_and(Outcome::is_measured)
    };
    let is_missing =
        |round: &u32| rows().any(|results| *round < results.planned && !has(results, *round));
    (all, (0..all).filter(is_missing).count() as u32)
}
