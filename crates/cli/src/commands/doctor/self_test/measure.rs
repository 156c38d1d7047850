//! Runs the catalogue in each evidence mode, in a temporary runs folder.

use std::path::Path;
use std::time::Duration;

use crashrate_model::{Ended, EvidenceMode, Record, StopReason};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::misbehave;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::runner::{self, Campaign, RunEvent};
use crashrate_supervisor::suite::{Action, Suite};
use crashrate_supervisor::watching::{EvidenceChoice, Watching};
use crashrate_supervisor::worker;
use serde::{Serialize, Serializer};

use super::cases::Case;
use crate::environment::GUARDIAN;
use crate::error::{Exit, Failure};
use crate::output::note;
use crate::signals::StopWatch;

/// The modes, in the order of the table.
const MODES: [(EvidenceMode, EvidenceChoice); 3] = [
    (EvidenceMode::Core, EvidenceChoice::Core),
    (EvidenceMode::Trace, EvidenceChoice::Trace),
    (EvidenceMode::None, EvidenceChoice::None),
];
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
const STOPPED: &str = "the self-test was stopped";

/// The results of an evidence mode.
pub(super) struct Measured {
    pub(super) mode: EvidenceMode,
    /// The rows, or why the mode is not possible here.
    pub(super) rows: Result<Vec<Row>, String>,
}

/// A case in an evidence mode, as the JSON has it.
#[derive(Serialize)]
pub(super) struct Row {
    #[serde(rename = "case")]
    pub(super) kind: String,
    pub(super) about: String,
    pub(super) as_expected: bool,
    pub(super) expected: String,
    pub(super) outcome: &'static str,
    /// How the attempt was watched; `None` if its result was lost.
    pub(super) watched: Option<EvidenceMode>,
    #[serde(serialize_with = "as_text")]
    pub(super) exit: Option<crashrate_model::Exit>,
    pub(super) reason: Option<String>,
    pub(super) notes: Vec<String>,
    pub(super) exception: Option<String>,
}

fn as_text<S: Serializer>(exit: &Option<crashrate_model::Exit>, to: S) -> Result<S::Ok, S::Error> {
    match exit {
        Some(exit) => to.collect_str(exit),
        None => to.serialize_none(),
    }
}

/// Runs every case once in each mode. A worker may be in the folder `beside`.
pub(super) fn measure(
    program: &Path,
    beside: &Path,
    cases: &[Case],
) -> Result<Vec<Measured>, Failure> {
    let folder = tempfile::tempdir().map_err(|error| {
        let text = format!("a temporary folder cannot be made: {error}");
        Failure::new(Exit::Journal, text)
    })?;
    let suite = suite(program, folder.path(), cases)?;
    let plan = Plan::new(suite, &Selection::default(), 1).map_err(Failure::usage)?;
    let workers = worker::prepare(&plan, None, beside).map_err(Failure::usage)?;
    let mut campaign = Campaign::new(plan, workers, (program.to_owned(), GUARDIAN));
    let watch = StopWatch::new(&campaign.plan);
    let mut modes = Vec::new();
    for (mode, choice) in MODES {
        let rows = match Watching::choose(choice, &campaign.plan, (program, GUARDIAN), false) {
            Ok(watching) => {
                campaign.watching = watching;
                let count = cases.len();
                note(format_args!(
                    "self-test: {count} programs with --evidence {mode}"
                ));
                let ends = run(&campaign, folder.path(), &watch)?;
                let rows = cases.iter().zip(ends);
                Ok(rows.map(|(case, ended)| row(case, ended, mode)).collect())
            }
            Err(why) => {
                let flag = format!("--evidence {mode}: ");
                Err(why.strip_prefix(&flag).unwrap_or(&why).to_owned())
            }
        };
        modes.push(Measured { mode, rows });
    }
    Ok(modes)
}

fn row(case: &Case, ended: Option<Ended>, mode: EvidenceMode) -> Row {
    let ended = ended.as_ref();
    let expected = case.expected(mode);
    // An attempt that was watched differently says nothing about the mode.
    let is_expected = |ended: &Ended| ended.evidence.is_none() && expected.is_met(ended);
    Row {
        kind: case.kind.clone(),
        about: case.about.clone(),
        as_expected: ended.is_some_and(is_expected),
        expected: expected.words(),
        outcome: ended.map_or("lost", |ended| ended.outcome.word()),
        watched: ended.map(|ended| ended.evidence.unwrap_or(mode)),
        exit: ended.and_then(Ended::exit).cloned(),
        reason: ended.and_then(|ended| ended.reason.clone()),
        notes: ended.map_or_else(Vec::new, |ended| ended.notes.clone()),
        exception: case.exception(mode).map(str::to_owned),
    }
}

/// A chapter for each case. Each runs in a fresh directory, where core dumps are safe.
fn suite(program: &Path, folder: &Path, cases: &[Case]) -> Result<Suite, Failure> {
    let program = program.to_str().ok_or_else(|| {
        let shown = program.display();
        Failure::usage(format!(
            "the path of this program is not UTF-8: {shown}; copy it elsewhere"
        ))
    })?;
    let command = |kind: &str| misbehave::command(program, kind);
    let mut suite = Suite::of_command(&command("pass"), 1)?;
    suite.name = format!("self-test-{}", std::process::id());
    let template = suite.chapters.remove(0);
    for case in cases {
        let mut chapter = template.clone();
        chapter.id = case.kind.clone();
        chapter.action = Action::Command(command(&case.kind));
        chapter.timing.timeout = Duration::from_secs(case.limit);
        chapter.timing.grace = GRACE;
        chapter.timing.directory = folder.to_owned();
        chapter.process.fresh_directory = true;
        suite.chapters.push(chapter);
    }
    Ok(suite)
}

/// Runs the campaign and returns the end of each unit, in the order of the plan.
fn run(campaign: &Campaign, runs: &Path, watch: &StopWatch) -> Result<Vec<Option<Ended>>, Failure> {
    let folder = RunFolder::create(runs, &campaign.plan.suite.name, None)?;
    let stopped = runner::run(campaign, &folder, &mut |event| match event {
        RunEvent::Record(Record::Started(_)) => watch.run_started(),
        RunEvent::Trouble(why) => note(why),
        _ => {}
    });
    watch.run_ended(STOPPED.to_owned());
    if stopped? != StopReason::Done {
        return Err(Failure::new(Exit::Incomplete, STOPPED));
    }
    let failure = |error| Failure::new(Exit::Journal, error);
    let mut ends = vec![None; campaign.plan.units.len()];
    for record in journal::read(&folder.journal()).map_err(failure)? {
        if let Record::Ended(ended) = record.map_err(failure)? {
            let unit = ended.unit as usize;
            ends[unit] = Some(*ended);
        }
    }
    Ok(ends)
}
