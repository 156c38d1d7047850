//! The journal record of an attempt that ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    CrashRef, Descendant, DiedIn, Disturbance, EvidenceMode, Exit, Outcome, OutcomeSet, Part,
    Spawn, Usage,
};

/// An attempt ended.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Index into [`RunInfo::units`](crate::RunInfo::units).
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    pub attempt: u32,
    /// Seconds since `opened`.
    pub at: f64,
    /// Run time of the process, in seconds; unknown in an imported run.
    pub secs: Option<f64>,
    /// The outcome of the chapter (isolated mode) or of the whole sequence (sequential mode).
    pub outcome: Outcome,
    /// How the process ended. `None` when it was never started, or where [`Ended::exit`] can derive
    /// it.
    pub exit: Option<Exit>,
    /// Sequential mode: where the process died, if the outcome is a death.
    pub died_in: Option<DiedIn>,
    /// The reason, for people.
    pub reason: Option<String>,
    /// Isolated mode: the chapter's measures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// Sequential mode: every chapter of the sequence, or of its part, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterEnd>,
    /// Sequential mode, if the chapters do not run in the order of their unit: the indices of those
    /// that started, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<u32>,
    /// The part of the sequence that ran, in a search; the whole of it if `None`.
    pub part: Option<Part>,
    /// Other observations, such as garbage on the events descriptor or processes that had to be
    /// killed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The folder of the saved output, relative to the run folder.
    pub output: Option<String>,
    /// The crash, or the hang at the time limit.
    pub crash: Option<CrashRef>,
    /// The resources it used.
    pub usage: Option<Usage>,
    /// How it was watched, if different from [`RunInfo::evidence`](crate::RunInfo::evidence).
    pub evidence: Option<EvidenceMode>,
    /// Whether it is excluded from the unit's rates because it was watched differently from the
    /// unit's first attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
    /// Whether it ran without the [perturbations](crate::Unit::perturb) of its unit, because it
    /// could not be traced. The unit's rates exclude it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unperturbed: bool,
    /// Crashes of its descendants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descendants: Vec<Descendant>,
    /// How its process was started, if different from its unit.
    pub spawn: Option<Spawn>,
    /// In a merged run: which run of its shard made it, as an index into
    /// [`MergedShard::runs`](crate::MergedShard::runs); the first one if `None`.
    pub run: Option<u32>,
    /// The device it ran on, if the run has several: an index into
    /// [`RunInfo::devices`](crate::RunInfo::devices), or in a merged run into those of its
    /// [`ShardRun`](crate::ShardRun).
    pub device: Option<u32>,
    /// What else happened on the machine while it ran, if that may have changed it.
    pub disturbance: Option<Box<Disturbance>>,
}

impl Ended {
    /// Returns how the process ended. For a passed attempt with known resource use this is exit
    /// code 0: nothing else is called passed, and a process that was never started has used
    /// nothing.
    pub fn exit(&self) -> Option<&Exit> {
        let implied = self.outcome == Outcome::Passed && self.usage.is_some();
        self.exit.as_ref().or(implied.then_some(&Exit::Code(0)))
    }

    /// Returns whether the unit's rates exclude it because its process was started or watched
    /// differently.
    pub fn is_apart(&self) -> bool {
        self.spawn.is_some() || self.apart || self.unperturbed
    }

    /// Returns whether it is bad in the unit's first-attempt rate.
    pub fn is_bad_measurement(&self, bad: &OutcomeSet) -> bool {
        self.attempt == 1 && !self.is_apart() && bad.contains(self.outcome)
    }

    /// Removes fields that can be derived from the others.
    #[must_use]
    pub fn shortened(mut self) -> Ended {
        if let Some(exit) = self.exit.take() {
            self.exit = (self.exit() != Some(&exit)).then_some(exit);
        }
        self
    }

    /// Creates a record with this outcome and nothing else known.
    pub fn of(unit: u32, round: u32, attempt: u32, outcome: Outcome) -> Ended {
        Ended {
            unit,
            round,
            attempt,
            outcome,
            ..Ended::default()
        }
    }
}

/// The end of one chapter of a sequence.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChapterEnd {
    /// The outcome of the chapter.
    pub outcome: Outcome,
    /// Run time in seconds; `None` when it never started.
    pub secs: Option<f64>,
    /// The reason, for people.
    pub reason: Option<String>,
    /// The chapter's measures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The name, such as `throughput`.
    pub name: String,
    /// The condition, such as `threads=8`; empty when there is only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The unit, such as `ops/s`; empty for a plain number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// A finite number.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_of_a_passed_attempt_is_omitted() {
        let with = |outcome, exit: &Exit, usage| Ended {
            exit: Some(exit.clone()),
            usage,
            ..Ended::of(0, 1, 1, outcome)
        };
        let usage = Some(Usage::default());
        let zero = Exit::Code(0);
        let passed = with(Outcome::Passed, &zero, usage).shortened();
        assert_eq!((&passed.exit, passed.exit()), (&None, Some(&zero)));
        // Fields that cannot be derived from others stay in the record.
        for (outcome, exit, usage) in [
            (Outcome::Passed, Exit::Code(3), usage),
            (Outcome::Failed, zero.clone(), usage),
            (Outcome::Passed, zero.clone(), None),
        ] {
            let ended = with(outcome, &exit, usage);
            assert_eq!(ended.clone().shortened(), ended);
            assert_eq!(ended.exit(), Some(&exit));
        }
        assert_eq!(Ended::of(0, 1, 1, Outcome::Passed).exit(), None);
    }
}
