//! Compares a plan file with what a machine would run.

use std::path::Path;

use crashrate_model::Unit;

use super::{PlanFile, PlanFileError, programs};
use crate::plan::Plan;
use crate::request::RunRequest;
use crate::worker::Workers;

impl PlanFile {
    /// Checks that this machine has the directories and the programs that were planned.
    ///
    /// # Errors
    /// One of them is missing, or a program is another one.
    pub fn check_programs(&self, plan: &Plan, workers: &Workers) -> Result<(), PlanFileError> {
        if let Some(missing) = directories(plan).find(|path| !path.is_dir()) {
            return Err(PlanFileError::Directory {
                path: self.path.clone(),
                directory: missing.to_owned(),
            });
        }
        let here = programs(plan, workers);
        for (program, planned) in &self.programs {
            let found = here.get(program);
            if found != Some(planned) {
                return Err(PlanFileError::Program {
                    path: self.path.clone(),
                    program: program.clone(),
                    planned: planned.clone(),
                    found: found.cloned(),
                });
            }
        }
        match here
            .into_keys()
            .find(|one| !self.programs.contains_key(one))
        {
            Some(program) => Err(PlanFileError::Unplanned {
                path: self.path.clone(),
                program,
            }),
            None => Ok(()),
        }
    }

    /// Checks that a request, planned with the seed of the file, is the one in the file.
    ///
    /// # Errors
    /// It has another suite or other options.
    pub fn check_request(&self, request: &RunRequest) -> Result<(), PlanFileError> {
        let file = &self.request;
        let parts = [
            (
                "the suite differs",
                file.plan.fingerprint() == request.plan.fingerprint()
                    && file.plan.suite.baseline == request.plan.suite.baseline,
            ),
            (
                "the stopping rule differs",
                file.stopping == request.stopping,
            ),
            (
                "the margin differs",
                file.not_worse_by == request.not_worse_by,
            ),
            (
                "the number of jobs differs",
                file.chooses_devices() || file.jobs == request.jobs,
            ),
            (
                "the choice of evidence differs",
                file.evidence == request.evidence,
            ),
        ];
        let unlike = parts.into_iter().find(|(_, is_same)| !is_same);
        let has_seed = file.plan.seed == request.plan.seed;
        let what = (!has_seed)
            .then(|| "the seed differs".to_owned())
            .or_else(|| unit_difference(&file.plan.units, &request.plan.units))
            .or_else(|| directory_difference(&file.plan, &request.plan))
            .or_else(|| unlike.map(|(what, _)| what.to_owned()));
        match what {
            Some(what) => Err(PlanFileError::OtherPlan {
                path: self.path.clone(),
                what,
            }),
            None => Ok(()),
        }
    }
}

/// The directories in which chapters and sequences run.
fn directories(plan: &Plan) -> impl Iterator<Item = &Path> {
    let chapters = plan.suite.chapters.iter();
    let of_chapters = chapters.map(|chapter| &*chapter.timing.directory);
    of_chapters.chain([&*plan.suite.sequence_timing.directory])
}

/// The first directory that differs.
fn directory_difference(planned: &Plan, here: &Plan) -> Option<String> {
    let mut pairs = directories(planned).zip(directories(here));
    let (planned, here) = pairs.find(|(planned, here)| planned != here)?;
    Some(format!(
        "the directory is {} in the plan and {} here",
        planned.display(),
        here.display()
    ))
}

/// The first unit that differs between the plan file and this machine's plan.
fn unit_difference(planned: &[Unit], here: &[Unit]) -> Option<String> {
    let name = |unit: &Unit| format!("`{}` ({}, {})", unit.name, unit.mode, unit.variant);
    let is_same_unit = |a: &Unit, b: &Unit| {
        (&a.name, a.mode, &a.variant, a.spawn) == (&b.name, b.mode, &b.variant, b.spawn)
    };
    let has = |units: &[Unit], unit: &Unit| units.iter().any(|other| is_same_unit(other, unit));
    if let Some(unit) = here.iter().find(|unit| !has(planned, unit)) {
        return Some(format!("{} is not in the plan", name(unit)));
    }
    if let Some(unit) = planned.iter().find(|unit| !has(here, unit)) {
        return Some(format!("{} is in the plan and not here", name(unit)));
    }
    let (planned, here) = planned.iter().zip(here).find(|(a, b)| a != b)?;
    Some(match planned.rounds == here.rounds {
        false => format!(
            "{} has {} in the plan and {} here",
            name(planned),
            rounds(planned.rounds),
            here.rounds
        ),
        true => format!("{} differs", name(planned)),
    })
}

fn rounds(n: u32) -> String {
    match n {
        1 => "1 round".to_owned(),
        n => format!("{n} rounds"),
    }
}
