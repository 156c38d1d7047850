//! How evidence of crashes is collected: what the user chose, and what this machine allows.

use std::path::Path;
use std::sync::Arc;

use crashrate_model::{EvidenceMode, Finding, Perturbation, Perturbations, RunInfo};
use serde::{Deserialize, Serialize};

use crate::doctor;
use crate::plan::Plan;
use crate::process::{self, CoreFiles, StackCapture};
use crate::suite::ById;

/// The user's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceChoice {
    /// Measured rounds are not traced. Evidence comes from core dumps where those are safe, else
    /// from evidence rounds.
    #[default]
    Auto,
    /// The kernel's core dumps.
    Core,
    /// A tracer for every attempt.
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
    /// How measured rounds are watched.
    pub mode: EvidenceMode,
    /// Whether traced evidence rounds, which are not counted, follow where a unit crashed.
    pub rounds: bool,
    /// What is done to see the stacks of processes.
    pub stack_capture: StackCapture,
    /// Where the kernel writes core dumps.
    pub(crate) cores: Option<Arc<CoreFiles>>,
    /// Findings about evidence, for the run's record.
    pub(crate) findings: Vec<Finding>,
}

impl Watching {
    /// Applies a choice to this machine. `guardian` is the program that tracing is tried with;
    /// `keeps_cores` says whether the run keeps core dumps.
    ///
    /// # Errors
    /// The choice is not possible here: a plain sentence.
    pub fn choose(
        choice: EvidenceChoice,
        plan: &Plan,
        guardian: (&Path, &[&str]),
        keeps_cores: bool,
    ) -> Result<Watching, String> {
        if keeps_cores && matches!(choice, EvidenceChoice::Trace | EvidenceChoice::None) {
            return Err("--core-dumps needs --evidence core or auto".to_owned());
        }
        can_perturb(plan, guardian)?;
        match choice {
            EvidenceChoice::None => Ok(Watching::default()),
            EvidenceChoice::Core => by_core(plan)
                .map(with_cores)
                .map_err(|why| format!("--evidence core: {why}")),
            EvidenceChoice::Trace => match process::can_trace(guardian) {
                Ok(()) => Ok(Watching {
                    mode: EvidenceMode::Trace,
                    stack_capture: StackCapture::Trace,
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

/// Whether the perturbations of the plan are possible here. One that changes nothing would make its
/// rounds look like proof.
fn can_perturb(plan: &Plan, guardian: (&Path, &[&str])) -> Result<(), String> {
    let all = plan.units.iter().map(|unit| unit.perturb);
    let all = all.fold(Perturbations::NONE, Perturbations::and);
    if all.contains(Perturbation::Crowd) && !process::PINS {
        return Err("--perturb crowd: this system cannot pin processes to a core".to_owned());
    }
    if !all.needs_tracer() {
        return Ok(());
    }
    let traced: Perturbations = all.iter().filter(|one| one.needs_tracer()).collect();
    if !process::TRACES {
        return Err(format!(
            "--perturb {traced}: a tracer does that, and crashrate has one for Linux only; use \
             malloc here"
        ));
    }
    process::can_trace(guardian).map_err(|why| {
        format!(
            "--perturb {traced}: a tracer does that, and processes cannot be traced here: {why}; in \
             a container allow SYS_PTRACE, or set kernel.yama.ptrace_scope to 0 or 1"
        )
    })
}

fn auto(plan: &Plan, guardian: (&Path, &[&str]), keeps_cores: bool) -> Watching {
    let traceable = process::can_trace(guardian);
    let mut watching = match by_core(plan) {
        // A process may change its directory; with a relative pattern its dump would be missed.
        Ok(cores) if cores.is_absolute() || keeps_cores => with_cores(cores),
        Err(why) if keeps_cores => {
            tracing::warn!("--core-dumps: none is kept: {why}");
            Watching::default()
        }
        _ => Watching::default(),
    };
    watching.rounds = traceable.is_ok();
    watching.stack_capture = match traceable {
        Ok(()) => StackCapture::Hangs,
        Err(_) => StackCapture::None,
    };
    if process::TRACES {
        watching.findings.push(doctor::tracing(&traceable));
    }
    if let Err(why) = traceable
        && watching.mode == EvidenceMode::None
        && process::TRACES
    {
        tracing::warn!("crashes will have no stack: processes cannot be traced here ({why})");
    }
    watching
}

fn by_core(plan: &Plan) -> Result<CoreFiles, String> {
    let by_id = ById::of(&plan.suite);
    let mut settings = plan.units.iter().filter_map(|unit| by_id.settings(unit));
    CoreFiles::find(settings.all(|settings| settings.process.fresh_directory))
}

fn with_cores(cores: CoreFiles) -> Watching {
    Watching {
        mode: EvidenceMode::Core,
        stack_capture: StackCapture::Hangs,
        cores: Some(Arc::new(cores)),
        ..Watching::default()
    }
}
