//! Compares two sides of one run: its modes, its variants, or its spawn methods.

use crashrate_model::{ALPHA, Axis, Stopping, Unit, contrasts};

use super::blocks::pair;
use super::test::{Pair, judge};
use super::{Comparisons, DEFAULT_DETECT, Evidence, How, What, claimed_in_short};
use crate::view::{OptionalStopping, PairsSeen, View};
use crate::words::imported;

/// The axes along which a run with these units can be compared with itself.
pub fn axes(units: &[Unit]) -> Vec<Axis> {
    let mut axes = vec![Axis::Mode, Axis::Variant, Axis::Spawn];
    axes.retain(|axis| !contrasts(units, *axis).is_empty());
    axes
}

/// The axes in a run's report: the axis the run was made to compare, or else all available axes.
fn compared_axes(units: &[Unit], stopping: &Stopping) -> Vec<Axis> {
    match stopping {
        Stopping::Decided(axis) => vec![*axis],
        _ => axes(units),
    }
}

/// The error budget along this axis. The axes in a run's report share theirs.
pub(crate) fn alpha_of(units: &[Unit], stopping: &Stopping, axis: Axis) -> f64 {
    let axes = compared_axes(units, stopping);
    let share = if axes.contains(&axis) { axes.len() } else { 1 };
    ALPHA / share as f64
}

/// The comparisons in a run's report.
pub(crate) fn comparisons(view: &View) -> Vec<Comparisons> {
    if view.is_search() {
        return Vec::new();
    }
    let compare = |axis| compare_within(view, axis, DEFAULT_DETECT, None);
    let axes = compared_axes(&view.units, &view.run.stopping);
    (axes.into_iter().map(compare))
        .filter(|all| !all.list.is_empty())
        .collect()
}

/// Compares the two sides of a run along this axis. The axes of a run share the error budget.
/// `margin` is the difference in rates up to which the second side counts as no worse; it defaults
/// to the run's own.
pub fn compare_within(
    view: &View,
    axis: Axis,
    rates: [f64; 2],
    margin: Option<f64>,
) -> Comparisons {
    let alpha = alpha_of(&view.units, &view.run.stopping, axis);
    let contrasts = contrasts(&view.units, axis);
    let pairs = contrasts.iter().map(|contrast| pair(view, contrast, axis));
    let (how, pairs) = match view.run.optional_stopping() {
        OptionalStopping::No => (How::FixedRounds, pairs.collect()),
        OptionalStopping::Possible => (How::Pairs, with_evidence(view, axis, pairs)),
    };
    let margin = margin.or(view.run.not_worse_by);
    let claims = view.claims().iter();
    let claims =
        claims.filter(|claim| axis == Axis::Mode && claim.comparison.list[0].mode.is_none());
    let mut warnings: Vec<String> = incomplete(view).into_iter().collect();
    warnings.extend(imported(view).map(|what| format!("{what}.")));
    warnings.extend(claims.map(|claim| claimed_in_short(claim, view.run.number)));
    Comparisons {
        what: What::Within(axis),
        how,
        bad: view.run.bad.clone(),
        alpha,
        list: judge(pairs, how, alpha, margin, rates),
        warnings,
    }
}

/// A warning about an incomplete run.
pub(super) fn incomplete(view: &View) -> Option<String> {
    let incomplete = !view.run.complete && !view.run.state.is_running();
    incomplete
        .then(|| "The run is incomplete: what is missing may not be missing by chance.".to_owned())
}

/// The comparisons with the evidence of the run's own pairs. Explanatory comparisons count only
/// once every primary one shows a difference.
fn with_evidence(view: &View, axis: Axis, pairs: impl Iterator<Item = Pair>) -> Vec<Pair> {
    let seen = view.pairs.iter().find(|seen| seen.axis == axis);
    let is_open = seen.is_some_and(PairsSeen::is_decided);
    let watches = seen.into_iter().flat_map(|seen| &seen.contrasts);
    let pairs = pairs.zip(watches).map(|(mut pair, (contrast, watch))| {
        pair.compared.evidence = Evidence::Pairs {
            watch: *watch,
            counts: contrast.primary || is_open,
        };
        pair
    });
    pairs.collect()
}
