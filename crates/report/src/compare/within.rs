//! The two sides of one run: its modes, or its variants.

use crashrate_model::{
    Axis, Contrast, Mode, OutcomeSet, Reading, Spawn, Stopping, contrasts, suite_variant,
};

use super::plan::Planner;
use super::test::{Pair, fixed, taking_part};
use super::{
    Compared, Comparisons, DEFAULT_DETECT, Detect, Evidence, How, Side, What, claimed_in_short,
    claims,
};
use crate::words::imported;

use crate::view::{Cell, Results, Share, View};

/// The axes along which a run can be compared with itself.
pub fn axes(view: &View) -> Vec<Axis> {
    let has = |axis: &Axis| !contrasts(&view.units, *axis).is_empty();
    [Axis::Mode, Axis::Variant, Axis::Spawn]
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
    let pairs: Vec<_> = contrasts.iter().map(|c| pair(view, c, bad)).collect();
    let evidence: Vec<Evidence> = if by_data {
        let seen = view.pairs.iter().find(|seen| seen.axis == axis);
        let watches = seen.into_iter().flat_map(|seen| &seen.contrasts);
        watches.map(|(_, watch)| Evidence::Pairs(*watch)).collect()
    } else {
        let tests = fixed(&pairs).into_iter();
        tests
            .map(|test| test.map_or(Evidence::Untested, Evidence::Fixed))
            .collect()
    };
    let comparisons = match by_data {
        true => contrasts.len(),
        false => taking_part(&pairs),
    };
    let mut planner = Planner::new(detect, comparisons);
    let list = contrasts
        .iter()
        .zip(pairs)
        .zip(evidence)
        .map(|((contrast, pair), evidence)| {
            let mut compared = compared(contrast, axis, pair.shares, by_data, evidence);
            if !compared.differs() {
                compared.plan = planner.plan(pair.shares);
            }
            compared
        });
    let incomplete = !view.run.complete && !view.run.live;
    let warning = "The run is incomplete: what is missing may not be missing by chance.".to_owned();
    let claims = claims(view).into_iter();
    let claims =
        claims.filter(|claim| axis == Axis::Mode && claim.comparison.list[0].mode.is_none());
    let of_record: Vec<_> = imported(view)
        .map(|what| format!("{what}."))
        .into_iter()
        .chain(claims.map(|claim| claimed_in_short(&claim, view.run.number)))
        .collect();
    Comparisons {
        what: What::Within(axis),
        how: if by_data {
            How::Pairs
        } else {
            How::FixedRounds
        },
        bad: bad.clone(),
        list: list.collect(),
        warnings: incomplete
            .then_some(warning)
            .into_iter()
            .chain(of_record)
            .collect(),
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
        Axis::Spawn => [Spawn::Exec, Spawn::Fork][side].word().to_owned(),
    };
    let [one, two] = match axis {
        // They differ in that alone.
        Axis::Spawn => contrast
            .variants
            .each_ref()
            .map(|variant| suite_variant(variant)),
        _ => contrast.variants.each_ref().map(String::as_str),
    };
    Compared {
        chapter: contrast.chapter.clone(),
        sequence: contrast.sequence.clone(),
        mode: (contrast.modes[0] == contrast.modes[1]).then_some(contrast.modes[0]),
        variant: (one == two).then(|| one.to_owned()),
        sides: [0, 1].map(|side| Side {
            label: label(side),
            share: shares[side],
            by_data,
        }),
        evidence,
        plan: None,
    }
}

/// Both sides: the blocks that have all of a side, how many of them were bad, and how many were run.
fn pair(view: &View, contrast: &Contrast, bad: &OutcomeSet) -> Pair {
    let [one, two] = contrast.sides.each_ref().map(|side| seen(view, side, bad));
    Pair {
        shares: [one.0, two.0],
        rounds: [one.1, two.1],
    }
}

fn seen(view: &View, reading: &Reading, bad: &OutcomeSet) -> (Share, u32) {
    let all: Option<Vec<&Results>> = match reading {
        Reading::Chapter(unit, place) => {
            chapter_results(view, *unit, *place).map(|results| vec![results])
        }
        Reading::Units(units) => units.iter().map(|unit| unit_results(view, *unit)).collect(),
    };
    let all = all.unwrap_or_default();
    // Which rounds of several units belong to a block is not known where their order is not.
    if all.len() > 1 && all.iter().any(|results| results.unordered) {
        return (Share::default(), 0);
    }
    let rounds = all.iter().map(|results| results.rounds).min();
    let cells: Vec<&[Cell]> = all.iter().map(|results| results.cells.as_slice()).collect();
    (count(&cells, bad), rounds.unwrap_or(0))
}

fn unit_results(view: &View, unit: u32) -> Option<&Results> {
    let unit = view.units.get(unit as usize)?;
    Some(match unit.mode {
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
    })
}

fn chapter_results(view: &View, unit: u32, place: usize) -> Option<&Results> {
    let unit = view.units.get(unit as usize)?;
    let mut rows = view
        .chapters
        .iter()
        .filter(|row| row.sequence.as_ref() == Some(&unit.name) && row.variant == unit.variant);
    let row = rows.find(|row| row.position.is_some_and(|at| at as usize == place + 1))?;
    Some(&row.results)
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
