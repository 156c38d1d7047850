//! Compares a plan file with what a machine would run.

use super::{PlanFile, PlanFileError, programs};
use crate::plan::Plan;
use crate::request::RunRequest;
use crate::worker::Workers;

impl PlanFile {
    /// Checks that this machine has the programs that were planned.
    ///
    /// # Errors
    /// One of them is missing, or is another one.
    pub fn check_programs(&self, plan: &Plan, workers: &Workers) -> Result<(), PlanFileError> {
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
            ("seed", file.plan.seed == request.plan.seed),
            ("units or rounds", file.plan.units == request.plan.units),
            (
                "suite",
                file.plan.fingerprint() == request.plan.fingerprint()
                    && file.plan.suite.baseline == request.plan.suite.baseline,
            ),
            ("stopping rule", file.stopping == request.stopping),
            ("margin", file.not_worse_by == request.not_worse_by),
            ("number of jobs", file.jobs == request.jobs),
            ("evidence", file.evidence == request.evidence),
        ];
        match parts.into_iter().find(|(_, is_same)| !is_same) {
            Some((what, _)) => Err(PlanFileError::OtherPlan {
                path: self.path.clone(),
                what,
            }),
            None => Ok(()),
        }
    }
}
