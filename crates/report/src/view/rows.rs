//! The rows of a report: a chapter in a mode, or a sequence, with the results of their rounds.

use std::collections::BTreeMap;

use crashrate_model::{Condition, DiedIn, Mode, Outcome};
use crashrate_stats::{Independence, Pattern};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Bounds, Cell, OptionalStopping, Outcomes, RoundOrder, Share, View};

/// A chapter in one mode, sequence and variant.
#[derive(Clone, Debug, PartialEq)]
pub struct ChapterRow {
    /// The chapter's id.
    pub chapter: String,
    /// How it ran.
    pub mode: Mode,
    /// Sequential mode: the sequence's id.
    pub sequence: Option<String>,
    /// Sequential mode: its position in the sequence, from 1.
    pub position: Option<u32>,
    /// The variant's id.
    pub variant: String,
    /// The results of its rounds. A round that was lost, interrupted or not started counts as such
    /// for every chapter of a sequence, even those with a result: the whole round is run again and
    /// counted then.
    pub results: Results,
}

/// A sequence under one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceRow {
    /// The sequence's id.
    pub sequence: String,
    /// The variant's id.
    pub variant: String,
    /// Its chapters in order.
    pub chapters: Vec<String>,
    /// The order in which the chapters of each first attempt started, if it was not the sequence's:
    /// the round, and the chapters' indices.
    pub orders: BTreeMap<u32, Vec<u32>>,
    /// Where the first attempts that count died.
    pub died_in: DiedInCounts,
    /// The results of its rounds.
    pub results: Results,
}

impl SequenceRow {
    /// The order of the chapters in all rounds, as indices of those that started; `None` if it
    /// differed between rounds.
    pub(crate) fn common_order(&self) -> Option<Vec<u32>> {
        // A round that died early has only the beginning of the order.
        let longest = self.orders.values().max_by_key(|order| order.len());
        let Some(longest) = longest else {
            return Some((0..self.chapters.len() as u32).collect());
        };
        let mut orders = self.orders.values();
        orders
            .all(|order| longest.starts_with(order))
            .then(|| longest.clone())
    }
}

/// A chapter, or a sequence as a whole.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The chapter; `None` for a whole sequence.
    pub(crate) chapter: Option<&'a String>,
    /// The sequence; `None` for an isolated chapter.
    pub(crate) sequence: Option<&'a String>,
    pub(crate) mode: Mode,
    pub(crate) variant: &'a String,
    pub(crate) results: &'a Results,
}

impl View {
    pub(crate) fn chapter_rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.chapters.iter().map(|row| Row {
            chapter: Some(&row.chapter),
            sequence: row.sequence.as_ref(),
            mode: row.mode,
            variant: &row.variant,
            results: &row.results,
        })
    }

    pub(crate) fn sequence_rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.sequences.iter().map(|row| Row {
            chapter: None,
            sequence: Some(&row.sequence),
            mode: Mode::Sequential,
            variant: &row.variant,
            results: &row.results,
        })
    }
}

/// Where in a sequence the process died, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiedInCounts {
    /// Chapters with at least one death, in the sequence's order.
    pub chapters: Vec<(String, u32)>,
    /// Before the first chapter or between two.
    pub between: u32,
    /// After the last chapter's result.
    pub exit: u32,
}

impl DiedInCounts {
    /// The number of `n` rounds that reached the exit, i.e. did not die earlier.
    pub fn reached_exit(&self, n: u32) -> u32 {
        let before: u32 = self.chapters.iter().map(|(_, deaths)| deaths).sum();
        n.saturating_sub(before + self.between)
    }
}

impl Serialize for DiedInCounts {
    /// A map from chapters with deaths, `between` and `exit` to their counts, by [`DiedIn::key`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let chapters = self.chapters.iter();
        let chapters = chapters.map(|(id, n)| (DiedIn::Chapter(id.clone()), *n));
        let outside = [(DiedIn::Between, self.between), (DiedIn::Exit, self.exit)];
        serializer.collect_map(chapters.chain(outside).map(|(place, n)| (place.key(), n)))
    }
}

/// The results of the rounds of a unit, or of a chapter of a sequence; over first attempts unless
/// noted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Planned rounds; the maximum if the data may stop the run.
    pub planned: u32,
    /// Whether the data may have decided the number of rounds.
    pub optional_stopping: OptionalStopping,
    /// Whether round numbers follow the order of execution.
    pub order: RoundOrder,
    /// Rounds with a recorded first attempt, whatever its outcome; running ones are not included.
    pub rounds: u32,
    /// Measured rounds: they have a result or are censored (`unreached`).
    pub ended: u32,
    /// First attempts by outcome, including those of rounds that were run again. Their sum is
    /// `rounds` plus the sum of `run_again`.
    pub outcomes: Outcomes,
    /// First attempts replaced because their round was run again: lost, interrupted or not started.
    pub run_again: Outcomes,
    /// The crash rate: bad first attempts over those that count.
    pub first_attempt: Share,
    /// The rates possible given the rounds without a result; `None` if all have one.
    pub bounds: Option<Bounds>,
    /// Bad rounds after retries, over rounds with an attempt that counts. Never shown in place of
    /// `first_attempt`.
    pub after_retries: Share,
    /// Rounds that passed in the end, including on a retry, over the same rounds.
    pub passed_after_retries: u32,
    /// Rounds that did not pass on the first attempt and passed later.
    pub flaky_rounds: Vec<u32>,
    /// Rounds that did not pass and have unused retries.
    pub unsettled: u32,
    /// Attempts that were started and are not running, including retries.
    pub attempts: u32,
    /// Retries without a result.
    pub lost_retries: u32,
    /// Deaths by the name of their signal.
    pub signals: BTreeMap<String, u32>,
    /// Durations of the attempts that count, in seconds.
    pub secs: Option<Spread>,
    /// Total duration of the first attempts that count, and of the bad ones among them.
    pub exposure: Exposure,
    /// The measures, in first-reported order.
    pub measures: Vec<MeasureStat>,
    /// Values of measures beyond the limit on kinds.
    pub measures_left_out: u32,
    /// Expectations that first attempts missed, in the order of the first miss.
    pub missed: Vec<Missed>,
    /// Misses of expectations beyond the limit.
    pub missed_left_out: u32,
    /// Why attempts did not pass, most frequent first.
    pub reasons: Vec<Reason>,
    /// Attempts with reasons beyond the limit.
    pub reasons_left_out: u32,
    /// Other observations over all attempts, most frequent first.
    pub notes: Vec<Note>,
    /// Notes beyond the limit.
    pub notes_left_out: u32,
    /// The test for independence; `None` if there are too few good or bad rounds, or their order is
    /// unknown.
    pub independence: Option<Independence>,
    /// Each round, from round 1 to the last one recorded.
    pub cells: Vec<Cell>,
}

impl Results {
    /// Rounds that were lost, interrupted or not started, and have a result because they were run
    /// again. The bounds count them as missing.
    pub(crate) fn lost_and_run_again(&self) -> u32 {
        let again =
            |cell: &&Cell| cell.is_missing() && cell.first.is_some_and(Outcome::is_measured);
        self.cells.iter().filter(again).count() as u32
    }

    /// The bounds, unless no round got as far as this chapter: they would say nothing.
    pub(crate) fn telling_bounds(&self) -> Option<Bounds> {
        let is_reached = self.first_attempt.n > 0 || self.outcomes.get(Outcome::Unreached) == 0;
        self.bounds.filter(|_| is_reached)
    }

    /// First attempts that passed.
    pub fn passed(&self) -> u32 {
        self.outcomes.get(Outcome::Passed)
    }

    /// First attempts that failed.
    pub fn failed(&self) -> u32 {
        self.outcomes.get(Outcome::Failed)
    }

    /// Whether bad rounds cluster or drift. Then the effective number of rounds is smaller, or the
    /// rate is not constant.
    pub fn is_clustered(&self) -> bool {
        let pattern = self.independence.map(|tested| tested.pattern);
        matches!(pattern, Some(Pattern::Clustered | Pattern::Drifting))
    }

    /// Rounds that reached it and have a result: the denominator of the hazard by position.
    pub fn reached(&self) -> u32 {
        self.first_attempt.n
    }
}

/// The total duration of attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// All of them, in seconds.
    pub secs: f64,
    /// The number of attempts with a recorded duration.
    pub n: u32,
    /// The bad ones, in seconds.
    pub bad_secs: f64,
    /// The number of bad attempts with a recorded duration.
    pub bad: u32,
}

/// The minimum, median and maximum of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Spread {
    /// The number of values; never 0.
    pub n: u32,
    /// The smallest.
    pub min: f64,
    /// The median; the mean of the middle two for an even number of values.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

/// One measure under one label.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MeasureStat {
    /// What was measured.
    pub name: String,
    /// Its condition; often empty.
    pub label: String,
    /// The unit; empty for a bare number.
    pub unit: String,
    /// The values of all first attempts that count.
    #[serde(flatten)]
    pub spread: Spread,
    /// Their sum.
    #[serde(skip)]
    pub sum: f64,
}

/// A missed expectation of the suite.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Missed {
    /// The expectation: `efficiency (threads=8) at most 0.5`.
    pub expected: String,
    /// The number of first attempts that missed it.
    pub count: u32,
    /// The values measured; `None` if none was.
    pub measured: Option<Spread>,
}

/// Why attempts did not pass, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// Their outcome.
    pub outcome: Outcome,
    /// The reason.
    pub text: String,
    /// The number of attempts.
    pub count: u32,
    /// The first round with it; `None` if the order is unknown.
    pub round: Option<u32>,
    /// That round's kept output, relative to the run folder.
    pub output: Option<String>,
    /// The last lines of that output. The caller reads them from the file.
    #[serde(skip)]
    pub tail: Vec<String>,
}

/// Another observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// The text.
    pub text: String,
    /// The number of attempts.
    pub count: u32,
}

/// A recommendation without a condition, or one whose condition holds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Advice {
    /// The suite's text.
    pub text: String,
    /// The condition.
    #[schemars(with = "Option<String>")]
    pub when: Option<Condition>,
    /// The variants for which the condition holds, with their counts; empty without a condition.
    pub held: Vec<Held>,
}

/// The counts by which a condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Held {
    /// The variant's id.
    pub variant: String,
    /// First attempts with the outcome that the condition counts.
    pub count: u32,
    /// First attempts that count.
    pub n: u32,
}
