//! What a report knows of a run: facts and counts, and no words for them.

mod advice;
mod attempts;
mod by_chapter;
mod crashes;
mod derived;
mod judgement;
mod line;
mod outcomes;
mod rows;
mod state;
mod watched;

use std::collections::{BTreeMap, HashMap};

use crashrate_model::{
    ChapterFacts, EvidenceMode, Finding, Imported, Mode, OutcomeSet, StopReason, Stopping, Unit,
};
use serde::Serialize;

pub use advice::{Advice, Held};
pub(crate) use attempts::Attempt;
pub use attempts::AttemptPlace;
pub(crate) use attempts::{is_death, is_hang};
pub(crate) use by_chapter::ByChapter;
pub use crashes::{CrashPlace, CrashRole, CrashRow};
pub(crate) use derived::Derived;
pub use judgement::{ExitClass, Judgement, exit_class};
pub use line::{InShort, RunLine};
pub use outcomes::{Bounds, Cell, Outcomes, Share};
pub use rows::{
    ChapterRow, DiedInCounts, Exposure, MeasureStat, Missed, Note, Reason, Results, SequenceRow,
    Spread,
};
pub use state::{OptionalStopping, RoundOrder, RunState};
pub use watched::{GateSeen, PairsSeen};

/// Everything that a report of a run can say. Made by [`crate::ViewBuilder`].
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Facts about the run as a whole.
    pub run: RunFacts,
    /// A row for each chapter in isolated mode, and one for each chapter of each sequence.
    pub chapters: Vec<ChapterRow>,
    /// A row for each sequence.
    pub sequences: Vec<SequenceRow>,
    /// Sums over all units.
    pub totals: Totals,
    /// What the suite recommends, as far as its conditions hold.
    pub recommendations: Vec<Advice>,
    /// What is running now; empty unless the run is live.
    pub running: Vec<Running>,
    /// What was planned, in the order of the plan.
    pub units: Vec<Unit>,
    /// A run that was stopped by its data: the pairs of each comparison that its units allow.
    pub pairs: Vec<PairsSeen>,
    /// The run's gates, in their order.
    pub gates: Vec<GateSeen>,
    /// The record that the suite repeats, as a run of its own.
    pub baseline: Option<Box<View>>,
    /// Deaths by their signature, the most frequent first.
    pub crashes: Vec<CrashRow>,
    /// The attempts in the order in which they ended, if they were asked for.
    pub attempts: Vec<AttemptPlace>,
    /// How to repeat the run. Taken from `machine["command"]` if it is there; whoever makes the report may set it.
    pub command: Option<String>,
    /// Comparisons that were made already.
    pub(crate) derived: Derived,
}

/// Facts about a run as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    /// Its id, which is also the name of its folder.
    pub id: String,
    /// The report number N.
    pub number: u32,
    /// The suite's name.
    pub suite: String,
    /// The seed that block orders and the rounds' own seeds come from; an imported run has none.
    pub seed: Option<u64>,
    /// The device that children said they use, several joined by commas; the one asked for if none said so.
    pub device: String,
    /// The device asked for, such as `auto`.
    pub device_asked: String,
    /// Library versions by name, as children said; different answers are joined by commas.
    pub versions: BTreeMap<String, String>,
    /// Where it ran.
    pub machine: BTreeMap<String, String>,
    /// What the chapters are.
    pub chapters: Vec<ChapterFacts>,
    /// What was found out about the machine before the run.
    pub findings: Vec<Finding>,
    /// When it was first opened, RFC 3339.
    pub started: String,
    /// When it was closed; nothing if it is live or was killed.
    pub finished: Option<String>,
    /// Why no more rounds were started; nothing if it is live or was killed.
    pub stopped: Option<StopReason>,
    /// More of why, in words.
    pub stopped_because: Option<String>,
    /// What its attempts may use of the machine, and by what means that is limited.
    pub limits: BTreeMap<String, String>,
    /// Whether it is being written at the moment.
    pub state: RunState,
    /// When it stops by itself.
    pub stopping: Stopping,
    /// The number of rounds that may fail before nothing more is started.
    pub max_failures: Option<u32>,
    /// The time after which no more rounds are started, seconds.
    pub time_budget: Option<f64>,
    /// How much more often the second side of a comparison may be bad and still count as no worse, as a share.
    pub not_worse_by: Option<f64>,
    /// The one round of each unit that it ran, to repeat it.
    pub only_round: Option<u32>,
    /// Whether it came to the end that it was begun for: every planned round has a measured end; or its own rule
    /// stopped it; or it has a rule, and the time for it was over.
    pub complete: bool,
    /// The fault that was injected, if any.
    pub fault: Option<serde_json::Value>,
    /// How many attempts could run at the same time.
    pub jobs: u32,
    /// How the rounds that count were watched.
    pub evidence: EvidenceMode,
    /// Whether evidence rounds follow where a unit crashed.
    pub evidence_rounds: bool,
    /// How many times a round that did not pass was tried again.
    pub retries: u32,
    /// Which outcomes the crash rate counts.
    pub bad: OutcomeSet,
    /// The SHA-256 of each program measured, by its path, where it is known.
    pub programs: BTreeMap<String, String>,
    /// How long it ran, in seconds, over all the times it was opened; up to the last record. Not known of an imported run.
    pub secs: Option<f64>,
    /// What makes it an imported one: crashrate did not measure it.
    pub imported: Option<Imported>,
    /// How many times it was resumed.
    pub resumed: u32,
    /// What was set differently when it was resumed, in words.
    pub changes: Vec<String>,
    /// The place of each chapter in `chapters`.
    pub(crate) places: HashMap<String, usize>,
}

impl RunFacts {
    /// Whether the data may have decided the number of rounds. An imported run has a fixed number.
    pub fn optional_stopping(&self) -> OptionalStopping {
        let rule =
            self.stopping.is_by_data() || self.max_failures.is_some() || self.time_budget.is_some();
        match self.imported.is_none() && (rule || !self.complete) {
            true => OptionalStopping::Possible,
            false => OptionalStopping::No,
        }
    }

    /// What is known of the chapter of this id.
    pub fn chapter(&self, id: &str) -> Option<&ChapterFacts> {
        self.chapters.get(*self.places.get(id)?)
    }
}

/// Sums over all units. A round of a sequence is one round here, however many chapters it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Rounds planned.
    pub planned: u32,
    /// Rounds with a first attempt on record, whatever became of it.
    pub rounds: u32,
    /// First attempts by outcome, those of rounds that were run again included.
    pub outcomes: Outcomes,
    /// First attempts that were put aside because their round was run again.
    pub run_again: Outcomes,
    /// Bad first attempts.
    pub first_attempt: Share,
    /// Bad rounds after retries.
    pub after_retries: Share,
    /// Rounds that passed in the end, retries included.
    pub passed_after_retries: u32,
    /// Rounds that passed only on a retry.
    pub flaky: u32,
    /// Attempts that were started and are not running, retries included.
    pub attempts: u32,
}

/// An attempt that is running now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Running {
    /// The chapter's or sequence's id.
    pub name: String,
    /// How it runs.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// From 1.
    pub round: u32,
    /// From 1.
    pub attempt: u32,
    /// When it started: seconds since the run was last opened.
    pub at: f64,
}
