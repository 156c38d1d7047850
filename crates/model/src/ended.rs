//! The record of an attempt that ended.

use serde::{Deserialize, Serialize};

use crate::{Descendant, DiedIn, EvidenceMode, Exit, Mode, Outcome, Spawn, Unit, Usage};

/// An attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Place in [`RunInfo::units`](crate::RunInfo::units).
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    pub attempt: u32,
    /// Seconds since `opened`.
    pub at: f64,
    /// From start to end of the process, seconds; nothing where it is not known, as in an imported run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secs: Option<f64>,
    /// How it ended: of the chapter in isolated mode, of the sequence as a whole in sequential mode.
    pub outcome: Outcome,
    /// How the process ended; nothing when it was never started, or where [`Ended::exit`] follows from the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Sequential mode: where it died, if its outcome is a death.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_in: Option<DiedIn>,
    /// Why, in words for people, where the outcome needs any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Isolated mode: what the chapter measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// Sequential mode: every chapter of the sequence, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterEnd>,
    /// What else was seen: garbage on the events descriptor, processes that had to be killed, and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where the kept output is, relative to the run folder, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What is known of its crash, or of its hang at the time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<CrashRef>,
    /// What it used of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How it was watched, if that is not what [`RunInfo::evidence`](crate::RunInfo::evidence) says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceMode>,
    /// Whether it is left out of the rates of its unit: it was watched differently from the unit's first attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
    /// Its descendants that crashed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descendants: Vec<Descendant>,
    /// How its process was started, if that differs from its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawn: Option<Spawn>,
}

/// A crash by its name, and where the rest of it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashRef {
    /// Its signature: `v1 | class | frames`.
    pub signature: String,
    /// The file with the whole evidence, relative to the run folder, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Ended {
    /// How the process ended. One that passed, and whose use of the machine is known, ended with 0: anything else is not
    /// called passed, and what was never started has used nothing.
    pub fn exit(&self) -> Option<&Exit> {
        let implied = self.outcome == Outcome::Passed && self.usage.is_some();
        self.exit.as_ref().or(implied.then_some(&Exit::Code(0)))
    }

    /// Whether the rates of its unit leave it out, because its process was started or watched differently.
    pub fn is_apart(&self) -> bool {
        self.spawn.is_some() || self.apart
    }

    /// Leaves out what follows from the rest.
    #[must_use]
    pub fn shortened(mut self) -> Ended {
        if let Some(exit) = self.exit.take() {
            self.exit = (self.exit() != Some(&exit)).then_some(exit);
        }
        self
    }

    /// An attempt that came to this, and of which nothing else is known.
    pub fn of(unit: u32, round: u32, attempt: u32, outcome: Outcome) -> Ended {
        Ended {
            unit,
            round,
            attempt,
            at: 0.0,
            secs: None,
            outcome,
            exit: None,
            died_in: None,
            reason: None,
            measures: Vec::new(),
            chapters: Vec::new(),
            notes: Vec::new(),
            output: None,
            crash: None,
            usage: None,
            evidence: None,
            apart: false,
            descendants: Vec::new(),
            spawn: None,
        }
    }

    /// The chapters of this attempt with how each ended, whatever the mode.
    pub fn chapter_ends<'a>(
        &'a self,
        unit: &'a Unit,
    ) -> Box<dyn Iterator<Item = (&'a str, ChapterEnd)> + 'a> {
        match unit.mode {
            Mode::Isolated => Box::new(unit.chapters.iter().take(1).map(|id| {
                let end = ChapterEnd {
                    outcome: self.outcome,
                    secs: self.secs,
                    reason: self.reason.clone(),
                    measures: self.measures.clone(),
                };
                (id.as_str(), end)
            })),
            Mode::Sequential => Box::new(
                unit.chapters
                    .iter()
                    .map(String::as_str)
                    .zip(self.chapters.iter().cloned()),
            ),
        }
    }
}

/// How one chapter of a sequence ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChapterEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// From its start to its end, seconds; nothing when it never started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secs: Option<f64>,
    /// Why, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured, such as `throughput`.
    pub name: String,
    /// Under which condition, such as `threads=8`; empty when there is only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The unit, such as `ops/s`; empty for a bare number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The value; finite.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_of_an_attempt_that_passed_goes_without_saying() {
        let with = |outcome, exit: &Exit, usage| Ended {
            exit: Some(exit.clone()),
            usage,
            ..Ended::of(0, 1, 1, outcome)
        };
        let usage = Some(Usage::default());
        let zero = Exit::Code(0);
        let passed = with(Outcome::Passed, &zero, usage).shortened();
        assert_eq!((&passed.exit, passed.exit()), (&None, Some(&zero)));
        // What does not follow stays on record.
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
