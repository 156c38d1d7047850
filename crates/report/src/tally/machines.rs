//! Tallies the machines of a merged run from the cells of its rounds: the shard of a round follows
//! from its number.

use std::collections::{BTreeMap, BTreeSet};

use crashrate_model::{
    Hello, Merged, MergedShard, Outcome, Shard, ShardRun, StopReason, is_same_machine,
};

use super::rate_tests::rate_tests;
use crate::view::{
    Bounds, CountedRounds, Machine, MachineUnit, Machines, MissingBlocks, Results, ShardState,
    Share, View,
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
    let (list, places) = machines(view, &merged);
    let units = list.first().map_or(0, |machine| machine.units.len());
    let on_each = |unit: usize, counted: CountedRounds| {
        let shares = list.iter().map(|on| on.units[unit].share(counted));
        (unit, counted, shares.collect())
    };
    let kinds = match view.run.bad.contains(Outcome::Failed) {
        true => &[CountedRounds::Bad][..],
        false => &[CountedRounds::Bad, CountedRounds::Failed],
    };
    let all = (kinds.iter()).flat_map(|counted| (0..units).map(|unit| on_each(unit, *counted)));
    let tests = rate_tests(&view.run, all);
    if !view.run.state.is_running() && !view.run.complete && view.has_decided() {
        // Shards that were cancelled say that they were interrupted.
        view.run.complete = true;
        view.run.stopped = Some(StopReason::Decided);
        view.run.stopped_because = None;
    }
    let needs_more = !view.run.complete && !view.run.state.is_running();
    let (blocks, missing) = blocks(view, merged.count);
    let missing = if needs_more { missing } else { Vec::new() };
    view.machines = Some(Box::new(Machines {
        shards: merged.count,
        list,
        missing_shards: merged.missing(blocks).map(|shard| shard.index).collect(),
        missing_blocks: missing.iter().map(|one| one.blocks).sum(),
        missing_by_shard: missing,
        moved: moved(view, merged.count, &places),
        blocks,
        tests,
    }));
    if needs_more {
        let sequences = view.sequences.iter_mut().map(|row| &mut row.results);
        let chapters = view.chapters.iter_mut().map(|row| &mut row.results);
        chapters.chain(sequences).for_each(widen);
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

/// The rounds of a unit that a run of a shard made.
#[derive(Clone, Copy, Default)]
struct Tally {
    ended: u32,
    share: Share,
    failed: u32,
}

/// A unit, its planned rounds, and its rounds by shard and run of it.
struct UnitTallies {
    unit: MachineUnit,
    planned: u32,
    /// By the shard's place from 0.
    by_run: BTreeMap<u32, Vec<Tally>>,
}

impl UnitTallies {
    /// The rounds of a run of a shard, each from 0.
    fn of(&self, shard: u32, run: usize) -> Tally {
        let runs = self.by_run.get(&shard);
        runs.and_then(|runs| runs.get(run))
            .copied()
            .unwrap_or_default()
    }
}

fn tallies(view: &View, count: u32) -> Vec<UnitTallies> {
    let bad = &view.run.bad;
    let units = view.unit_results().map(|((name, mode, variant), results)| {
        let mut by_run: BTreeMap<u32, Vec<Tally>> = BTreeMap::new();
        for (round, cell) in (0..).zip(&results.cells) {
            let Some(first) = cell.first else { continue };
            let runs = by_run.entry(round % count).or_default();
            let run = usize::from(cell.run);
            if run >= runs.len() {
                runs.resize(run + 1, Tally::default());
            }
            let tally = &mut runs[run];
            tally.ended += u32::from(first.is_measured());
            if first.counts() {
                tally.share.n += 1;
                tally.share.bad += u32::from(bad.contains(first));
                tally.failed += u32::from(first == Outcome::Failed);
            }
        }
        let unit = MachineUnit {
            name: name.to_owned(),
            mode,
            variant: variant.to_owned(),
            first_attempt: Share::default(),
            failed: 0,
        };
        UnitTallies {
            unit,
            planned: results.planned,
            by_run,
        }
    });
    units.collect()
}

/// The machines, and for each shard the places of the machines of its runs.
fn machines(view: &View, merged: &Merged) -> (Vec<Machine>, BTreeMap<u32, Vec<usize>>) {
    let tallies = tallies(view, merged.count);
    let mut list: Vec<Machine> = Vec::new();
    let mut places = BTreeMap::new();
    for shard in &merged.shards {
        let runs: Vec<ShardRun> = match shard.each.is_empty() {
            true => vec![whole(shard)],
            false => shard.each.clone(),
        };
        let of_runs = runs.iter().map(|run| place(&mut list, run, &tallies));
        let of_runs: Vec<usize> = of_runs.collect();
        add_shard(&mut list, (shard, merged.count), &of_runs, &tallies);
        places.insert(shard.index, of_runs);
    }
    (list, places)
}

/// A shard of which no runs are listed, as one run.
fn whole(shard: &MergedShard) -> ShardRun {
    ShardRun {
        machine: shard.machine.clone(),
        devices: shard.devices.clone(),
        hello: shard.hello.clone(),
        ..ShardRun::default()
    }
}

/// The place of a run's machine in the list, to which it is added if it is new.
fn place(list: &mut Vec<Machine>, run: &ShardRun, tallies: &[UnitTallies]) -> usize {
    let known = list.iter().position(|known| is_on(known, run));
    let place = known.unwrap_or_else(|| {
        list.push(of(run, tallies));
        list.len() - 1
    });
    let load = run.findings.iter().find(|finding| finding.name == "load");
    let loads = &mut list[place].loads;
    loads.extend(
        load.map(|load| load.found.clone())
            .filter(|load| !loads.contains(load)),
    );
    place
}

/// Adds a shard, the runs of which were made on these machines. What is left of it belongs to the
/// last one.
fn add_shard(
    list: &mut [Machine],
    (shard, count): (&MergedShard, u32),
    of_runs: &[usize],
    tallies: &[UnitTallies],
) {
    let index = shard.index;
    let own = Shard { index, count };
    let planned: u32 = tallies.iter().map(|unit| own.rounds_of(unit.planned)).sum();
    let mut all_ended = 0;
    for (run, place) in of_runs.iter().enumerate() {
        let machine = &mut list[*place];
        for (unit, tallies) in machine.units.iter_mut().zip(tallies) {
            let tally = tallies.of(index - 1, run);
            unit.first_attempt.add(tally.share);
            unit.failed += tally.failed;
            machine.first_attempt.add(tally.share);
            machine.ended += tally.ended;
            machine.planned += tally.ended;
            all_ended += tally.ended;
        }
    }
    let last = of_runs.last().copied();
    let others: BTreeSet<usize> = of_runs.iter().copied().collect();
    for other in others.into_iter().filter(|place| Some(*place) != last) {
        list[other].shards.push((index, ShardState::Continued));
    }
    if let Some(machine) = last.map(|last| &mut list[last]) {
        machine.planned += planned.saturating_sub(all_ended);
        let state = match shard.why {
            _ if all_ended >= planned => ShardState::Complete,
            Some(why) => ShardState::Ended(why),
            None => ShardState::NoEnd,
        };
        machine.shards.push((index, state));
    }
}

/// The rounds that ran on a machine other than the last of their shard.
fn moved(
    view: &View,
    count: u32,
    places: &BTreeMap<u32, Vec<usize>>,
) -> BTreeMap<u32, Option<usize>> {
    let mut all = BTreeMap::new();
    for (shard, of_runs) in places {
        let Some(last) = of_runs.last() else { continue };
        if of_runs.iter().all(|place| place == last) {
            continue;
        }
        let rounds = view.unit_results().map(|(_, results)| results.cells.len());
        let rounds = rounds.max().unwrap_or(0) as u32;
        for round in (*shard..=rounds).step_by(count as usize) {
            let cells = view.unit_results();
            let cells = cells.filter_map(|(_, results)| results.cells.get(round as usize - 1));
            let begun = cells.filter(|cell| cell.first.is_some());
            let machines = begun.filter_map(|cell| of_runs.get(usize::from(cell.run)));
            let machines: BTreeSet<usize> = machines.copied().collect();
            match (machines.first(), machines.len()) {
                (Some(machine), 1) if machine == last => {}
                (Some(machine), 1) => drop(all.insert(round, Some(*machine))),
                (None, _) => {}
                (Some(_), _) => drop(all.insert(round, None)),
            }
        }
    }
    all
}

fn is_on(machine: &Machine, run: &ShardRun) -> bool {
    machine.facts.contains_key("host")
        && is_same_machine(
            (&machine.facts, &machine.devices),
            (&run.machine, &run.devices),
        )
}

fn facts(run: &ShardRun) -> BTreeMap<String, String> {
    let mut facts = run.machine.clone();
    facts.remove("command");
    facts
}

fn of(run: &ShardRun, tallies: &[UnitTallies]) -> Machine {
    Machine {
        facts: facts(run),
        devices: run.devices.clone(),
        reported: run.hello.as_ref().map(|hello: &Hello| hello.device.clone()),
        units: tallies.iter().map(|all| all.unit.clone()).collect(),
        ..Machine::default()
    }
}

/// The blocks of the run, and those of each shard in which a unit has no result.
fn blocks(view: &View, count: u32) -> (u32, Vec<MissingBlocks>) {
    let rows = || view.unit_results().map(|(_, results)| results);
    let all = rows().map(|results| results.planned).max().unwrap_or(0);
    let has = |results: &Results, round: u32| {
        let cell = results.cells.get(round as usize);
        cell.and_then(|cell| cell.first)
            .is_some_and(Outcome::is_measured)
    };
    let is_missing =
        |round: &u32| rows().any(|results| *round < results.planned && !has(results, *round));
    let mut missing: BTreeMap<u32, u32> = BTreeMap::new();
    for round in (0..all).filter(is_missing) {
        *missing.entry(round % count + 1).or_default() += 1;
    }
    let missing = missing.into_iter();
    let missing = missing.map(|(shard, blocks)| MissingBlocks { shard, blocks });
    (all, missing.collect())
}
