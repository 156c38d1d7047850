//! The runs of a suite in order: each chapter's rate per run, and detected changes.

use crashrate_model::{GivenCommand, Mode, OutcomeSet};
use crashrate_stats::{ChangeShape, Counts, HistoryLook};

use serde::{Serialize, Serializer};

use super::differences::Difference;
use crate::view::{OptionalStopping, Outcomes, Row, RunState, Share};

/// The runs of one suite.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The suite's name.
    pub suite: String,
    /// The command that the runs were given in place of a suite file.
    pub given: Option<GivenCommand>,
    /// Outcomes that count as bad: the union over the runs, so that no bad outcome is hidden.
    pub bad: OutcomeSet,
    /// The runs in the order given.
    pub runs: Vec<PastRun>,
    /// A row for each chapter in each mode and variant, and for each whole sequence.
    pub trends: Vec<Trend>,
    /// The index of the first run listed. Earlier runs are still tested.
    pub listed_from: usize,
}

/// One run of a history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastRun {
    /// The report number N.
    pub number: u32,
    /// Its id.
    pub id: String,
    /// When it was opened, RFC 3339.
    pub started: String,
    /// The device in use.
    pub device: String,
    /// Whether it is running or has ended.
    #[serde(rename = "live")]
    pub state: RunState,
    /// Whether it completed.
    pub complete: bool,
    /// Whether it was imported.
    pub imported: bool,
    /// First attempts that count.
    pub rounds: u32,
    /// Planned rounds.
    pub planned: u32,
    /// What differs from the previous run, besides the rates.
    #[serde(serialize_with = "as_text")]
    pub differs: Vec<Difference>,
}

fn as_text<S: Serializer>(differs: &[Difference], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(differs.iter().map(ToString::to_string))
}

/// One chapter, or a sequence as a whole, over the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// The chapter; `None` for a whole sequence.
    pub chapter: Option<String>,
    /// The sequence, if any.
    pub sequence: Option<String>,
    /// How it ran.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// A hash of what it runs; `None` if only imported runs have it. Runs in which a row of this
    /// name runs something else have another trend.
    pub identity: Option<String>,
    /// Its runs, in their order.
    pub points: Vec<Point>,
    /// Indices of the runs after which a change is shown. Each is computed only from the runs up to
    /// it, so adding runs never removes one.
    pub marks: Vec<usize>,
    /// The change as of the last mark.
    pub change: Option<Change>,
}

/// One run's result for a chapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The run's index in [`History::runs`].
    pub run: usize,
    /// Bad first attempts of those that count.
    pub share: Share,
    /// Whether the data may have decided the number of rounds.
    pub optional_stopping: OptionalStopping,
    /// Rounds without a result, by what became of them: lost, interrupted or not started. They are
    /// not counted in any rate.
    pub missing: Outcomes,
    /// Why it is excluded from the tests.
    pub untested: Option<Untested>,
    /// The test of all runs up to this one; `None` for the first run and for excluded ones.
    pub look: Option<HistoryLook>,
    /// Whether the test shows a change however the rounds without a result ended.
    pub holds: bool,
}

/// Why a run is excluded from the tests of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Untested {
    /// The data may have decided its number of rounds.
    #[serde(rename = "by-data")]
    OptionalStopping,
    /// Its counts are not final, and each look at them would be another test.
    #[serde(rename = "live")]
    Running,
}

/// A change of a rate. Indices refer to [`History::runs`].
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The most probable first run with the new rate.
    pub at: usize,
    /// The first run of the 95% credible set for the change.
    pub first: usize,
    /// The last run of that set.
    pub last: usize,
    /// The row's last run before `first`. Facts that changed after it may explain the change.
    pub base: usize,
    /// Bad rounds before `at`.
    pub before: Share,
    /// Bad rounds from `at` to the last mark.
    pub after: Share,
    /// The first and the last tested run, with their rounds.
    pub ends: [(usize, Share); 2],
    /// Whether it looks like a step or a trend. This is a description, not a test.
    pub shape: ChangeShape,
    /// The first mark of the unbroken series that ends at the last mark.
    pub since: usize,
    /// The last mark.
    pub until: usize,
    /// Whether the latest test still shows it.
    pub holds: bool,
}

impl Change {
    /// Whether the rate went up.
    pub fn rose(&self) -> bool {
        is_rise(self.before, self.after)
    }
}

/// Whether the rate is higher after the change.
pub(super) fn is_rise(before: Share, after: Share) -> bool {
    u64::from(after.bad) * u64::from(before.n) > u64::from(before.bad) * u64::from(after.n)
}

impl Point {
    /// Whether its rounds are tested.
    pub(super) fn tested(&self) -> Option<Counts> {
        let counts = self.share.counts().ok()?;
        (self.untested.is_none() && self.share.n > 0).then_some(counts)
    }
}

impl Trend {
    pub(super) fn has_name_of(&self, row: &Row<'_>) -> bool {
        let (chapter, sequence) = (self.chapter.as_ref(), self.sequence.as_ref());
        (chapter, sequence, self.mode, &self.variant)
            == (row.chapter, row.sequence, row.mode, row.variant)
    }

    /// Whether the other trend is of the same chapter or sequence, and thus what else it ran.
    pub(super) fn has_name_of_trend(&self, other: &Trend) -> bool {
        let name = |trend: &Trend| (trend.chapter.clone(), trend.sequence.clone());
        (self.mode, &self.variant) == (other.mode, &other.variant) && name(self) == name(other)
    }

    /// The index of the last run that has it.
    pub(super) fn last_run(&self) -> usize {
        self.points.last().map_or(0, |point| point.run)
    }

    /// The first mark of each unbroken series in one direction: the run's index, and whether the
    /// rate rose.
    pub fn turns(&self) -> Vec<(usize, bool)> {
        let mut turns = Vec::new();
        let mut before = None;
        for point in &self.points {
            let Some(look) = point.look else { continue };
            let now = point.holds.then(|| rises(look));
            if let Some(rose) = now.filter(|_| now != before) {
                turns.push((point.run, rose));
            }
            before = now;
        }
        turns
    }
}

impl History {
    /// Lists only the last `n` runs. All runs are still tested.
    pub fn list_last(&mut self, n: usize) {
        self.listed_from = self.runs.len().saturating_sub(n);
    }

    /// The runs that are listed.
    pub fn listed(&self) -> &[PastRun] {
        self.runs.get(self.listed_from..).unwrap_or_default()
    }

    /// The points of a row in the runs that are listed.
    pub fn listed_points<'a>(&'a self, trend: &'a Trend) -> impl Iterator<Item = &'a Point> {
        let listed = |point: &&Point| point.run >= self.listed_from;
        trend.points.iter().filter(listed)
    }
}

/// Whether the rate is higher after the split with the smallest p-value.
pub(crate) fn rises(look: HistoryLook) -> bool {
    is_rise(look.before.into(), look.after.into())
}
