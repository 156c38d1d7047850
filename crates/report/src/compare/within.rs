//! Compares two sides of one run: its modes, its variants, or its spawn methods.

use crashrate_model::{ALPHA, Axis, Contrast, Spawn, Stopping, contrasts, suite_variant};
use crashrate_stats::Role;

use super::blocks::{Sides, sides};
use super::plan::Planner;
use super::test::{Pair, Together, fixed, taking_part};
use super::{
    Compared, Comparisons, DEFAULT_DETECT, Detect, Evidence, How, PairEvidence, Side, What,
    claimed_in_short,
};
use crate::view::{OptionalStopping, PairsSeen, View};
use crate::words::imported;

/// The axes along which a run can be compared with itself.
pub fn axes(view: &View) -> Vec<Axis> {
    let has = |axis: &Axis| !contrasts(&view.units, *axis).is_empty();
    [Axis::Mode, Axis::Variant, Axis::Spawn]
        .into_iter()
        .filter(has)
        .collect()
}

/// The axes in a run's report: the axis the run was made to compare, or else all available axes.
fn compared_axes(view: &View) -> Vec<Axis> {
    match view.run.stopping {
        Stopping::Decided(axis) => vec![axis],
        _ => axes(view),
    }
}

/// The comparisons in a run's report.
pub(crate) fn comparisons(view: &View) -> Vec<Comparisons> {
    let compare = |axis| compare_within(view, axis, DEFAULT_DETECT, None);
    (compared_axes(view).into_iter().map(compare))
        .filter(|all| !all.list.is_empty())
        .collect()
}

/// Compares the two sides of a run along this axis. The axes of a run share the error budget.
/// `margin` is the difference in rates up to which the second side counts as no worse; it defaults
/// to the run's own.
pub fn compare_within(view: &View, axis: Axis, detect: Detect, margin: Option<f64>) -> Comparisons {
    let optional_stopping = view.run.optional_stopping();
    let axes = compared_axes(view);
    let share = if axes.contains(&axis) { axes.len() } else { 1 };
    let together = Together {
        alpha: ALPHA / share as f64,
        margin: margin.or(view.run.not_worse_by),
    };
    let contrasts = contrasts(&view.units, axis);
    let all: Vec<Sides> = contrasts.iter().map(|c| sides(view, c)).collect();
    let pairs: Vec<Pair> = (contrasts.iter().zip(&all))
        .map(|(contrast, sides)| sides.pair(role(contrast), contrast.is_censored(), &view.run))
        .collect();
    let evidence = match optional_stopping {
        OptionalStopping::Possible => of_pairs(view, axis),
        OptionalStopping::No => (fixed(&pairs, together).into_iter())
            .map(|test| test.map_or(Evidence::Untested, Evidence::Fixed))
            .collect(),
    };
    let comparisons = match optional_stopping {
        OptionalStopping::Possible => contrasts.iter().filter(|c| c.primary).count(),
        OptionalStopping::No => taking_part(&pairs, together.alpha),
    };
    let planner = Planner::new(detect, together.alpha, comparisons);
    let list = contrasts.iter().zip(all).zip(evidence);
    let list = list.map(|((contrast, sides), evidence)| {
        let shares = sides.shares;
        let mut compared = compared(contrast, axis, sides, optional_stopping, evidence);
        if !compared.differs() {
            compared.plan = planner.plan(shares);
        }
        compared
    });
    let list: Vec<Compared> = list.collect();
    let incomplete = !view.run.complete && !view.run.state.is_running();
    let warning = "The run is incomplete: what is missing may not be missing by chance.".to_owned();
    let claims = view.claims().iter();
    let claims =
        claims.filter(|claim| axis == Axis::Mode && claim.comparison.list[0].mode.is_none());
    let mut warnings: Vec<String> = incomplete.then_some(warning).into_iter().collect();
    warnings.extend(imported(view).map(|what| format!("{what}.")));
    warnings.extend(claims.map(|claim| claimed_in_short(claim, view.run.number)));
    Comparisons {
        what: What::Within(axis),
        how: match optional_stopping {
            OptionalStopping::Possible => How::Pairs,
            OptionalStopping::No => How::FixedRounds,
        },
        bad: view.run.bad.clone(),
        alpha: together.alpha,
        list,
        warnings,
    }
}

fn role(contrast: &Contrast) -> Role {
    match contrast.primary {
        true => Role::Primary,
        false => Role::Explains,
    }
}

/// The evidence of the run's own pairs. Explanatory comparisons count only once every primary one
/// shows a difference.
fn of_pairs(view: &View, axis: Axis) -> Vec<Evidence> {
    let seen = view.pairs.iter().find(|seen| seen.axis == axis);
    let is_open = seen.is_some_and(PairsSeen::is_decided);
    let watches = seen.into_iter().flat_map(|seen| &seen.contrasts);
    let evidence = watches.map(|(contrast, watch)| {
        Evidence::Pairs(PairEvidence {
            watch: *watch,
            counts: contrast.primary || is_open,
        })
    });
    evidence.collect()
}

fn compared(
    contrast: &Contrast,
    axis: Axis,
    sides: Sides,
    optional_stopping: OptionalStopping,
    evidence: Evidence,
) -> Compared {
    let label = |side: usize| match axis {
        Axis::Mode => contrast.modes[side].word().to_owned(),
        Axis::Variant => contrast.variants[side].clone(),
        Axis::Spawn => [Spawn::Exec, Spawn::Fork][side].word().to_owned(),
    };
    let [one, two] = match axis {
        // Both variants differ only in how their processes were spawned.
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
        primary: contrast.primary,
        censored: contrast.is_censored(),
        sides: [0, 1].map(|side| Side {
            label: label(side),
            share: sides.shares[side],
            outcomes: sides.outcomes[side],
            bounds: sides.bounds[side],
            optional_stopping,
        }),
        blocks: Some(sides.measured.blocks()),
        doubt: sides.doubt,
        evidence,
        plan: None,
    }
}
