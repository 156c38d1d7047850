//! Compares the chapters and sequences that two runs share.

use crashrate_model::{Mode, suite_variant};

use super::blocks::count;
use super::differences::differing;
use super::two_runs::{SharedRow, TwoRuns};
use super::{Compared, Comparisons, Detect, What, claimed_in_short, claims};
use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, Results, View};
use crate::words::imported;

/// Compares the rows that both runs have, by the first run's definition of bad. `margin` is the
/// difference in rates up to which the second run counts as no worse.
pub fn compare_runs(one: &View, two: &View, detect: Detect, margin: Option<f64>) -> Comparisons {
    let views = [one, two];
    let labels = labels(views);
    let bad = &one.run.bad;
    let rows = pairs(one, two).into_iter();
    let rows = rows.map(|(compared, results)| SharedRow {
        compared,
        results,
        shares: results.map(|results| count(&results.cells, bad)),
    });
    let runs = TwoRuns {
        what: What::Runs,
        warnings: warnings(views, &labels),
        labels,
        optional_stopping: views.map(|view| view.run.optional_stopping()),
        bad,
        detect,
        margin,
    };
    runs.compare(rows.collect())
}

/// The rows that both runs have, with the results of each. The caller fills in the sides.
fn pairs<'a>(one: &'a View, two: &'a View) -> Vec<(Compared, [&'a Results; 2])> {
    let mut pairs = Vec::new();
    for row in &one.sequences {
        let others = two.sequences.iter().filter(|o| o.sequence == row.sequence);
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let of = (None, Some(&row.sequence));
            let compared = Compared::unfilled(of, Mode::Sequential, &variant, true);
            pairs.push((compared, [&row.results, &other.results]));
        }
    }
    for row in &one.chapters {
        let key = |row: &ChapterRow| (row.chapter.clone(), row.mode, row.sequence.clone());
        let others = two.chapters.iter().filter(|other| key(other) == key(row));
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let of = (Some(&row.chapter), row.sequence.as_ref());
            let explains =
                (one.sequences.iter()).any(|sequence| sequence.chapters.contains(&row.chapter));
            let compared = Compared::unfilled(of, row.mode, &variant, !explains);
            pairs.push((compared, [&row.results, &other.results]));
        }
    }
    pairs
}

/// The row of this variant and the variant to report. Without an exact match, takes the row that
/// differs only in how its processes were spawned; a warning reports that once for the runs.
fn of_variant<'a, T>(
    mut rows: impl Iterator<Item = &'a T> + Clone,
    variant_of: impl Fn(&T) -> &String,
    variant: &String,
) -> Option<(&'a T, String)> {
    let mut others = rows.clone();
    let same = rows.find(|row| variant_of(row) == variant);
    same.map(|row| (row, variant.clone())).or_else(|| {
        let base = suite_variant(variant);
        let other = others.find(|row| suite_variant(variant_of(row)) == base)?;
        Some((other, base.to_owned()))
    })
}

/// Labels runs by number if the numbers differ, else by id, else by position.
fn labels(views: [&View; 2]) -> [String; 2] {
    let [one, two] = views.map(|view| &view.run);
    if one.number != two.number {
        views.map(label)
    } else if one.id != two.id {
        [one, two].map(|run| clean(&run.id, NAME))
    } else {
        ["the first", "the second"].map(str::to_owned)
    }
}

/// A run's label among the runs of its suite.
pub(super) fn label(view: &View) -> String {
    format!("N={}", view.run.number)
}

fn warnings(views: [&View; 2], labels: &[String; 2]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (view, label) in views.iter().zip(labels) {
        if !view.run.complete {
            warnings.push(format!("{label} is incomplete."));
        }
        warnings.extend(imported(view).map(|what| format!("{label}: {what}.")));
        if view.run.optional_stopping().is_possible() {
            warnings.push(format!(
                "{label} could be stopped by its data: tests for a fixed number of rounds are not \
                 valid, and two runs have no pairs. The intervals are valid whenever a run stops; \
                 there is no verdict."
            ));
        }
    }
    for (view, other) in [(views[0], views[1]), (views[1], views[0])] {
        let number = format!("N={}", other.run.number);
        let all = claims(view).into_iter();
        let about = all.filter(|claim| claim.comparison.list[0].sides[0].label == number);
        warnings.extend(about.map(|claim| claimed_in_short(&claim, view.run.number)));
    }
    let differences = differing(views).into_iter();
    warnings.extend(differences.map(|[name, one, two]| {
        format!(
            "{name} differs: {one} in {}, {two} in {}.",
            labels[0], labels[1]
        )
    }));
    warnings
}
