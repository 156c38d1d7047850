//! From what a user asks of `crashrate provoke` to its plan and rule.

use crashrate_model::{Outcome, OutcomeSet, ProvokeRule, Unit};
use thiserror::Error;

use crate::plan::Plan;

/// What to search.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvokeOptions {
    /// The kind of crash, or a text in its signature; those of the unperturbed program if `None`.
    pub signature: Option<String>,
    /// The command that runs the program under a perturbation; `{perturb}` stands for that.
    pub again: Option<String>,
    /// The earlier run whose places every ambush knows from the start.
    pub places: Option<String>,
    /// The gain to show: crashes a second, over those of the unperturbed program.
    pub gain: f64,
    /// The probability of claiming that gain for a perturbation without it.
    pub error: f64,
    /// The seconds of rounds after which the search ends.
    pub budget: f64,
}

/// A search that cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProvokeError {
    /// Several chapters or sequences are chosen.
    #[error(
        "one chapter or sequence is perturbed, and {} are chosen ({}); choose one with --chapter \
         or --mode",
        .0.len(),
        .0.join(", ")
    )]
    Several(Vec<String>),
    /// There is nothing to compare.
    #[error("there is no perturbation to try; remove --perturb, or name some")]
    NoArm,
}

/// The plan and the rule of a search among the units of a plan, which differ only in how they are
/// perturbed.
pub(crate) fn plan(
    mut plan: Plan,
    options: &ProvokeOptions,
) -> Result<(Plan, ProvokeRule), ProvokeError> {
    let name = |unit: &Unit| format!("{} ({})", unit.name, unit.mode);
    let mut names: Vec<String> = plan.units.iter().map(name).collect();
    names.dedup();
    names.sort();
    names.dedup();
    if names.len() > 1 {
        return Err(ProvokeError::Several(names));
    }
    // The unperturbed one is first.
    plan.units.sort_by_key(|unit| !unit.perturb.is_none());
    if plan.units.len() < 2 {
        return Err(ProvokeError::NoArm);
    }
    plan.suite.bad = OutcomeSet::new(plan.suite.bad.iter().chain([Outcome::Failed]));
    let rule = ProvokeRule {
        signature: options.signature.clone(),
        again: options.again.clone(),
        places: options.places.clone(),
        gain: options.gain,
        error: options.error,
        budget: options.budget,
        seed: plan.seed,
    };
    Ok((plan, rule))
}
