//! Runs the catalogue under an evidence mode, in a temporary runs folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crashrate_model::{Ended, EvidenceMode, Record, StopReason};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::misbehave;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::runner::{self, Campaign, RunEvent};
use crashrate_supervisor::suite::{Action, Suite};
use crashrate_supervisor::watching::{EvidenceChoice, Watching};
use crashrate_supervisor::worker;
use tempfile::TempDir;

use super::cases::Case;
use crate::exit::{Exit, Failure};
use crate::guardian;
use crate::inspect::{folder_failure, suite_failure};
use crate::run::run_failure;
use crate::screen::tell;
use crate::stop::StopWatch;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
const STOPPED: &str = "the self-test was stopped";

/// The catalogue as a plan.
pub(super) struct SelfTest {
    program: PathBuf,
    folder: TempDir,
    plan: Plan,
    cases: Vec<&'static Case>,
    watch: StopWatch,
}

/// The catalogue under an evidence mode.
pub(super) struct Measured {
    pub(super) mode: EvidenceMode,
    /// The rows of the table, or why the mode is not possible here.
    pub(super) rows: Result<Vec<Row>, String>,
}

/// A case under an evidence mode.
pub(super) struct Row {
    pub(super) case: &'static Case,
    /// Its end; nothing if its result was lost.
    pub(super) ended: Option<Ended>,
    pub(super) is_as_expected: bool,
}

impl Measured {
    /// Whether every row is. A mode that is not possible here has none.
    pub(super) fn is_as_expected(&self) -> bool {
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

    /// Runs every case once under this mode.
    pub(super) fn measure(
        &self,
        mode: EvidenceMode,
        choice: EvidenceChoice,
    ) -> Result<Measured, Failure> {
        let guardian = (self.program.as_path(), guardian::ARGUMENTS);
        let watching = match Watching::choose(choice, &self.plan, guardian, false) {
            Ok(watching) => watching,
            Err(why) => {
                let flag = format!("--evidence {mode}: ");
                let why = why.strip_prefix(&flag).unwrap_or(&why).to_owned();
                let rows = Err(why);
                return Ok(Measured { mode, rows });
            }
        };
        tell(format_args!(
            "self-test: {} programs with --evidence {mode}",
            self.cases.len()
        ));
        let campaign = self.campaign(watching)?;
        let runs = self.folder.path();
        let folder =
            RunFolder::create(runs, &self.plan.suite.name, None).map_err(folder_failure)?;
        let done = runner::run(&campaign, &folder, &mut |fact| match fact {
            RunEvent::Record(Record::Started(_)) => self.watch.running(),
            RunEvent::Trouble(why) => tell(why),
            _ => {}
        });
        self.watch.ended(STOPPED.to_owned());
        match done.map_err(run_failure)? {
            StopReason::Done => {}
            _ => return Err(Failure::new(Exit::Incomplete, STOPPED)),
        }
        let mut ends = ends(&folder, self.cases.len())?;
        let rows = self.cases.iter().zip(&mut ends).map(|(&case, end)| {
            let ended = end.take();
            let is_right = |ended: &Ended| {
                // Watched as the run's other attempts, or the row says nothing about the mode.
                ended.evidence.is_none() && case.expected(mode).is_met(ended)
            };
            Row {
                case,
                is_as_expected: ended.as_ref().is_some_and(is_right),
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
        let guardian = (self.program.clone(), guardian::ARGUMENTS);
        Ok(Campaign {
            watching,
            ..Campaign::new(plan, workers, guardian)
        })
    }
}

/// A chapter for each case, in its order, each in an empty directory of its own: core dumps are safe there.
fn suite(program: &Path, folder: &Path, cases: &[&Case]) -> Result<Suite, Failure> {
    let program = program.to_str().ok_or_else(|| {
        let shown = program.display();
        Failure::usage(format!(
            "the path of this program is not UTF-8: {shown}; copy it elsewhere"
        ))
    })?;
    let command = |kind: &str| misbehave::command(program, kind);
    let mut suite = Suite::of_command(&command("pass"), 1).map_err(suite_failure)?;
    suite.name = format!("self-test-{}", std::process::id());
    let usual = suite.chapters.remove(0);
    suite.chapters = (cases.iter())
        .map(|case| {
            let mut chapter = usual.clone();
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

/// The ends of a run's units, in their order.
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
