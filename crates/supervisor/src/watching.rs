//! How attempts are watched for evidence of their deaths: the user's choice, and what this machine
//! allows.

use std::path::Path;
use std::sync::Arc;

use crashrate_model::{EvidenceMode, Finding, Mode, RunInfo};

use crate::doctor;
use crate::plan::Plan;
use crate::process::{self, CoreFiles};

/// The user's choice (`--evidence`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvidenceChoice {
    /// Counted rounds are not traced. Evidence comes from core dumps where those are safe, else
    /// from evidence rounds.
    #[default]
    Auto,
    /// Core dumps.
    Core,
    /// Every attempt is traced.
    Trace,
    /// No evidence.
    None,
}

impl EvidenceChoice {
    /// The choice with which a run began.
    pub(crate) fn of_run(run: &RunInfo) -> EvidenceChoice {
        match (run.evidence, run.evidence_rounds) {
            (EvidenceMode::Trace, _) => EvidenceChoice::Trace,
            (EvidenceMode::Core, _) => EvidenceChoice::Core,
            (EvidenceMode::None, true) => EvidenceChoice::Auto,
            (EvidenceMode::None, false) => EvidenceChoice::None,
        }
    }
}

/// How attempts are watched.
#[derive(Clone, Debug, Default)]
pub struct Watching {
    /// How counted rounds are watched.
    pub mode: EvidenceMode,
    /// Whether evidence rounds follow if a unit crashed.
    pub rounds: bool,
    /// Whether stacks are read before a process is killed at its time limit.
    pub captures_hangs: bool,
    /// Finds core dumps.
    pub(crate) cores: Option<Arc<CoreFiles>>,
    /// What limits the evidence here.
    pub(crate) findings: Vec<Finding>,
}

impl Watching {
    /// Applies a choice to this machine. Starts the program `guardian` to find out whether
    /// processes can be traced.
    ///
    /// # Errors
    /// The choice is not possible here; says why.
    pub fn choose(
        choice: EvidenceChoice,
        plan: &Plan,
        guardian: (&Path, &[&str]),
        keeps_cores: bool,
    ) -> Result<Watching, String> {
        if keeps_cores && matches!(choice, EvidenceChoice::Trace | EvidenceChoice::None) {
            return Err("--core-dumps needs --evidence core or auto".to_owned());
        }
        match choice {
            EvidenceChoice::None => Ok(Watching::default()),
            EvidenceChoice::Core => by_core(plan)
                .map(with_cores)
                .map_err(|why| format!("--evidence core: {why}")),
            EvidenceChoice::Trace => match process::can_trace(guardian) {
                Ok(()) => Ok(Watching {
                    mode: EvidenceMode::Trace,
                    captures_hangs: true,
                    ..Watching::default()
                }),
                Err(why) => Err(format!(
                    "--evidence trace: processes cannot be traced here: {why}; in a container \
                     allow SYS_PTRACE, or set kernel.yama.ptrace_scope to 0 or 1"
                )),
            },
            EvidenceChoice::Auto => Ok(auto(plan, guardian, keeps_cores)),
        }
    }
}

fn auto(plan: &Plan, guardian: (&Path, &[&str]), keeps_cores: bool) -> Watching {
    let traceable = process::can_trace(guardian);
    let mut watching = match by_core(plan) {
        // A process may change its directory, and a dump with a relative path would not be found.
        Ok(cores) if cores.is_absolute() || keeps_cores => with_cores(cores),
        Ok(_) => Watching::default(),
        Err(why) => {
            if keeps_cores {
                tracing::warn!("--core-dumps: no core dump is kept: {why}");
            }
            Watching::default()
        }
    };
    watching.rounds = traceable.is_ok();
    watching.captures_hangs = traceable.is_ok();
    if let Err(why) = traceable
        && watching.mode == EvidenceMode::None
        && process::TRACES
    {
        tracing::warn!(
            "crashes have no stack in this run: processes cannot be traced here ({why})"
        );
        watching.findings.push(doctor::not_traced(&why));
    }
    watching
}

fn by_core(plan: &Plan) -> Result<CoreFiles, String> {
    let suite = &plan.suite;
    let fresh = plan.units.iter().all(|unit| {
        let chapter = unit.chapters.first().and_then(|id| suite.chapter(id));
        match unit.mode {
            Mode::Isolated => chapter.is_some_and(|c| c.process.fresh_directory),
            Mode::Sequential => suite.process.fresh_directory,
        }
    });
    CoreFiles::find(fresh)
}

fn with_cores(cores: CoreFiles) -> Watching {
    Watching {
        mode: EvidenceMode::Core,
        captures_hangs: true,
        cores: Some(Arc::new(cores)),
        ..Watching::default()
    }
}
