//! Compares a run with its suite's baseline, and its own sequential rounds with its isolated
//! rounds.

use crashrate_model::{ALPHA, Axis, Mode};

use super::between::{SharedRow, method};
use super::test::judge;
use super::within::{compare_within, incomplete};
use super::{Comparisons, DEFAULT_DETECT, What};
use crate::view::{DiedInCounts, OptionalStopping, Row, SequenceRow, Share, View};
use crate::words::bad_outcomes;

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
#[derive(Clone, Debug, Default, PartialEq)]
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
    let mut reported = view.comparisons().iter();
    let modes = reported.find(|all| all.what == What::Within(Axis::Mode));
    let modes =
        (modes.cloned()).unwrap_or_else(|| compare_within(view, Axis::Mode, DEFAULT_DETECT, None));
    Some(BesideBaseline {
        number: baseline.run.number,
        rows: rows(view, baseline, &modes),
        modes: of_whole_sequences(modes),
        machine: machine(view, baseline),
    })
}

fn rows(view: &View, baseline: &View, modes: &Comparisons) -> Vec<BaselineRow> {
    let share = |found: Option<Row>| found.map(|row| row.results.first_attempt);
    let in_baseline = |row: Row, sequence: Option<&String>| {
        let mut rows = baseline.chapter_rows();
        share(rows.find(|then| (then.chapter, then.sequence) == (row.chapter, sequence)))
    };
    let isolated = |row: Row| {
        let mut rows = view.chapter_rows().filter(|row| row.mode == Mode::Isolated);
        share(rows.find(|other| (other.chapter, other.variant) == (row.chapter, row.variant)))
    };
    let of_chapter = |row: Row| BaselineRow {
        chapter: row.chapter.cloned(),
        sequence: row.sequence.cloned(),
        variant: row.variant.clone(),
        baseline_isolated: in_baseline(row, None),
        ..BaselineRow::default()
    };
    let mut all = Vec::new();
    for sequence in &view.sequences {
        let mut of_baseline = baseline.sequences.iter();
        let of_baseline = of_baseline.find(|r| r.sequence == sequence.sequence);
        all.push(BaselineRow {
            sequence: Some(sequence.sequence.clone()),
            variant: sequence.variant.clone(),
            baseline_in_sequence: of_baseline.map(|row| row.results.first_attempt),
            in_sequence: Some(sequence.results.first_attempt),
            isolated: whole_blocks(sequence, modes),
            baseline_died_in: of_baseline.map(|row| row.died_in.clone()),
            died_in: Some(sequence.died_in.clone()),
            ..BaselineRow::default()
        });
        let own = view.chapter_rows().filter(|row| {
            row.sequence == Some(&sequence.sequence) && *row.variant == sequence.variant
        });
        all.extend(own.map(|row| BaselineRow {
            baseline_in_sequence: in_baseline(row, row.sequence),
            in_sequence: Some(row.results.first_attempt),
            isolated: isolated(row),
            ..of_chapter(row)
        }));
    }
    let alone = view.chapter_rows().filter(|row| {
        let same = |other: &Row| (other.chapter, other.variant) == (row.chapter, row.variant);
        let mut all = view.chapter_rows().filter(same);
        all.all(|other| other.mode == Mode::Isolated)
    });
    all.extend(alone.map(|row| BaselineRow {
        isolated: Some(row.results.first_attempt),
        ..of_chapter(row)
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

/// The rows that both have: whole sequences, or isolated chapters if there are none. Further
/// comparisons would share the error budget and make differences harder to detect.
fn common_rows<'a>(view: &'a View, baseline: &'a View) -> Vec<SharedRow<'a>> {
    fn shared<'a>(
        row: Row<'a>,
        mut baseline: impl Iterator<Item = Row<'a>>,
    ) -> Option<SharedRow<'a>> {
        let then =
            baseline.find(|then| (then.chapter, then.sequence) == (row.chapter, row.sequence))?;
        let results = [then.results, row.results];
        Some(SharedRow {
            row,
            variant: row.variant.clone(),
            primary: true,
            results,
            shares: results.map(|results| results.first_attempt),
        })
    }
    let sequences = view.sequence_rows();
    let sequences: Vec<_> = sequences
        .filter_map(|row| shared(row, baseline.sequence_rows()))
        .collect();
    if !sequences.is_empty() {
        return sequences;
    }
    let isolated = view.chapter_rows().filter(|row| row.sequence.is_none());
    isolated
        .filter_map(|row| shared(row, baseline.chapter_rows()))
        .collect()
}

/// Compares this machine with the baseline.
fn machine(view: &View, baseline: &View) -> Comparisons {
    let labels = [baseline.run.label(), "here".to_owned()];
    let optional_stopping = [OptionalStopping::No, view.run.optional_stopping()];
    let how = method(optional_stopping);
    let rows = common_rows(view, baseline).into_iter();
    let pairs = rows.map(|row| row.pair(&labels, optional_stopping));
    Comparisons {
        what: What::Baseline,
        how,
        bad: view.run.bad.clone(),
        alpha: ALPHA,
        list: judge(pairs.collect(), how, ALPHA, None, DEFAULT_DETECT),
        warnings: warnings(view, baseline),
    }
}

/// Differences in method that limit what the comparison means.
fn warnings(view: &View, baseline: &View) -> Vec<String> {
    let [then, now] = [baseline, view].map(|view| bad_outcomes(&view.run.bad));
    let mut warnings = Vec::new();
    if then != now {
        warnings.push(format!(
            "Counted as bad is not the same: {then} in N={}, {now} here.",
            baseline.run.number
        ));
    }
    warnings.extend(incomplete(view));
    warnings
}
