//! Compares the chapters and sequences that two runs share.

use crashrate_model::{ALPHA, Mode, Outcome, suite_variant};

use super::differences::differing;
use super::test::{Pair, judge};
use super::{Compared, Comparisons, Doubt, Evidence, How, Side, What, claimed_in_short};
use crate::clean::{NAME, clean};
use crate::view::{OptionalStopping, Results, RunFacts, Share, View};
use crate::words::imported;

/// A row that two runs share.
pub(super) struct SharedRow<'a> {
    pub(super) chapter: Option<&'a String>,
    pub(super) sequence: Option<&'a String>,
    pub(super) mode: Mode,
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
        let results = self.results;
        let censored = self.chapter.is_some() && self.sequence.is_some();
        let compared = Compared {
            chapter: self.chapter.cloned(),
            sequence: self.sequence.cloned(),
            mode: Some(self.mode),
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
            blocks: None,
            doubt: doubt(results, censored),
            evidence: Evidence::Untested,
            plan: None,
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
    let shares =
        |results: [&Results; 2]| results.map(|results| results.outcomes.share(&one.run.bad));
    let mut shared = Vec::new();
    for row in &one.sequences {
        let others = two.sequences.iter().filter(|o| o.sequence == row.sequence);
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let results = [&row.results, &other.results];
            shared.push(SharedRow {
                chapter: None,
                sequence: Some(&row.sequence),
                mode: Mode::Sequential,
                variant,
                primary: true,
                results,
                shares: shares(results),
            });
        }
    }
    for row in &one.chapters {
        let others = two.chapters.iter().filter(|other| {
            (&other.chapter, other.mode, &other.sequence) == (&row.chapter, row.mode, &row.sequence)
        });
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let results = [&row.results, &other.results];
            let mut sequences = one.sequences.iter();
            let explains = sequences.any(|sequence| sequence.chapters.contains(&row.chapter));
            shared.push(SharedRow {
                chapter: Some(&row.chapter),
                sequence: row.sequence.as_ref(),
                mode: row.mode,
                variant,
                primary: !explains,
                results,
                shares: shares(results),
            });
        }
    }
    shared
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
    let differences = differing(views).into_iter();
    warnings.extend(differences.map(|[name, one, two]| {
        format!(
            "{name} differs: {one} in {}, {two} in {}.",
            labels[0], labels[1]
        )
    }));
    warnings
}
