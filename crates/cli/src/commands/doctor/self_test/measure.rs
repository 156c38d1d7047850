//! Runs the catalogue in an evidence mode, in a temporary runs folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crashrate_model::{Ended, EvidenceMode, Record, StopReason};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::misbehave;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::process::RefusedCall;
use crashrate_supervisor::runner::{self, Campaign, RunEvent};
use crashrate_supervisor::suite::{Action, Suite};
use crashrate_supervisor::watching::{EvidenceChoice, Watching};
use crashrate_supervisor::worker;
use tempfile::TempDir;

use super::cases::Case;
use crate::environment::GUARDIAN;
use crate::error::{Exit, Failure};
use crate::output::note;
use crate::signals::StopWatch;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
const STOPPED: &str = "the self-test was stopped";

/// The catalogue as the plan of a run.
pub(super) struct SelfTest {
    program: PathBuf,
    folder: TempDir,
    plan: Plan,
    cases: Vec<&'static Case>,
    watch: StopWatch,
}

/// The results of an evidence mode.
pub(super) struct Measured {
    pub(super) mode: EvidenceMode,
    /// The rows, or why the mode is not possible here.
    pub(super) rows: Result<Vec<Row>, String>,
}

/// A case in an evidence mode.
pub(super) struct Row {
    pub(super) case: &'static Case,
    /// `None` if the result was lost.
    pub(super) ended: Option<Ended>,
    pub(super) is_as_expected: bool,
}

/// The results of the self-test.
pub(super) struct Report {
    pub(super) machine: BTreeMap<String, String>,
    pub(super) refused: Vec<RefusedCall>,
    pub(super) cases: Vec<&'static Case>,
    pub(super) modes: Vec<Measured>,
}

impl Report {
    pub(super) fn is_as_expected(&self) -> bool {
        let is_blocked = self.refused.iter().any(|call| call.without.is_none());
        !is_blocked && self.modes.iter().all(Measured::is_as_expected)
    }
}

impl Measured {
    /// True also for a mode that is not possible here.
    fn is_as_expected(&self) -> bool {
        let rows = self.rows.iter().flatten();
        rows.into_iter().all(|row| row.is_as_expected)
    }
}

impl SelfTest {
    pub(super) fn new(program: PathBuf, cases: &[&'static Case]) -> Result<SelfTest, Failure> {
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::new(
                Exit::Journal,
                format!("a temporary folder cannot be made: {error}"),
            )
        })?;
        let suite = suite(&program, folder.path(), cases)?;
        let plan = Plan::new(suite, &Selection::default(), 1).map_err(Failure::usage)?;
        Ok(SelfTest {
            watch: StopWatch::new(&plan),
            program,
            folder,
            plan,
            cases: cases.to_vec(),
        })
    }

    /// Runs every case once in this mode.
    pub(super) fn measure(
        &self,
        mode: EvidenceMode,
        choice: EvidenceChoice,
    ) -> Result<Measured, Failure> {
        let guardian = (self.program.as_path(), GUARDIAN);
        let watching = match Watching::choose(choice, &self.plan, guardian, false) {
            Ok(watching) => watching,
            Err(why) => {
                let flag = format!("--evidence {mode}: ");
                let why = why.strip_prefix(&flag).unwrap_or(&why).to_owned();
                let rows = Err(why);
                return Ok(Measured { mode, rows });
            }
        };
        note(format_args!(
            "self-test: {} programs with --evidence {mode}",
            self.cases.len()
        ));
        let campaign = self.campaign(watching)?;
        let runs = self.folder.path();
        let folder = RunFolder::create(runs, &self.plan.suite.name, None)?;
        let stopped = runner::run(&campaign, &folder, &mut |event| match event {
            RunEvent::Record(Record::Started(_)) => self.watch.run_started(),
            RunEvent::Trouble(why) => note(why),
            _ => {}
        });
        self.watch.run_ended(STOPPED.to_owned());
        if stopped? != StopReason::Done {
            return Err(Failure::new(Exit::Incomplete, STOPPED));
        }
        let mut ends = ends(&folder, self.cases.len())?;
        let rows = self.cases.iter().zip(&mut ends).map(|(&case, end)| {
            let ended = end.take();
            let is_expected = |ended: &Ended| {
                // An attempt that was watched differently says nothing about the mode.
                ended.evidence.is_none() && case.expected(mode).is_met(ended)
            };
            Row {
                case,
                is_as_expected: ended.as_ref().is_some_and(is_expected),
                ended,
            }
        });
        let rows = Ok(rows.collect());
        Ok(Measured { mode, rows })
    }

    fn campaign(&self, watching: Watching) -> Result<Campaign, Failure> {
        let beside = self.program.parent().unwrap_or(Path::new("/"));
        let plan = self.plan.clone();
        let workers = worker::prepare(&plan, None, beside).map_err(Failure::usage)?;
        let guardian = (self.program.clone(), GUARDIAN);
        Ok(Campaign {
            watching,
            ..Campaign::new(plan, workers, guardian)
        })
    }
}

/// A chapter for each case. Each runs in a fresh directory, where core dumps are safe.
fn suite(program: &Path, folder: &Path, cases: &[&Case]) -> Result<Suite, Failure> {
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
    suite.chapters = (cases.iter())
        .map(|case| {
            let mut chapter = template.clone();
            chapter.id = case.kind.to_owned();
            chapter.action = Action::Command(command(case.kind));
            chapter.timing.timeout = case.limit;
            chapter.timing.grace = GRACE;
            chapter.timing.directory = folder.to_owned();
            chapter.process.fresh_directory = true;
            chapter
        })
        .collect();
    Ok(suite)
}

/// The end of each unit, in the order of the plan.
fn ends(folder: &RunFolder, units: usize) -> Result<Vec<Option<Ended>>, Failure> {
    let path = folder.journal();
    let failure = |error| Failure::new(Exit::Journal, error);
    let mut ends = Vec::new();
    ends.resize_with(units, || None);
    for record in journal::read(&path).map_err(failure)? {
        if let Record::Ended(ended) = record.map_err(failure)?
            && let Some(end) = ends.get_mut(ended.unit as usize)
        {
            *end = Some(*ended);
        }
    }
    Ok(ends)
}
