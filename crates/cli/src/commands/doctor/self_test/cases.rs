//! The catalogue of the self-test, `cases.toml`.

use std::env::consts::OS;

use crashrate_model::{Ended, EvidenceMode, Exit, Outcome};
use crashrate_supervisor::misbehave;
use serde::Deserialize;

use crate::error::Failure;

#[derive(Deserialize)]
struct Catalogue {
    case: Vec<Case>,
}

/// A program that misbehaves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) kind: String,
    pub(super) about: String,
    /// In seconds.
    #[serde(default = "usual_limit")]
    pub(super) limit: u64,
    os: Option<String>,
    expected: Expected,
    without_evidence: Option<Exception>,
}

/// How a program must end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    outcome: Outcome,
    /// As [`Exit`] prints them.
    #[serde(default)]
    exits: Vec<String>,
    #[serde(default)]
    contains: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    expected: Expected,
    why: String,
}

/// For programs that end by themselves: far more than they need on a busy machine.
fn usual_limit() -> u64 {
    60
}

/// The cases of this platform.
pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let catalogue = toml::from_str(include_str!("cases.toml"));
    let Catalogue { mut case } = catalogue.map_err(Failure::usage)?;
    case.retain(|case| {
        case.os.as_deref().is_none_or(|os| os == OS)
            && misbehave::kinds().any(|kind| kind == case.kind)
    });
    Ok(case)
}

impl Case {
    /// The expected end in this mode.
    pub(super) fn expected(&self, mode: EvidenceMode) -> &Expected {
        let exception = self.in_mode(mode);
        exception.map_or(&self.expected, |exception| &exception.expected)
    }

    /// Why this mode has another expected end than the others.
    pub(super) fn exception(&self, mode: EvidenceMode) -> Option<&str> {
        self.in_mode(mode).map(|exception| exception.why.as_str())
    }

    fn in_mode(&self, mode: EvidenceMode) -> Option<&Exception> {
        let exception = self.without_evidence.as_ref();
        exception.filter(|_| mode == EvidenceMode::None)
    }
}

impl Expected {
    pub(super) fn is_met(&self, ended: &Ended) -> bool {
        let exit = ended.exit().map(Exit::to_string).unwrap_or_default();
        let mut texts = ended.reason.iter().chain(&ended.notes);
        ended.outcome == self.outcome
            && (self.exits.is_empty() || self.exits.contains(&exit))
            && (self.contains.is_empty() || texts.any(|text| text.contains(&self.contains)))
    }

    pub(super) fn words(&self) -> String {
        let mut words = self.outcome.word().to_owned();
        if !self.exits.is_empty() {
            words = format!("{words} ({})", self.exits.join(" or "));
        }
        if !self.contains.is_empty() {
            words = format!("{words}, with `{}`", self.contains);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_one_case() {
        let cases = cases().unwrap();
        for kind in misbehave::kinds() {
            let count = cases.iter().filter(|case| case.kind == kind).count();
            assert_eq!(count, 1, "{kind}");
        }
    }
}
