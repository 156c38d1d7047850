//! The two sides of one run: its modes, or its variants.

use crashrate_model::{Axis, Contrast, Mode, OutcomeSet, Reading, Stopping, contrasts};

use super::plan::Planner;
use super::test::fixed;
use super::{Compared, Comparisons, DEFAULT_DETECT, Detect, Evidence, How, Side, What};

use crate::view::{Cell, Share, View};

/// The axes along which a run can be compared with itself.
pub fn axes(view: &View) -> Vec<Axis> {
    let has = |axis: &Axis| !contrasts(&view.units, *axis).is_empty();
    [Axis::Mode, Axis::Variant]
        .into_iter()
        .filter(has)
        .collect()
}

/// What the report of a run compares: what it was run to compare, or else whatever it has two sides of.
pub fn comparisons(view: &View) -> Vec<Comparisons> {
    let axes = match view.run.stopping {
        Stopping::Decided(axis) => vec![axis],
        _ => axes(view),
    };
    let compare = |axis| compare_within(view, axis, DEFAULT_DETECT);
    axes.into_iter()
        .map(compare)
        .filter(|all| !all.list.is_empty())
        .collect()
}

/// Compares the two sides of a run along this axis.
pub fn compare_within(view: &View, axis: Axis, detect: Detect) -> Comparisons {
    let bad = &view.run.bad;
    let by_data = view.run.stopping.is_by_data();
    let contrasts = contrasts(&view.units, axis);
    let shares: Vec<_> = (contrasts.iter())
        .map(|contrast| [0, 1].map(|side| share(view, &contrast.sides[side], bad)))
        .collect();
    let evidence: Vec<Evidence> = if by_data {
        let seen = view.pairs.iter().find(|seen| seen.axis == axis);
        let watches = seen.into_iter().flat_map(|seen| &seen.contrasts);
        watches.map(|(_, watch)| Evidence::Pairs(*watch)).collect()
    } else {
        let tests = fixed(&shares).into_iter();
        tests
            .map(|test| test.map_or(Evidence::Untested, Evidence::Fixed))
            .collect()
    };
    let mut planner = Planner::new(detect, contrasts.len());
    let list = contrasts
        .iter()
        .zip(shares)
        .zip(evidence)
        .map(|((contrast, shares), evidence)| {
            let mut compared = compared(contrast, axis, shares, by_data, evidence);
            if !compared.differs() {
                compared.plan = planner.plan(shares);
            }
            compared
        });
    let incomplete = !view.run.complete && !view.run.live;
    let warning = "The run is incomplete: what is missing may not be missing by chance.".to_owned();
    Comparisons {
        what: What::Within(axis),
        how: if by_data {
            How::Pairs
        } else {
            How::FixedRounds
        },
        bad: bad.clone(),
        list: list.collect(),
        warnings: incomplete.then_some(warning).into_iter().collect(),
    }
}

fn compared(
    contrast: &Contrast,
    axis: Axis,
    shares: [Share; 2],
    by_data: bool,
    evidence: Evidence,
) -> Compared {
    let label = |side: usize| match axis {
        Axis::Mode => contrast.modes[side].word().to_owned(),
        Axis::Variant => contrast.variants[side].clone(),
    };
    let [one, two] = &contrast.variants;
    Compared {
        chapter: contrast.chapter.clone(),
        sequence: contrast.sequence.clone(),
        mode: (contrast.modes[0] == contrast.modes[1]).then_some(contrast.modes[0]),
        variant: (one == two).then(|| one.clone()),
        sides: [0, 1].map(|side| Side {
            label: label(side),
            share: shares[side],
            by_data,
        }),
        evidence,
        plan: None,
    }
}

/// The blocks that have all of this side, and how many of them were bad.
fn share(view: &View, reading: &Reading, bad: &OutcomeSet) -> Share {
    let cells: Option<Vec<&[Cell]>> = match reading {
        Reading::Chapter(unit, place) => {
            chapter_cells(view, *unit, *place).map(|cells| vec![cells])
        }
        Reading::Units(units) => units.iter().map(|unit| unit_cells(view, *unit)).collect(),
    };
    count(&cells.unwrap_or_default(), bad)
}

fn unit_cells(view: &View, unit: u32) -> Option<&[Cell]> {
    let unit = view.units.get(unit as usize)?;
    let results = match unit.mode {
        Mode::Isolated => {
            let chapter = unit.chapters.first().unwrap_or(&unit.name);
            let rows = view.chapters.iter().filter(|row| row.sequence.is_none());
            let mut rows = rows.filter(|row| row.variant == unit.variant);
            &rows.find(|row| row.chapter == *chapter)?.results
        }
        Mode::Sequential => {
            let mut rows = view
                .sequences
                .iter()
                .filter(|row| row.variant == unit.variant);
            &rows.find(|row| row.sequence == unit.name)?.results
        }
    };
    Some(&results.cells)
}

fn chapter_cells(view: &View, unit: u32, place: usize) -> Option<&[Cell]> {
    let unit = view.units.get(unit as usize)?;
    let mut rows = view
        .chapters
        .iter()
        .filter(|row| row.sequence.as_ref() == Some(&unit.name) && row.variant == unit.variant);
    let row = rows.find(|row| row.position.is_some_and(|at| at as usize == place + 1))?;
    Some(&row.results.cells)
}

/// Rounds that every one of these has a measured end of, and in how many of them any was bad.
pub(super) fn count(cells: &[&[Cell]], bad: &OutcomeSet) -> Share {
    let rounds = cells.iter().map(|cells| cells.len()).min().unwrap_or(0);
    let mut share = Share::default();
    for round in 0..rounds {
        let firsts = cells.iter().map(|cells| cells[round].first);
        if firsts
            .clone()
            .all(|first| first.is_some_and(|o| o.counts()))
        {
            let is_bad = firsts.flatten().any(|outcome| bad.contains(outcome));
            share.add(Share {
                bad: is_bad.into(),
                n: 1,
            });
        }
    }
    share
}
