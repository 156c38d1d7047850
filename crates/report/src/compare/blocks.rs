//! Reads both sides of a comparison from a run, round by round.

use crashrate_model::{Axis, Contrast, Mode, Outcome, OutcomeSet, Reading, Spawn, suite_variant};
use crashrate_stats::{Design, PairTable, SideEnd};

use super::test::{Pair, Tables};
use super::{Compared, Doubt, Evidence, Side};
use crate::view::{Bounds, Cell, Outcomes, Results, View, rounds};

/// Both sides of a contrast, round by round.
#[derive(Default)]
struct Sides {
    /// Outcomes of the measured rounds.
    outcomes: [Outcomes; 2],
    /// The blocks with their final results.
    measured: PairTable,
    /// The blocks, with every round missing whose first attempt vanished.
    strict: PairTable,
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
        Axis::Spawn => suite_variant(variant),
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
        evidence: Evidence::Untested,
        plan: None,
    };
    // Only with one attempt at a time are the two sides of a block independent.
    let design = match contrast.is_censored() || run.jobs > Some(1) {
        true => Design::Matched,
        false => Design::Complete,
    };
    let tables = Tables {
        measured: sides.measured,
        strict: sides.strict,
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
    let mut sides = Sides::default();
    let [one, two] = cells.each_ref().map(|all| recorded(all));
    for round in 0..one.max(two) {
        let ends = cells.each_ref().map(|all| end(all, round, bad));
        for (side, end) in ends.iter().enumerate() {
            sides.rounds[side] += u32::from(end.begun);
            if let Drawn::Ended(outcome) = end.measured {
                sides.outcomes[side].add(outcome, 1);
            }
        }
        let none_started = ends.iter().all(|end| end.strict == Drawn::NotStarted);
        let [one, two] = ends.each_ref().map(|end| side_end(end.measured, bad, true));
        sides.measured.add(one, two);
        let [one, two] = (ends.each_ref()).map(|end| side_end(end.strict, bad, none_started));
        sides.strict.add(one, two);
    }
    sides
}

/// How a side of a block was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    /// Not started or not reached.
    Not,
    Ended(Outcome),
    Vanished,
    NotStarted,
}

struct End {
    /// The final result.
    measured: Drawn,
    /// The result of the first attempt.
    strict: Drawn,
    /// Whether the journal mentions the round, even if only as not reached.
    begun: bool,
}

fn side_end(drawn: Drawn, bad: &OutcomeSet, none_started: bool) -> SideEnd {
    match drawn {
        Drawn::Ended(outcome) => SideEnd::measured(bad.contains(outcome)),
        Drawn::Vanished => SideEnd::Missing,
        Drawn::NotStarted if !none_started => SideEnd::Missing,
        Drawn::NotStarted | Drawn::Not => SideEnd::Absent,
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

/// The rounds that every unit of a side has.
fn recorded(all: &[&[Cell]]) -> usize {
    all.iter().map(|cells| cells.len()).min().unwrap_or(0)
}

fn end(all: &[&[Cell]], round: usize, bad: &OutcomeSet) -> End {
    let cells: Vec<Cell> = (all.iter())
        .map(|cells| cells.get(round).copied().unwrap_or_default())
        .collect();
    let drawn = |cell: &Cell| match cell.first {
        Some(outcome) if outcome.counts() => Drawn::Ended(outcome),
        Some(Outcome::Lost | Outcome::Interrupted) => Drawn::Vanished,
        Some(Outcome::NotStarted) => Drawn::NotStarted,
        _ => Drawn::Not,
    };
    let strict = |cell: &Cell| match cell.vanished {
        true => Drawn::Vanished,
        false => drawn(cell),
    };
    End {
        measured: joined(cells.iter().map(drawn), bad),
        strict: joined(cells.iter().map(strict), bad),
        begun: cells.iter().all(|cell| cell.first.is_some()),
    }
}

/// Joins rounds of several units into one. All must have been drawn; it is bad if any is bad, and
/// measured only if it is bad or all were measured.
fn joined(ends: impl Iterator<Item = Drawn>, bad: &OutcomeSet) -> Drawn {
    let decides = |end: &Drawn| match end {
        Drawn::Not => 0,
        Drawn::Ended(outcome) if bad.contains(*outcome) => 1,
        Drawn::Vanished => 2,
        Drawn::NotStarted => 3,
        // Among good outcomes, one that is not a pass carries more information.
        Drawn::Ended(outcome) if *outcome != Outcome::Passed => 4,
        Drawn::Ended(_) => 5,
    };
    ends.min_by_key(decides).unwrap_or(Drawn::Not)
}

fn unit_results(view: &View, unit: u32) -> Option<&Results> {
    let unit = view.units.get(unit as usize)?;
    let name = match unit.mode {
        Mode::Isolated => unit.chapters.first().unwrap_or(&unit.name),
        Mode::Sequential => &unit.name,
    };
    view.results_of(name, unit.mode, &unit.variant)
}

fn chapter_results(view: &View, unit: u32, place: usize) -> Option<&Results> {
    let unit = view.units.get(unit as usize)?;
    let row = view.chapters.iter().find(|row| {
        row.sequence.as_ref() == Some(&unit.name)
            && row.variant == unit.variant
            && row.position.is_some_and(|at| at as usize == place + 1)
    });
    Some(&row?.results)
}
