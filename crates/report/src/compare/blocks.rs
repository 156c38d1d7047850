//! Reads both sides of a comparison from a run, round by round.

use crashrate_model::{
    Axis, Contrast, Mode, Outcome, OutcomeSet, Reading, Spawn, executed_variant,
};
use crashrate_stats::{Design, PairTable, SideEnd};

use super::test::{Pair, Tables};
use super::{Compared, Doubt, Side};
use crate::view::{Bounds, Cell, Machines, Outcomes, Results, View, rounds};

/// Both sides of a contrast, round by round.
#[derive(Default)]
struct Sides {
    /// Outcomes of the measured rounds.
    outcomes: [Outcomes; 2],
    /// The blocks with their final results.
    measured: PairTable,
    /// The blocks, with every round missing whose first attempt vanished.
    strict: PairTable,
    /// The same two for each machine of a merged run.
    machines: Vec<[PairTable; 2]>,
    /// Rounds run on each side.
    rounds: [u32; 2],
}

/// Reads both sides of a contrast from the rounds of a run.
pub(super) fn pair(view: &View, contrast: &Contrast, axis: Axis) -> Pair {
    let run = &view.run;
    let sides = sides(view, contrast);
    let shares = sides.outcomes.map(|outcomes| outcomes.share(&run.bad));
    let labels = match axis {
        Axis::Mode => contrast.modes.map(|mode| mode.word().to_owned()),
        Axis::Variant => contrast.variants.clone(),
        Axis::Spawn => [Spawn::Exec, Spawn::Fork].map(|spawn| spawn.word().to_owned()),
    };
    let [one, two] = contrast.variants.each_ref().map(|variant| match axis {
        // Both variants differ only in how their processes were spawned.
        Axis::Spawn => executed_variant(variant),
        Axis::Mode | Axis::Variant => variant,
    });
    let is_imported = run.imported.is_some();
    // A published report has counts but no blocks, so rounds that reached a chapter cannot be
    // matched.
    let is_selected = contrast.is_censored() && sides.rounds[1] > shares[1].n;
    let compared = Compared {
        chapter: contrast.chapter.clone(),
        sequence: contrast.sequence.clone(),
        mode: (contrast.modes[0] == contrast.modes[1]).then_some(contrast.modes[0]),
        variant: (one == two).then(|| one.to_owned()),
        primary: contrast.primary,
        censored: contrast.is_censored(),
        sides: [0, 1].map(|side| Side {
            label: labels[side].clone(),
            share: shares[side],
            outcomes: sides.outcomes[side],
            bounds: bounds(&sides.strict, side),
            optional_stopping: run.optional_stopping(),
        }),
        blocks: Some(sides.measured.blocks()),
        doubt: (is_imported && is_selected).then_some(Doubt::Unmatched),
        ..Compared::default()
    };
    // Only with one attempt at a time are the two sides of a block independent.
    let design = match contrast.is_censored() || run.runs_side_by_side() {
        true => Design::Matched,
        false => Design::Complete,
    };
    let tables = Tables {
        measured: sides.measured,
        strict: sides.strict,
        machines: sides.machines,
        design,
    };
    Pair {
        compared,
        rounds: sides.rounds,
        tables: (!is_imported).then_some(tables),
    }
}

fn sides(view: &View, contrast: &Contrast) -> Sides {
    let cells = contrast.sides.each_ref().map(|side| cells_of(view, side));
    let bad = &view.run.bad;
    let all = view.machines.as_deref();
    let machine = all.map(Machines::by_shard).unwrap_or_default();
    let machines = view.machines.as_ref().map_or(0, |all| all.list.len());
    let mut sides = Sides {
        machines: vec![Default::default(); machines],
        ..Sides::default()
    };
    // The rounds that every unit of a side has.
    let recorded = |all: &Vec<&[Cell]>| all.iter().map(|cells| cells.len()).min().unwrap_or(0);
    let [one, two] = cells.each_ref().map(recorded);
    for round in 0..one.max(two) {
        let joined = |of: fn(&Cell) -> Option<Outcome>| {
            (cells.each_ref()).map(|all| joined(all.iter().map(|cells| of(cells.get(round)?)), bad))
        };
        let measured = joined(|cell| cell.first);
        for (side, end) in measured.into_iter().enumerate() {
            sides.rounds[side] += u32::from(end.is_some());
            if let Some(outcome) = end.filter(|outcome| outcome.counts()) {
                sides.outcomes[side].add(outcome, 1);
            }
        }
        let moved = all.and_then(|all| all.moved.get(&(round as u32 + 1)));
        let last = || machine.get(round % machine.len().max(1)).copied().flatten();
        let place = moved.copied().unwrap_or_else(last);
        let mut own = place.and_then(|place| sides.machines.get_mut(place));
        let [one, two] = measured.map(|end| side_end(end, bad, true));
        sides.measured.add(one, two);
        if let Some([measured, _]) = &mut own {
            measured.add(one, two);
        }
        let strict = joined(|cell| match cell.vanished {
            true => Some(Outcome::Lost),
            false => cell.first,
        });
        let none_started = strict == [Some(Outcome::NotStarted); 2];
        let [one, two] = strict.map(|end| side_end(end, bad, none_started));
        sides.strict.add(one, two);
        if let Some([_, strict]) = own {
            strict.add(one, two);
        }
    }
    sides
}

fn side_end(end: Option<Outcome>, bad: &OutcomeSet, none_started: bool) -> SideEnd {
    match end {
        Some(outcome) if outcome.counts() => SideEnd::measured(bad.contains(outcome)),
        Some(Outcome::Lost | Outcome::Interrupted) => SideEnd::Missing,
        Some(Outcome::NotStarted) if !none_started => SideEnd::Missing,
        _ => SideEnd::Absent,
    }
}

/// The rates possible for one side given its rounds without a result.
fn bounds(strict: &PairTable, side: usize) -> Option<Bounds> {
    let missing = rounds(strict.missing()[side]);
    Bounds::of(strict.sides().ok()?[side].into(), missing)
}

/// The rounds of a side, one list per unit; empty if they cannot be matched.
fn cells_of<'a>(view: &'a View, reading: &Reading) -> Vec<&'a [Cell]> {
    let all: Option<Vec<&Results>> = match reading {
        Reading::Chapter(unit, place) => chapter_results(view, *unit, *place).map(|one| vec![one]),
        Reading::Units(units) => units.iter().map(|unit| unit_results(view, *unit)).collect(),
    };
    let all = all.unwrap_or_default();
    // Without an order, rounds of several units cannot be assigned to blocks.
    if all.len() > 1 && all.iter().any(|results| !results.order.is_known()) {
        return Vec::new();
    }
    all.iter().map(|results| results.cells.as_slice()).collect()
}

/// Joins rounds of several units into one; `None` if the journal lacks any of them. All must have
/// been reached; it is bad if any is bad, and measured only if it is bad or all were measured.
fn joined(ends: impl Iterator<Item = Option<Outcome>>, bad: &OutcomeSet) -> Option<Outcome> {
    let decides = |end: &Option<Outcome>| match end {
        None => 0,
        Some(Outcome::Unreached) => 1,
        Some(outcome) if outcome.counts() && bad.contains(*outcome) => 2,
        Some(Outcome::Lost | Outcome::Interrupted) => 3,
        Some(Outcome::NotStarted) => 4,
        // Among good outcomes, one that is not a pass carries more information; a skipped chapter
        // carries none.
        Some(Outcome::Skipped) => 7,
        Some(Outcome::Passed) => 6,
        Some(_) => 5,
    };
    ends.min_by_key(decides).flatten()
}

fn unit_results(view: &View, unit: u32) -> Option<&Results> {
    let unit = &view.units[unit as usize];
    let name = match unit.mode {
        Mode::Isolated => unit.chapters.first().unwrap_or(&unit.name),
        Mode::Sequential => &unit.name,
    };
    view.results_of(name, unit.mode, &unit.variant)
}

fn chapter_results(view: &View, unit: u32, place: usize) -> Option<&Results> {
    let unit = &view.units[unit as usize];
    let row = view.chapters.iter().find(|row| {
        row.sequence.as_ref() == Some(&unit.name)
            && row.variant == unit.variant
            && row.position.is_some_and(|at| at as usize == place + 1)
    });
    Some(&row?.results)
}
