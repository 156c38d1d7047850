//! The search for a perturbation under which a program crashes more often: its rule and its result.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Ended, Outcome, OutcomeSet, kind};

/// The rule of a search for a perturbation. The first unit is unperturbed; the others are the arms.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvokeRule {
    /// The kind of crash that is searched, or a text in its signature; those of the unperturbed
    /// program if `None`.
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
    /// The seed of the choices.
    pub seed: u64,
}

/// How far a search is. The last record counts.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provoked {
    /// Seconds since `opened`.
    pub at: f64,
    /// The kind of crash that was searched; `None` if there was none.
    pub target: Option<String>,
    /// The arms, the unperturbed program first.
    pub arms: Vec<ProvokedArm>,
    /// The answer; `None` while there is none.
    pub answer: Option<ProvokeAnswer>,
    /// The seconds of rounds so far.
    pub secs: f64,
}

/// The slices of time of an arm.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvokedArm {
    /// Its unit.
    pub unit: u32,
    /// Whether it ambushes places that were learned from crashes.
    pub learned: bool,
    /// The seconds of its slices.
    pub secs: f64,
    /// Its rounds.
    pub rounds: u64,
    /// The rounds that ended in the kind that is searched.
    pub crashes: u64,
    /// The rounds that ended badly in another way.
    pub others: u64,
    /// Crashes a second over those of the unperturbed program; `None` while that has no crash.
    pub gain: Option<f64>,
    /// The lower end of the interval of the gain.
    pub gain_from: Option<f64>,
    /// The upper end; `None` if there is no limit.
    pub gain_to: Option<f64>,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProvokeAnswer {
    /// An arm is shown to have the gain.
    Shown {
        /// Its place in the list of arms.
        arm: u32,
        /// The evidence on fresh slices, as a natural logarithm.
        ln_e: f64,
        /// The evidence that was needed.
        ln_needed: f64,
    },
    /// None is shown to have it within the budget.
    NothingShown,
}

/// Tells the bad ends that are searched from others.
///
/// Those of the kinds that the unperturbed program has shown are searched, and all while it has
/// shown none: a perturbation may change what crashes.
#[derive(Clone, Debug)]
pub struct Aim {
    bad: OutcomeSet,
    /// A text in the signature, given by the user.
    given: Option<String>,
    /// The kinds that the unperturbed program has shown.
    kinds: BTreeSet<String>,
    /// Whether any round ended badly.
    is_seen: bool,
}

/// What a bad end is to a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEnd {
    /// The kind that is searched.
    Aim,
    /// Another one.
    Other,
}

impl Aim {
    /// Of a run that counts these outcomes as bad.
    pub fn new(rule: &ProvokeRule, bad: &OutcomeSet) -> Aim {
        Aim {
            bad: bad.clone(),
            given: rule.signature.clone(),
            kinds: BTreeSet::new(),
            is_seen: false,
        }
    }

    /// What is searched, for people; `None` while nothing ended badly.
    pub fn target(&self) -> Option<String> {
        match (&self.given, self.kinds.is_empty()) {
            (Some(given), _) => Some(given.clone()),
            (None, false) => Some(Vec::from_iter(self.kinds.iter().cloned()).join(", ")),
            (None, true) => self.is_seen.then(|| "any".to_owned()),
        }
    }

    /// Reads the end of a round. `None` if it did not end badly.
    ///
    /// Unperturbed rounds are not traced, so they have a signal and often no stack. Kinds are
    /// therefore told apart by their signal unless the user gave a text. A crash without a stack may
    /// be the one that the text names and counts as such.
    pub fn read(&mut self, ended: &Ended) -> Option<BadEnd> {
        if !self.bad.contains(ended.outcome) {
            return None;
        }
        self.is_seen = true;
        let kind = kind(ended);
        let is_aim = match (&self.given, &ended.crash) {
            (Some(text), Some(crash)) => crash.signature.contains(text) || kind.contains(text),
            (Some(text), None) => ended.outcome == Outcome::Crashed || kind.contains(text),
            (None, _) => {
                if ended.unit == 0 {
                    self.kinds.insert(kind.clone());
                }
                self.kinds.is_empty() || self.kinds.contains(&kind)
            }
        };
        Some(if is_aim { BadEnd::Aim } else { BadEnd::Other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CrashRef, Exit};

    fn ended(unit: u32, signal: &str) -> Ended {
        Ended {
            exit: Some(Exit::Signal(signal.into())),
            ..Ended::of(unit, 1, 1, Outcome::Crashed)
        }
    }

    fn aim(signature: Option<&str>) -> Aim {
        let rule = ProvokeRule {
            signature: signature.map(str::to_owned),
            again: None,
            places: None,
            gain: 5.0,
            error: 0.05,
            budget: 600.0,
            seed: 1,
        };
        Aim::new(&rule, &OutcomeSet::default())
    }

    #[test]
    fn the_unperturbed_program_decides_what_is_searched() {
        let mut aim = aim(None);
        assert_eq!(aim.target(), None);
        assert_eq!(aim.read(&ended(2, "SIGABRT")), Some(BadEnd::Aim));
        assert_eq!(aim.target().as_deref(), Some("any"));
        assert_eq!(aim.read(&ended(0, "SIGSEGV")), Some(BadEnd::Aim));
        assert_eq!(aim.read(&ended(2, "SIGABRT")), Some(BadEnd::Other));
        assert_eq!(aim.read(&ended(2, "SIGSEGV")), Some(BadEnd::Aim));
        assert_eq!(aim.read(&Ended::of(0, 1, 1, Outcome::Passed)), None);
        assert_eq!(aim.read(&ended(0, "SIGBUS")), Some(BadEnd::Aim));
        assert_eq!(aim.target().as_deref(), Some("SIGBUS, SIGSEGV"));
    }

    #[test]
    fn a_given_text_decides_where_there_is_a_stack() {
        let mut given = aim(Some("ABRT"));
        assert_eq!(given.read(&ended(0, "SIGABRT")), Some(BadEnd::Aim));
        let other = Ended {
            crash: Some(CrashRef {
                signature: "v1 | SEGV_NULL | a!b".into(),
                file: None,
            }),
            ..ended(1, "SIGSEGV")
        };
        assert_eq!(given.read(&other), Some(BadEnd::Other));
    }
}
