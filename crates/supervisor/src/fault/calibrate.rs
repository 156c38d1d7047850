//! Finding the dose of a fault, by runs of a few rounds each.
//!
//! These runs have their own runs folder, so that no report counts them. Their journals are read
//! again at each step, so a stopped calibration continues where it was.

use std::path::{Path, PathBuf};

use crashrate_model::{
    ALPHA, Calibration, CalibrationRule, CalibrationStep, Mode, Outcome, Record, Stopping,
};
use crashrate_protocol::Fault;
use crashrate_stats::{DoseFinding, StatsError};
use thiserror::Error;

use super::{MAX_DOSE, PASS, ROUNDS};
use crate::journal::{self, FolderError, JournalError, RunFolder};
use crate::plan::{Plan, PlanError, Selection};
use crate::runner::Campaign;
use crate::suite::Suite;
use crate::watching::Watching;

/// Where a run keeps the runs of its calibration.
pub const FOLDER: &str = "calibration";

/// Whether the run in this folder calibrates its fault before it measures. The runs of `crashrate
/// calibrate` only calibrate: they have nothing to resume.
pub(crate) fn is_part_of_run(folder: &Path) -> bool {
    let id = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.join(FOLDER).is_dir() && !id.contains(&format!("-{FOLDER}-"))
}
/// Rounds in a row with the same dose.
const COHORT: u32 = 4;

/// A calibration that cannot continue.
#[derive(Debug, Error)]
pub enum CalibrateError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its rounds cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The rule is not valid.
    #[error("the calibration: {0}")]
    Rule(#[from] StatsError),
    /// There is no sequence to run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The worker cannot be measured.
    #[error("the calibration cannot continue: the worker could not be measured: {0}")]
    Void(String),
}

/// The next step of a calibration.
#[derive(Debug)]
pub enum Next {
    /// Run these rounds, then ask for the next step.
    Cohort {
        /// The rounds.
        campaign: Box<Campaign>,
        /// Their folder.
        folder: RunFolder,
        /// Number of rounds that ran before.
        done: u32,
    },
    /// The dose is found; the campaign has it now.
    Found(Calibration),
}

/// The results of a calibration so far.
struct Known {
    steps: Vec<CalibrationStep>,
    /// A worker reported a device that the fault is not injected on.
    elsewhere: bool,
    void: Option<String>,
}

/// Asks for a calibration of a suite's fault, by the suite's rule except for what is given.
///
/// # Errors
/// The suite has no fault, or no sequence to calibrate it by: a plain sentence.
pub fn require(
    suite: &mut Suite,
    pass: Option<f64>,
    rounds: Option<u32>,
) -> Result<(), &'static str> {
    let Some(fault) = &mut suite.fault else {
        return Err("the suite has no [fault] to calibrate");
    };
    if suite.sequences.is_empty() {
        return Err("the suite has no [[sequence]] to calibrate its fault by");
    }
    fault.injected.dose = fault.injected.dose.max(1);
    let rule = fault.calibrate.get_or_insert(CalibrationRule {
        pass: PASS,
        rounds: ROUNDS,
    });
    rule.pass = pass.unwrap_or(rule.pass);
    rule.rounds = rounds.unwrap_or(rule.rounds);
    Ok(())
}

/// Takes the next step in the calibration of a campaign's fault; `runs` is the folder of its runs.
/// Returns `None` if there is nothing to calibrate.
///
/// # Errors
/// The rounds so far cannot be read, or another cohort cannot be planned.
pub fn next(campaign: &mut Campaign, runs: &Path) -> Result<Option<Next>, CalibrateError> {
    let suite = &campaign.plan.suite;
    let Some(fault) = &suite.fault else {
        return Ok(None);
    };
    let Some(rule) = fault.calibrate.clone() else {
        return Ok(None);
    };
    let sequence = suite.sequences.first().map(|s| s.id.clone());
    let sequence = sequence.unwrap_or_default();
    let known = known(&journal::list(runs)?, &fault.injected)?;
    if let Some(why) = known.void {
        return Err(CalibrateError::Void(why));
    }
    let mut finding = DoseFinding::new(rule.pass, fault.injected.dose)?;
    for step in &known.steps {
        (0..step.of).for_each(|n| finding.push(step.dose, n < step.passed));
    }
    let done = known.steps.iter().map(|step| step.of).sum();
    let dose = finding.amount().min(MAX_DOSE);
    if done < rule.rounds && !known.elsewhere {
        let rounds = COHORT.min(rule.rounds - done);
        return Ok(Some(Next::Cohort {
            campaign: Box::new(cohort(campaign, &sequence, dose, done, rounds)?),
            folder: RunFolder::create(runs, &suite.name, None)?,
            done,
        }));
    }
    let interval = finding.interval(dose, ALPHA)?;
    let calibration = Calibration {
        rule,
        sequence,
        steps: known.steps,
        interval: (!known.elsewhere).then_some((interval.lo, interval.hi)),
    };
    if let Some(fault) = &mut campaign.plan.suite.fault {
        fault.fix(dose);
        fault.calibration = Some(calibration.clone());
    }
    Ok(Some(Next::Found(calibration)))
}

/// A few rounds of the sequence with this dose. Always with `carry_over`, so that a run with it and
/// a run without it have the same dose.
fn cohort(
    campaign: &Campaign,
    sequence: &str,
    dose: u32,
    done: u32,
    rounds: u32,
) -> Result<Campaign, CalibrateError> {
    let mut suite = campaign.plan.suite.clone();
    suite.sequences.retain(|s| s.id == sequence);
    suite.gates.clear();
    suite.recommendations.clear();
    for sequence in &mut suite.sequences {
        sequence.retries = 0;
    }
    if let Some(fault) = &mut suite.fault {
        fault.fix(dose);
        fault.injected.carry_over = true;
    }
    let selection = Selection {
        mode: Some(Mode::Sequential),
        rounds: Some(rounds),
        // Only a planned variant: the files of others may be missing.
        variants: vec![campaign.plan.units[0].suite_variant().to_owned()],
        ..Selection::default()
    };
    // Seeds that differ from those of the counted rounds, and repeat if the run is repeated.
    let seed = campaign.plan.seed ^ u64::from(done + 1) << 32;
    let mut bounds = campaign.bounds;
    bounds.slots = 1;
    bounds.max_failures = None;
    Ok(Campaign {
        plan: Plan::new(suite, &selection, seed & ((1 << 53) - 1))?,
        stopping: Stopping::FixedRounds,
        bounds,
        time_budget: None,
        findings: Vec::new(),
        watching: Watching {
            rounds: false,
            ..campaign.watching.clone()
        },
        ..campaign.clone()
    })
}

fn known(runs: &[PathBuf], fault: &Fault) -> Result<Known, JournalError> {
    let mut known = Known {
        steps: Vec::new(),
        elsewhere: false,
        void: None,
    };
    for run in runs {
        let path = run.join(journal::JOURNAL);
        if path.exists() {
            let mut step = CalibrationStep {
                dose: 0,
                passed: 0,
                of: 0,
            };
            for record in journal::read(&path)? {
                push(&mut known, &mut step, &record?, fault);
            }
            merge(&mut known.steps, step);
        }
    }
    Ok(known)
}

fn push(known: &mut Known, step: &mut CalibrationStep, record: &Record, fault: &Fault) {
    match record {
        Record::Opened(opened) => {
            let dose = opened
                .run
                .fault
                .as_ref()
                .and_then(|fault| fault["dose"].as_u64());
            step.dose = dose.and_then(|dose| dose.try_into().ok()).unwrap_or(0);
        }
        Record::Hello(hello) => {
            let kind = hello.device.split(':').next().unwrap_or_default();
            known.elsewhere |= !fault.on.iter().any(|on| on == kind);
        }
        Record::Ended(ended) if ended.outcome.counts() => {
            step.of += 1;
            step.passed += u32::from(ended.outcome == Outcome::Passed);
        }
        Record::Ended(ended) if ended.outcome == Outcome::NotStarted => {
            let reason = ended.reason.clone();
            known.void = reason.or_else(|| Some("it was not started".into()));
        }
        Record::Ended(_)
        | Record::Started(_)
        | Record::Evidence(_)
        | Record::Zygote(_)
        | Record::Built(_)
        | Record::DeviceFailed(_)
        | Record::Ending(_)
        | Record::Minimized(_)
        | Record::Bisected(_)
        | Record::Provoked(_)
        | Record::Closed(_) => {}
    }
}

/// Cohorts with the same dose are one step.
fn merge(steps: &mut Vec<CalibrationStep>, step: CalibrationStep) {
    match steps.last_mut() {
        _ if step.of == 0 => {}
        Some(last) if last.dose == step.dose => {
            last.passed += step.passed;
            last.of += step.of;
        }
        _ => steps.push(step),
    }
}
