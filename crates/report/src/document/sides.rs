//! The answer of a run that compares variants until they are decided: which side crashes less, and
//! whether the crash is still the same one.

use std::collections::BTreeMap;

use crashrate_model::{Axis, Mode, Stopping};
use crashrate_stats::{Counts, fisher_exact};

use super::unfinished::unfinished;
use crate::clean::{SENTENCE, clean};
use crate::compare::{Compared, Comparisons, What, name, verdict};
use crate::view::{Judgement, View};
use crate::words::{first_lines, share};

/// Comparisons, and kinds of crashes, that are named before the rest are counted.
const NAMED: usize = 5;
/// The error at which one kind of crash counts as rarer or more frequent.
const ALPHA: f64 = 0.05;

/// Whether the run compares variants until they are decided.
pub(super) fn compares_variants(view: &View) -> bool {
    view.run.stopping == Stopping::Decided(Axis::Variant)
}

/// Whether such a run is decided.
pub(super) fn is_decided(view: &View) -> bool {
    compares_variants(view) && view.judgement() == Judgement::Shown
}

/// The verdict of each primary comparison, and how the kinds of crashes differ.
pub(super) fn sides(view: &View) -> Vec<String> {
    if !compares_variants(view) {
        return Vec::new();
    }
    let mut all = view.comparisons().iter();
    let Some(all) = all.find(|all| all.what == What::Within(Axis::Variant)) else {
        return Vec::new();
    };
    let primary: Vec<&Compared> = all.list.iter().filter(|one| one.primary).collect();
    let lines = primary.iter().map(|one| sentence(all, one, primary.len()));
    let mut lines = first_lines(lines.collect(), NAMED, "more comparisons");
    lines.extend(primary.iter().flat_map(|one| kinds(view, one)));
    let is_ab = view
        .command
        .as_deref()
        .is_some_and(|line| line.starts_with("crashrate ab "));
    if is_ab && !is_decided(view) {
        lines.extend(unfinished(view, "ab"));
    }
    lines
}

fn sentence(all: &Comparisons, one: &Compared, of: usize) -> String {
    let verdict = verdict(all, one);
    match of {
        1 => format!("{verdict}."),
        _ => format!("{}: {verdict}.", name(one)),
    }
}

/// How often each kind of crash was seen on both sides, where there are several.
fn kinds(view: &View, one: &Compared) -> Vec<String> {
    let Some((id, mode)) = unit_of(one) else {
        return Vec::new();
    };
    let mut kinds: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    for (side, of) in one.sides.iter().enumerate() {
        for (kind, n) in of_unit(view, id, mode, &of.label) {
            kinds.entry(kind).or_default()[side] += n;
        }
    }
    if kinds.len() < 2 {
        return Vec::new();
    }
    let n = one.sides.each_ref().map(|side| side.share.n);
    let labels = one.sides.each_ref().map(|side| side.name());
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, times)| std::cmp::Reverse(times[0] + times[1]));
    // Each kind has its share of the error.
    let alpha = ALPHA / kinds.len() as f64;
    let has = |rarer: usize| {
        kinds
            .iter()
            .any(|(_, times)| differs(*times, n, rarer, alpha))
    };
    let mut lines = Vec::new();
    if has(1) && has(0) {
        lines.push(format!(
            "The crash moved: {} has another kind than {}.",
            labels[1], labels[0]
        ));
    }
    let line = |(kind, times): &(String, [u32; 2])| {
        let [first, second] = [0, 1].map(|side| share(times[side], n[side]));
        let kind = clean(kind, SENTENCE);
        format!("{kind}: {first} ({}) v {second} ({})", labels[0], labels[1])
    };
    let all = kinds.iter().map(line).collect();
    lines.extend(first_lines(all, NAMED, "more kinds of crashes"));
    lines
}

fn unit_of(one: &Compared) -> Option<(&str, Mode)> {
    match (&one.chapter, &one.sequence) {
        (None, Some(sequence)) => Some((sequence, Mode::Sequential)),
        (Some(chapter), None) => Some((chapter, Mode::Isolated)),
        _ => None,
    }
}

/// The signatures of the counted crashes of a unit, and the signals of those without one.
fn of_unit(view: &View, id: &str, mode: Mode, variant: &str) -> Vec<(String, u32)> {
    let is_here = |place: &&crate::view::CrashPlace| {
        let role = &place.role;
        (place.name.as_str(), place.mode, place.variant.as_str()) == (id, mode, variant)
            && !role.in_evidence_rounds
            && role.descendant.is_none()
    };
    let counted = view.crashes.iter().filter_map(|row| {
        let place = row.places.iter().find(is_here)?;
        Some((row.signature.clone(), place.share.bad))
    });
    let counted: Vec<(String, u32)> = counted.collect();
    let signals = view
        .results_of(id, mode, variant)
        .map(|results| &results.signals);
    match (counted.is_empty(), signals) {
        (true, Some(signals)) => signals.iter().map(|(name, n)| (name.clone(), *n)).collect(),
        _ => counted,
    }
}

/// Whether a kind of crash is rarer on this side than on the other.
fn differs(times: [u32; 2], n: [u32; 2], rarer: usize, alpha: f64) -> bool {
    let other = 1 - rarer;
    let rate = |side: usize| f64::from(times[side]) / f64::from(n[side].max(1));
    let counts = |side: usize| Counts::new(times[side].into(), n[side].into());
    let (Ok(one), Ok(two)) = (counts(rarer), counts(other)) else {
        return false;
    };
    rate(rarer) < rate(other) && fisher_exact(one, two).less < alpha
}
