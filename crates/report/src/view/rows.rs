//! The rows of a report: a chapter in a mode, a sequence, and what their rounds came to.

use std::collections::BTreeMap;

use crashrate_model::{Mode, Outcome};
use crashrate_stats::{Independence, Pattern};
use serde::{Serialize, Serializer};

use super::{Bounds, Cell, OptionalStopping, Outcomes, RoundOrder, Share};

/// A chapter in one mode, sequence and variant.
#[derive(Clone, Debug, PartialEq)]
pub struct ChapterRow {
    /// The chapter's id.
    pub chapter: String,
    /// How it ran.
    pub mode: Mode,
    /// Sequential mode: the sequence's id.
    pub sequence: Option<String>,
    /// Sequential mode: its place in the sequence, from 1.
    pub position: Option<u32>,
    /// The variant's id.
    pub variant: String,
    /// What its rounds came to. A round that was lost, interrupted or not started is so for every chapter of a
    /// sequence, also for those that had their verdict: the round is run again as a whole, and counted then.
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
    /// Where the first attempts that count died.
    pub died_in: DiedInCounts,
    /// What its rounds came to.
    pub results: Results,
}

/// Where in a sequence the process died, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiedInCounts {
    /// Chapters with at least one death, in the sequence's order.
    pub chapters: Vec<(String, u32)>,
    /// Before the first chapter or between two.
    pub between: u32,
    /// After the last verdict.
    pub exit: u32,
}

impl DiedInCounts {
    /// How many of `n` rounds came to the exit: those that did not die before it.
    pub fn reached_exit(&self, n: u32) -> u32 {
        let before: u32 = self.chapters.iter().map(|(_, deaths)| deaths).sum();
        n.saturating_sub(before + self.between)
    }
}

impl Serialize for DiedInCounts {
    /// A map from chapters with deaths, `between` and `exit` to their counts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let chapters = self.chapters.iter().map(|(id, n)| (id.as_str(), *n));
        serializer.collect_map(chapters.chain([("between", self.between), ("exit", self.exit)]))
    }
}

/// What the rounds of a unit, or of a chapter of a sequence, came to. Unless said otherwise, over first attempts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Rounds planned; the most there can be if the data stop the run.
    pub planned: u32,
    /// Whether the data may have decided the number of rounds.
    pub optional_stopping: OptionalStopping,
    /// Whether round numbers follow the order of execution.
    pub order: RoundOrder,
    /// Rounds with a first attempt on record, whatever became of it; one that is running now is not among them.
    pub rounds: u32,
    /// Rounds that were measured: they have an end, or are censored (`unreached`).
    pub ended: u32,
    /// First attempts by outcome, those of rounds that were run again included. Their sum is `rounds` plus the sum
    /// of `run_again`.
    pub outcomes: Outcomes,
    /// First attempts that were put aside because their round was run again: lost, interrupted or not started.
    pub run_again: Outcomes,
    /// The crash rate: bad first attempts over those that count.
    pub first_attempt: Share,
    /// The rates that rounds without a known end allow; nothing if there are none.
    pub bounds: Option<Bounds>,
    /// Bad rounds after retries, over rounds with an attempt that counts. Never to be shown in place of the above.
    pub after_retries: Share,
    /// Rounds that passed in the end, retries included; over the same rounds.
    pub passed_after_retries: u32,
    /// Rounds that did not pass on the first attempt and passed later.
    pub flaky_rounds: Vec<u32>,
    /// Rounds that did not pass and have retries left that were not run.
    pub unsettled: u32,
    /// Attempts that were started and are not running, retries included.
    pub attempts: u32,
    /// Retries whose end is not known.
    pub lost_retries: u32,
    /// Deaths by the name of their signal.
    pub signals: BTreeMap<String, u32>,
    /// How long the attempts that count took, in seconds.
    pub secs: Option<Spread>,
    /// How long the first attempts that count took together, in seconds, and the bad ones among them.
    pub exposure: Exposure,
    /// What was measured, in the order in which it was first said.
    pub measures: Vec<MeasureStat>,
    /// Values of further measures that were left out because there were too many kinds of them.
    pub measures_left_out: u32,
    /// Expectations of the suite that first attempts missed, in the order in which they were first missed.
    pub missed: Vec<Missed>,
    /// Missed expectations that were left out because there were too many different ones.
    pub missed_left_out: u32,
    /// Why attempts did not pass, the most frequent first.
    pub reasons: Vec<Reason>,
    /// Attempts with further reasons, left out because there were too many different ones.
    pub reasons_left_out: u32,
    /// What else was seen, over all attempts, the most frequent first.
    pub notes: Vec<Note>,
    /// Further notes, left out because there were too many different ones.
    pub notes_left_out: u32,
    /// Whether its bad rounds look independent; nothing where there are too few of either kind, or no order is known.
    pub independence: Option<Independence>,
    /// Each round in turn, from round 1 to the last that has a record.
    pub cells: Vec<Cell>,
}

impl Results {
    /// First attempts that passed.
    pub fn passed(&self) -> u32 {
        self.outcomes.get(Outcome::Passed)
    }

    /// First attempts that failed.
    pub fn failed(&self) -> u32 {
        self.outcomes.get(Outcome::Failed)
    }

    /// Whether its bad rounds cluster or drift: then its rounds are not as many as they seem, or there is no one rate.
    pub fn is_clustered(&self) -> bool {
        let pattern = self.independence.map(|tested| tested.pattern);
        matches!(pattern, Some(Pattern::Clustered | Pattern::Drifting))
    }

    /// Rounds that reached it and have an end: the denominator of the hazard by position.
    pub fn reached(&self) -> u32 {
        self.first_attempt.n
    }
}

/// How long attempts took together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// All of them, in seconds.
    pub secs: f64,
    /// How many of them have a time on record.
    pub n: u32,
    /// The bad ones, in seconds.
    pub bad_secs: f64,
    /// How many of those have a time on record.
    pub bad: u32,
}

/// The smallest, the middle and the largest of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many values; never 0.
    pub n: u32,
    /// The smallest.
    pub min: f64,
    /// The middle one; the mean of the two in the middle if their number is even.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

/// One measure under one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureStat {
    /// What was measured.
    pub name: String,
    /// Under which condition; often empty.
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

/// An expectation of the suite that was missed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missed {
    /// What was expected: `efficiency (threads=8) at most 0.5`.
    pub expected: String,
    /// By how many first attempts.
    pub count: u32,
    /// What they measured; nothing where there was no such measure.
    pub measured: Option<Spread>,
}

/// Why attempts did not pass, in the words of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// How they ended.
    pub outcome: Outcome,
    /// Why.
    pub text: String,
    /// How many.
    pub count: u32,
    /// The first round it was seen in; `None` where only counts are known.
    pub round: Option<u32>,
    /// Where that round's output is, relative to the run folder, if it was kept.
    pub output: Option<String>,
    /// The last lines of that output. The caller fills them in from the file.
    #[serde(skip)]
    pub tail: Vec<String>,
}

/// Something that was seen besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What.
    pub text: String,
    /// In how many attempts.
    pub count: u32,
}
