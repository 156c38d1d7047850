//! Compares the chapters and sequences that two runs share.

use crashrate_model::{ALPHA, Outcome, executed_variant};

use super::differences::{Difference, differing};
use super::test::{Pair, judge};
use super::{Compared, Comparisons, Doubt, How, Side, What, claimed_in_short};
use crate::clean::{NAME, clean};
use crate::view::{OptionalStopping, Results, Row, RunFacts, Share, View};
use crate::words::imported;

/// A row that two runs share.
pub(super) struct SharedRow<'a> {
    pub(super) row: Row<'a>,
    /// The variant to report.
    pub(super) variant: String,
    pub(super) primary: bool,
    pub(super) results: [&'a Results; 2],
    pub(super) shares: [Share; 2],
}

impl SharedRow<'_> {
    pub(super) fn pair(
        self,
        labels: &[String; 2],
        optional_stopping: [OptionalStopping; 2],
    ) -> Pair {
        let (row, results) = (self.row, self.results);
        let censored = row.chapter.is_some() && row.sequence.is_some();
        let compared = Compared {
            chapter: row.chapter.cloned(),
            sequence: row.sequence.cloned(),
            mode: Some(row.mode),
            variant: Some(self.variant),
            primary: self.primary,
            censored,
            sides: [0, 1].map(|side| Side {
                label: labels[side].clone(),
                share: self.shares[side],
                outcomes: results[side].outcomes,
                bounds: results[side].bounds,
                optional_stopping: optional_stopping[side],
            }),
            doubt: doubt(results, censored),
            ..Compared::default()
        };
        Pair {
            compared,
            rounds: results.map(|results| results.rounds),
            tables: None,
        }
    }
}

/// Why the rows of two runs cannot be tested, if so.
fn doubt(results: [&Results; 2], is_censored: bool) -> Option<Doubt> {
    let is_selected = |results: &&Results| results.outcomes.get(Outcome::Unreached) > 0;
    if is_censored && results.iter().any(is_selected) {
        return Some(Doubt::Unmatched);
    }
    let clustered = results.iter().position(|results| results.is_clustered());
    clustered.map(Doubt::Clustered)
}

/// The method for two runs. No test is valid if the data may have stopped either: two runs have no
/// pairs.
pub(super) fn method(optional_stopping: [OptionalStopping; 2]) -> How {
    match optional_stopping.contains(&OptionalStopping::Possible) {
        true => How::Untested,
        false => How::FixedRounds,
    }
}

/// Compares the rows that both runs have, by the first run's definition of bad. `margin` is the
/// difference in rates up to which the second run counts as no worse.
pub fn compare_runs(one: &View, two: &View, rates: [f64; 2], margin: Option<f64>) -> Comparisons {
    let views = [one, two];
    let labels = labels(views);
    let optional_stopping = views.map(|view| view.run.optional_stopping());
    let how = method(optional_stopping);
    let rows = shared_rows(one, two).into_iter();
    let pairs = rows.map(|row| row.pair(&labels, optional_stopping));
    Comparisons {
        what: What::Runs,
        how,
        bad: one.run.bad.clone(),
        alpha: ALPHA,
        list: judge(pairs.collect(), how, ALPHA, margin, rates),
        warnings: warnings(views, &labels),
    }
}

/// The rows that both runs have.
fn shared_rows<'a>(one: &'a View, two: &'a View) -> Vec<SharedRow<'a>> {
    let others: Vec<Row> = two.sequence_rows().chain(two.chapter_rows()).collect();
    let rows = one.sequence_rows().chain(one.chapter_rows());
    let shared = rows.filter_map(|row| {
        let (other, variant) = counterpart(row, &others)?;
        let results = [row.results, other.results];
        let mut sequences = one.sequences.iter();
        let explains = (row.chapter)
            .is_some_and(|chapter| sequences.any(|sequence| sequence.chapters.contains(chapter)));
        Some(SharedRow {
            row,
            variant: variant.to_owned(),
            primary: !explains,
            results,
            shares: results.map(|results| results.outcomes.share(&one.run.bad)),
        })
    });
    shared.collect()
}

/// The same row of the other run and the variant to report. Without an exact match, takes the row
/// that differs only in how its processes were spawned; a warning reports that once for the runs.
fn counterpart<'a>(row: Row<'a>, others: &[Row<'a>]) -> Option<(Row<'a>, &'a str)> {
    let same = others.iter().filter(|other| {
        (other.chapter, other.mode, other.sequence) == (row.chapter, row.mode, row.sequence)
    });
    if let Some(other) = same.clone().find(|other| other.variant == row.variant) {
        return Some((*other, row.variant));
    }
    let base = executed_variant(row.variant);
    let mut same = same;
    let other = same.find(|other| executed_variant(other.variant) == base)?;
    Some((*other, base))
}

/// Labels runs by number if the numbers differ, else by id, else by position.
fn labels(views: [&View; 2]) -> [String; 2] {
    let [one, two] = views.map(|view| &view.run);
    if one.number != two.number {
        [one, two].map(RunFacts::label)
    } else if one.id != two.id {
        [one, two].map(|run| clean(&run.id, NAME))
    } else {
        ["the first", "the second"].map(str::to_owned)
    }
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
        let number = other.run.label();
        let all = view.claims().iter();
        let about = all.filter(|claim| claim.comparison.list[0].sides[0].label == number);
        warnings.extend(about.map(|claim| claimed_in_short(claim, view.run.number)));
    }
    let [one, two] = labels;
    warnings.extend(differing(views).into_iter().map(|fact| {
        let Difference { what, before, now } = fact;
        format!("{what} differs: {before} in {one}, {now} in {two}.")
    }));
    warnings
}
