//! Compares a run with its suite's baseline, and its own sequential rounds with its isolated
//! rounds.

use crashrate_model::{Axis, Mode};

use super::two_runs::{SharedRow, TwoRuns};
use super::within::compare_within;
use super::{Compared, Comparisons, DEFAULT_DETECT, What};
use crate::view::{ChapterRow, DiedInCounts, OptionalStopping, Results, SequenceRow, Share, View};

/// A run beside its suite's baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct BesideBaseline {
    /// The baseline's report number N.
    pub number: u32,
    /// The run's chapters and sequences: each sequence, then its chapters, then the remaining
    /// chapters.
    pub rows: Vec<BaselineRow>,
    /// Sequential against isolated on this machine, for whole sequences; `None` if only one mode
    /// ran.
    pub modes: Option<Comparisons>,
    /// This machine against the baseline: the sequences that both have, or else the isolated
    /// chapters.
    pub machine: Comparisons,
}

/// A chapter, or a sequence as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineRow {
    /// The chapter; `None` for a whole sequence.
    pub chapter: Option<String>,
    /// The sequence; `None` for a chapter outside any sequence.
    pub sequence: Option<String>,
    /// The variant of this machine's rounds. A baseline has no variants.
    pub variant: String,
    /// The baseline in sequence; for a chapter, only rounds that reached it.
    pub baseline_in_sequence: Option<Share>,
    /// The baseline isolated; `None` for a sequence, since a published report has no blocks.
    pub baseline_isolated: Option<Share>,
    /// This machine in sequence; for a chapter, only rounds that reached it.
    pub in_sequence: Option<Share>,
    /// This machine isolated. For a sequence, a block is bad if any of its chapters was.
    pub isolated: Option<Share>,
    /// For a sequence: where it died in the baseline.
    pub baseline_died_in: Option<DiedInCounts>,
    /// For a sequence: where it died on this machine.
    pub died_in: Option<DiedInCounts>,
}

/// The run beside its baseline; `None` if the suite names none.
pub(crate) fn beside_baseline(view: &View) -> Option<BesideBaseline> {
    let baseline = view.baseline.as_deref()?;
    let modes = compare_within(view, Axis::Mode, DEFAULT_DETECT, None);
    Some(BesideBaseline {
        number: baseline.run.number,
        rows: rows(view, baseline, &modes),
        modes: of_whole_sequences(modes),
        machine: machine(view, baseline),
    })
}

impl BaselineRow {
    /// A chapter's row without shares.
    fn of_chapter(row: &ChapterRow) -> Self {
        BaselineRow {
            chapter: Some(row.chapter.clone()),
            sequence: row.sequence.clone(),
            variant: row.variant.clone(),
            baseline_in_sequence: None,
            baseline_isolated: None,
            in_sequence: None,
            isolated: None,
            baseline_died_in: None,
            died_in: None,
        }
    }
}

fn rows(view: &View, baseline: &View, modes: &Comparisons) -> Vec<BaselineRow> {
    let in_baseline = |row: &ChapterRow, sequence: Option<&String>| {
        let mut rows = baseline.chapters.iter();
        let found = rows.find(|r| r.chapter == row.chapter && r.sequence.as_ref() == sequence);
        found.map(|row| row.results.first_attempt)
    };
    let isolated = |row: &ChapterRow| {
        let mut rows = view.chapters.iter();
        let found = rows.find(|r| {
            (&r.chapter, &r.variant, r.mode) == (&row.chapter, &row.variant, Mode::Isolated)
        });
        found.map(|row| row.results.first_attempt)
    };
    let mut all = Vec::new();
    for sequence in &view.sequences {
        let mut of_baseline = baseline.sequences.iter();
        let of_baseline = of_baseline.find(|r| r.sequence == sequence.sequence);
        all.push(BaselineRow {
            chapter: None,
            sequence: Some(sequence.sequence.clone()),
            variant: sequence.variant.clone(),
            baseline_in_sequence: of_baseline.map(|row| row.results.first_attempt),
            baseline_isolated: None,
            in_sequence: Some(sequence.results.first_attempt),
            isolated: whole_blocks(sequence, modes),
            baseline_died_in: of_baseline.map(|row| row.died_in.clone()),
            died_in: Some(sequence.died_in.clone()),
        });
        let own = |row: &&ChapterRow| {
            row.sequence.as_ref() == Some(&sequence.sequence) && row.variant == sequence.variant
        };
        all.extend(view.chapters.iter().filter(own).map(|row| BaselineRow {
            baseline_in_sequence: in_baseline(row, row.sequence.as_ref()),
            baseline_isolated: in_baseline(row, None),
            in_sequence: Some(row.results.first_attempt),
            isolated: isolated(row),
            ..BaselineRow::of_chapter(row)
        }));
    }
    let alone = |row: &&ChapterRow| {
        let in_sequence = |r: &ChapterRow| {
            r.mode == Mode::Sequential && (&r.chapter, &r.variant) == (&row.chapter, &row.variant)
        };
        row.mode == Mode::Isolated && !view.chapters.iter().any(in_sequence)
    };
    all.extend(view.chapters.iter().filter(alone).map(|row| BaselineRow {
        baseline_isolated: in_baseline(row, None),
        isolated: Some(row.results.first_attempt),
        ..BaselineRow::of_chapter(row)
    }));
    all
}

/// The isolated rounds of a sequence's chapters, one whole block each.
fn whole_blocks(sequence: &SequenceRow, modes: &Comparisons) -> Option<Share> {
    let mut all = modes.list.iter();
    let found = all.find(|one| {
        one.chapter.is_none()
            && one.sequence.as_ref() == Some(&sequence.sequence)
            && one.variant.as_ref() == Some(&sequence.variant)
    });
    found.map(|one| one.sides[0].share)
}

/// Keeps the comparisons of whole sequences. Their p-values stay adjusted for all comparisons.
fn of_whole_sequences(mut modes: Comparisons) -> Option<Comparisons> {
    modes.list.retain(|one| one.chapter.is_none());
    (!modes.list.is_empty()).then_some(modes)
}

/// The rows that both have: whole sequences, or isolated chapters if there are none.
fn common_rows<'a>(view: &'a View, baseline: &'a View) -> Vec<(Compared, [&'a Results; 2])> {
    let mut units: Vec<_> = Vec::new();
    for row in &view.sequences {
        let then = baseline
            .sequences
            .iter()
            .find(|r| r.sequence == row.sequence);
        if let Some(then) = then {
            let of = (None, Some(&row.sequence));
            let compared = Compared::unfilled(of, Mode::Sequential, &row.variant, true);
            units.push((compared, [&then.results, &row.results]));
        }
    }
    let has_sequence = !units.is_empty();
    let isolated = |row: &&ChapterRow| !has_sequence && row.sequence.is_none();
    for row in view.chapters.iter().filter(isolated) {
        let same = |then: &&ChapterRow| then.sequence.is_none() && then.chapter == row.chapter;
        if let Some(then) = baseline.chapters.iter().find(same) {
            let of = (Some(&row.chapter), None);
            let compared = Compared::unfilled(of, Mode::Isolated, &row.variant, true);
            units.push((compared, [&then.results, &row.results]));
        }
    }
    units
}

/// Compares this machine with the baseline: whole sequences, or isolated chapters if they share
/// none. Further comparisons would share the error budget and make differences harder to detect.
fn machine(view: &View, baseline: &View) -> Comparisons {
    let rows = common_rows(view, baseline).into_iter();
    let rows = rows.map(|(compared, results)| SharedRow {
        compared,
        results,
        shares: results.map(|results| results.first_attempt),
    });
    let runs = TwoRuns {
        what: What::Baseline,
        labels: [format!("N={}", baseline.run.number), "here".to_owned()],
        optional_stopping: [OptionalStopping::No, view.run.optional_stopping()],
        bad: &view.run.bad,
        detect: DEFAULT_DETECT,
        margin: None,
        warnings: warnings(view, baseline),
    };
    runs.compare(rows.collect())
}

/// Differences in method that limit what the comparison means.
fn warnings(view: &View, baseline: &View) -> Vec<String> {
    let words = |view: &View| {
        let words: Vec<_> = view.run.bad.iter().map(|outcome| outcome.word()).collect();
        words.join(", ")
    };
    let (then, now) = (words(baseline), words(view));
    let mut warnings = Vec::new();
    if then != now {
        warnings.push(format!(
            "Counted as bad is not the same: {then} in N={}, {now} here.",
            baseline.run.number
        ));
    }
    if !view.run.complete && !view.run.state.is_running() {
        warnings.push(
            "The run is incomplete: what is missing may not be missing by chance.".to_owned(),
        );
    }
    warnings
}
