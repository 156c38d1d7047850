//! The facts and counts of a run, without wording.

mod attempts;
mod bisection;
mod crashes;
mod derived;
mod details;
mod devices;
mod files;
mod identity;
mod judgement;
mod machines;
mod outcomes;
mod provocation;
mod rate_test;
mod rows;
mod search;
mod state;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use crashrate_model::{
    ChapterFacts, Device, DeviceFailure, Ended, EvidenceMode, Finding, GivenCommand, Imported,
    Merged, Mode, Outcome, OutcomeSet, Shard, StopReason, Stopping, Unit,
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

pub(crate) use attempts::{AttemptPlace, End, is_bad_end, is_hang};
pub use bisection::{Bisection, CommitSeen};
pub use crashes::{CrashPlace, CrashRole, CrashRow, EvidencePart};
pub(crate) use derived::{ByChapter, Derived};
pub use details::RoundRange;
pub(crate) use details::{AttemptDetail, Described};
pub use devices::{DeviceRow, DeviceUnit, Disturbances, UnitDisturbances};
pub use files::Ends;
pub(crate) use files::Unreadable;
pub(crate) use identity::Identities;
pub use judgement::{ExitClass, GateSeen, Judgement, PairsSeen, exit_class};
pub use machines::{Machine, MachineUnit, Machines, MissingBlocks, ShardState};
pub(crate) use outcomes::rounds;
pub use outcomes::{Bounds, Cell, Outcomes, Share};
pub use provocation::Provocation;
pub use rate_test::{CountedRounds, RateTest};
pub(crate) use rows::Row;
pub use rows::{
    Advice, ChapterRow, DiedInCounts, Exposure, Held, MeasureStat, Missed, Note, Reason, Results,
    SequenceRow, Spread,
};
pub use search::{PartSeen, Search};
pub use state::{InShort, OptionalStopping, RoundOrder, RunLine, RunState};

/// Everything that a report of a run can say. Made by [`crate::ViewBuilder`].
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Facts about the run as a whole.
    pub run: RunFacts,
    /// What suggested commands call the run: its number. The caller may set a path.
    pub name: String,
    /// A row for each chapter in isolated mode, and one for each chapter of each sequence.
    pub chapters: Vec<ChapterRow>,
    /// A row for each sequence.
    pub sequences: Vec<SequenceRow>,
    /// Sums over all units.
    pub totals: Totals,
    /// The devices of a run that has a slot for each; empty if it has none.
    pub devices: Vec<DeviceRow>,
    /// Whether rates differ between its devices, for each unit for which that can be tested.
    pub device_tests: Vec<RateTest>,
    /// Rounds during which something else happened on the machine; `None` if there are none.
    pub disturbances: Option<Disturbances>,
    /// The suite's recommendations that hold.
    pub recommendations: Vec<Advice>,
    /// The running attempts; empty if the run has ended.
    pub running: Vec<Running>,
    /// How fast rounds end.
    pub pace: Pace,
    /// The planned units, in order.
    pub units: Vec<Unit>,
    /// For a run with a stopping rule: the pairs of each comparison.
    pub pairs: Vec<PairsSeen>,
    /// The run's gates, in their order.
    pub gates: Vec<GateSeen>,
    /// The search for the smallest part of a sequence, in a run that has one. Its rounds are in no
    /// row.
    pub search: Option<Search>,
    /// The search for the commit that raised a rate, in a run that has one. Its rounds are in no
    /// row.
    pub bisection: Option<Box<Bisection>>,
    /// The search for a perturbation that raises a rate, in a run that has one. Its rounds are in
    /// no row.
    pub provocation: Option<Box<Provocation>>,
    /// The suite's baseline, as a run.
    pub baseline: Option<Box<View>>,
    /// Deaths by their signature, the most frequent first.
    pub crashes: Vec<CrashRow>,
    /// The machines of a merged run.
    pub machines: Option<Box<Machines>>,
    /// The attempts in the order in which they ended, if requested.
    pub(crate) attempts: Vec<AttemptPlace>,
    /// What pages say of single attempts, by unit and round; see [`crate::add_details`].
    pub(crate) details: Vec<AttemptDetail>,
    /// The rounds that pages show a square of each for; all of them if `None`.
    pub zoom: Option<RoundRange>,
    /// The command that repeats the run: `machine["command"]` if present. The caller may set it.
    pub command: Option<String>,
    /// Cached comparisons.
    pub(crate) derived: Derived,
}

/// Facts about a run as a whole, in the order of the JSON report.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunFacts {
    /// Its id, which is also the name of its folder.
    pub id: String,
    /// The report number N.
    pub number: u32,
    /// The suite's name.
    pub suite: String,
    /// The seed that block orders and the rounds' own seeds come from; an imported run has none.
    pub seed: Option<u64>,
    /// The device that children report, several joined by commas; the requested one if none reports
    /// any.
    pub device: String,
    /// Library versions by name, as reported by children; different values are joined by commas.
    pub versions: BTreeMap<String, String>,
    /// When it was first opened, RFC 3339.
    pub started: String,
    /// When it was closed; `None` if it is running or was killed.
    pub finished: Option<String>,
    /// Whether it completed: every planned round has a result, its stopping rule stopped it, or it
    /// has a rule and its time budget was used up.
    pub complete: bool,
    /// The fault that was injected, if any.
    pub fault: Option<serde_json::Value>,
    /// Whether it is running or has ended.
    #[serde(rename = "live")]
    #[schemars(with = "bool")]
    pub state: RunState,
    /// Why no more rounds were started; `None` if it is running or was killed.
    pub stopped: Option<StopReason>,
    /// Details of that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_because: Option<String>,
    /// The resource limits of its attempts, and how they are enforced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
    /// What crashrate added to the environment of Python commands, by variable.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub added_env: BTreeMap<String, String>,
    /// Seconds from opening to the last record, over every time it was opened; `None` for an
    /// imported run.
    #[serde(rename = "seconds")]
    pub secs: Option<f64>,
    /// The requested device, such as `auto`.
    pub device_asked: String,
    /// Where it ran.
    pub machine: BTreeMap<String, String>,
    /// How many attempts could run at the same time; `None` for an imported run.
    pub jobs: Option<u32>,
    /// How many times a round that did not pass was tried again; `None` for an imported run.
    pub retries: Option<u32>,
    /// Which outcomes the crash rate counts.
    pub bad: OutcomeSet,
    /// The stopping rule.
    pub stopping: Stopping,
    /// The only round of each unit to run, to reproduce it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_round: Option<u32>,
    /// The part of the plan that it ran, if other machines ran the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// How many times it was resumed.
    pub resumed: u32,
    /// Settings that differed when it was resumed, as text.
    pub changes: Vec<String>,
    /// How the rounds that count were watched.
    pub evidence: EvidenceMode,
    /// Whether evidence rounds follow where a unit crashed.
    pub evidence_rounds: bool,
    /// The source, if it was imported.
    #[serde(serialize_with = "source")]
    #[schemars(with = "Option<Source>")]
    pub imported: Option<Imported>,
    /// What was built before it was measured, in the order of the units.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub builds: Vec<BuildFacts>,
    /// The shards of a merged run.
    #[serde(skip)]
    pub merged: Option<Merged>,
    /// The number of rounds that may fail before nothing more is started.
    #[serde(skip)]
    pub max_failures: Option<u32>,
    /// The time after which no more rounds are started, seconds.
    #[serde(skip)]
    pub time_budget: Option<f64>,
    /// The difference in rates up to which the second side counts as no worse.
    #[serde(skip)]
    pub not_worse_by: Option<f64>,
    /// What the chapters are.
    #[serde(skip)]
    pub chapters: Vec<ChapterFacts>,
    /// What the checks found before the run.
    #[serde(skip)]
    pub findings: Vec<Finding>,
    /// The SHA-256 of each measured program, by path, if known.
    #[serde(skip)]
    pub programs: BTreeMap<String, String>,
    /// The command that was given in place of a suite file.
    #[serde(skip)]
    pub given: Option<GivenCommand>,
    /// Its devices, if it has a slot for each.
    #[serde(skip)]
    pub devices: Vec<Device>,
    /// The devices of each part of the run, with the place of its `opened` record: a run that was
    /// resumed may have others.
    #[serde(skip)]
    pub(crate) parts: Vec<(u64, Vec<Device>)>,
    /// The devices that stopped working.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_failures: Vec<DeviceFailure>,
    /// A hash of what each unit runs, in the order of [`View::units`]; empty for an imported run.
    #[serde(skip)]
    pub identities: Vec<String>,
    /// The index of each chapter in `chapters`.
    #[serde(skip)]
    pub(crate) places: HashMap<String, usize>,
}

/// The build of a variant.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BuildFacts {
    /// The variant.
    pub variant: String,
    /// How long it took; `None` if an earlier build was used.
    #[serde(rename = "seconds")]
    pub secs: Option<f64>,
    /// The SHA-256 of its program, if the build made it.
    pub program: Option<String>,
    /// Why it could not be built.
    pub problem: Option<String>,
}

impl View {
    /// Whether the rounds of the run are those of a search.
    pub(crate) fn is_search(&self) -> bool {
        self.search.is_some() || self.bisection.is_some() || self.provocation.is_some()
    }
}

impl RunFacts {
    /// Whether the data may have decided the number of rounds. An imported run has a fixed number.
    pub fn optional_stopping(&self) -> OptionalStopping {
        match self.imported.is_none() && (self.ends_by_data() || !self.complete) {
            true => OptionalStopping::Possible,
            false => OptionalStopping::No,
        }
    }

    /// Whether a rule ends the run, or each of its shards, by results or by time.
    pub(crate) fn ends_by_data(&self) -> bool {
        self.stopping.is_by_data() || self.max_failures.is_some() || self.time_budget.is_some()
    }

    /// Whether attempts of one block could run at the same time.
    pub(crate) fn runs_side_by_side(&self) -> bool {
        let exceeds = |jobs: u32, devices: &[Device]| jobs > devices.len().max(1) as u32;
        match &self.merged {
            None => self.jobs.is_some_and(|jobs| exceeds(jobs, &self.devices)),
            Some(merged) => {
                let mut runs = merged.shards.iter().flat_map(|shard| &shard.each);
                runs.any(|run| exceeds(run.jobs, &run.devices))
            }
        }
    }

    /// The device that an attempt ran on, if crashrate chose it. `end` is the place of its end.
    pub(crate) fn device_of(&self, ended: &Ended, end: NonZeroU64) -> Option<&Device> {
        if let Some(merged) = &self.merged {
            return merged.device_of(ended);
        }
        let mut parts = self.parts.iter().rev();
        let (_, devices) = parts.find(|(begin, _)| *begin < end.get())?;
        devices.get(ended.device? as usize)
    }

    /// The run's label among the runs of its suite.
    pub(crate) fn label(&self) -> String {
        format!("N={}", self.number)
    }

    /// The facts of the chapter with this id.
    pub fn chapter(&self, id: &str) -> Option<&ChapterFacts> {
        self.chapters.get(*self.places.get(id)?)
    }
}

/// Where an imported run is from, in JSON.
#[derive(Serialize, JsonSchema)]
struct Source<'a> {
    /// The imported file, as named by the user.
    file: &'a str,
    /// Always false.
    measured_by_crashrate: bool,
}

fn source<S: Serializer>(imported: &Option<Imported>, serializer: S) -> Result<S::Ok, S::Error> {
    let source = imported.as_ref().map(|imported| Source {
        file: &imported.file,
        measured_by_crashrate: false,
    });
    source.serialize(serializer)
}

/// Sums over all units. A round of a sequence counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Rounds planned.
    pub planned: u32,
    /// Rounds with a recorded first attempt, whatever its outcome.
    pub rounds: u32,
    /// First attempts by outcome, including those of rounds that were run again.
    #[schemars(with = "BTreeMap<Outcome, u32>")]
    pub outcomes: Outcomes,
    /// First attempts replaced because their round was run again.
    #[schemars(with = "BTreeMap<Outcome, u32>")]
    pub run_again: Outcomes,
    /// Bad first attempts.
    pub first_attempt: Share,
    /// Bad rounds after retries.
    pub after_retries: Share,
    /// Rounds that passed in the end, including on a retry.
    pub passed_after_retries: u32,
    /// Rounds that passed only on a retry.
    pub flaky: u32,
    /// Attempts that were started and are not running, including retries.
    pub attempts: u32,
}

/// How fast rounds end since the run was last opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    /// When that was, RFC 3339.
    pub opened: String,
    /// First attempts that ended since then.
    pub rounds: u32,
    /// Seconds from then to the last record.
    pub secs: f64,
    /// Why no more rounds are started, while running attempts end.
    pub ending: Option<StopReason>,
}

/// An attempt that is running now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
