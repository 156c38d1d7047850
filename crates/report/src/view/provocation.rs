//! A search for a perturbation under which a program crashes more often.

use crashrate_model::{ProvokeAnswer, ProvokeRule, Provoked, ProvokedArm};

use super::Share;

/// What a search has tried and found.
#[derive(Clone, Debug, PartialEq)]
pub struct Provocation {
    /// The rule.
    pub rule: ProvokeRule,
    /// What was run.
    pub unit: String,
    /// What each unit does: `none`, or names such as `stops+malloc`.
    pub perturbations: Vec<String>,
    /// The kind of crash that was searched; `None` while it is unknown.
    pub target: Option<String>,
    /// By unit: how often each signature, or signal without one, was seen; the most frequent first.
    pub signatures: Vec<Vec<(String, u32)>>,
    /// The kinds of bad ends that were seen only perturbed, and how often.
    pub only_perturbed: Vec<(String, u32)>,
    /// By unit: the rounds that ended badly, of those that count.
    pub shares: Vec<Share>,
    /// How far it was at the last record; `None` before the first.
    pub found: Option<Provoked>,
}

impl Provocation {
    /// The answer, if there is one.
    pub fn answer(&self) -> Option<&ProvokeAnswer> {
        self.found.as_ref()?.answer.as_ref()
    }

    /// The arm that is shown to help.
    pub fn shown(&self) -> Option<&ProvokedArm> {
        match self.answer()? {
            ProvokeAnswer::Shown { arm, .. } => self.found.as_ref()?.arms.get(*arm as usize),
            ProvokeAnswer::NothingShown => None,
        }
    }

    /// What an arm does.
    pub fn perturbation(&self, arm: &ProvokedArm) -> &str {
        let name = self.perturbations.get(arm.unit as usize);
        name.map_or("", String::as_str)
    }
}
