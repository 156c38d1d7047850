//! The catalogue: every kind of misbehaviour with the outcome that crashrate must report, as data.

mod suite;

use std::time::Duration;

use crashrate_model::{DiedIn, Exit, Outcome};
use serde::Deserialize;

use crate::misbehave::DIVISION_TRAPS;
use crate::platform::STACK_OVERFLOW_SIGNALS;

pub use suite::{FIRST, GRACE, LAST, isolated_suite, sequence_suite};

const CATALOGUE: &str = include_str!("catalogue.toml");

/// Also for programs that write much to a supervisor that may be a debug build.
const AMPLE: Duration = Duration::from_secs(120);
/// For hangs: long enough to reach the hang.
const SHORT: Duration = Duration::from_secs(1);

/// One kind of misbehaviour, run as round 1, attempt 1.
#[derive(Clone, Debug)]
pub struct Case {
    /// A unique name that is a valid id of a chapter or sequence.
    pub name: String,
    /// The arguments of `misbehave`.
    pub args: Vec<String>,
    /// The outcome of the chapter in isolated mode.
    pub outcome: Outcome,
    /// The ways in which the process may end, by itself or when stopped at the time limit with
    /// SIGTERM and, [`GRACE`] later, SIGKILL.
    pub exits: Vec<Exit>,
    /// The time limit: short for cases that must reach it, ample for all others.
    pub time_limit: Duration,
    /// Whether it writes garbage to the events descriptor, which must be noted.
    pub garbage: bool,
    /// Whether it leaves processes behind, which must be gone after the attempt.
    pub leaves_processes: bool,
    /// The same case as a chapter of a sequence, where possible.
    pub sequence: Option<InSequence>,
    /// Why the case is in the catalogue.
    pub comment: String,
}

/// A case as the middle chapter of a sequence, between two chapters that pass.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InSequence {
    /// The chapter's parameter `act`, for `sequence-runner`. Its arguments are those of the case.
    pub act: String,
    /// The outcome of the chapter.
    pub outcome: Outcome,
    /// The outcome of the last chapter.
    pub last: Outcome,
    /// The outcome of the sequence.
    pub whole: Outcome,
    /// Where it died, if its outcome is a death. The chapter has the name of the case.
    pub died_in: Option<DiedIn>,
}

impl Case {
    /// Returns whether a process that ended this way behaved as expected.
    pub fn ends_with(&self, exit: &Exit) -> bool {
        self.exits.contains(exit)
    }

    /// Returns whether it reaches its time limit.
    pub fn hangs(&self) -> bool {
        self.outcome == Outcome::TimedOut
    }
}

/// Every case of this platform.
///
/// # Panics
/// The catalogue has a mistake.
pub fn catalogue() -> Vec<Case> {
    let table: Table = toml::from_str(CATALOGUE).expect("the catalogue is well-formed");
    let mut cases: Vec<Case> = table.case.into_iter().map(Row::complete).collect();
    cases.retain(|case| case.name != "divide" || DIVISION_TRAPS);
    for case in &mut cases {
        if case.name == "stack-overflow-plain" {
            let signals = STACK_OVERFLOW_SIGNALS.iter();
            case.exits = signals.map(|&name| Exit::Signal(name.into())).collect();
        }
    }
    cases
}

#[derive(Deserialize)]
struct Table {
    case: Vec<Row>,
}

/// A case in `catalogue.toml`, which describes the keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    kind: String,
    name: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    comment: String,
    outcome: Outcome,
    #[serde(default = "code_0")]
    exits: Vec<Exit>,
    #[serde(default)]
    garbage: bool,
    #[serde(default)]
    leaves_processes: bool,
    #[serde(default)]
    only_isolated: bool,
    sequence: Option<InSequence>,
}

fn code_0() -> Vec<Exit> {
    vec![Exit::Code(0)]
}

impl Row {
    fn complete(self) -> Case {
        let name = self.name.clone().unwrap_or_else(|| self.kind.clone());
        Case {
            args: [vec![self.kind.clone()], self.args.clone()].concat(),
            time_limit: match self.outcome {
                Outcome::TimedOut => SHORT,
                _ => AMPLE,
            },
            sequence: (!self.only_isolated).then(|| self.in_sequence(&name)),
            name,
            outcome: self.outcome,
            exits: self.exits,
            garbage: self.garbage,
            leaves_processes: self.leaves_processes,
            comment: self.comment,
        }
    }

    /// By default, it behaves the same in a sequence as alone, and ends the sequence unless it
    /// passes.
    fn in_sequence(&self, name: &str) -> InSequence {
        let dies = matches!(self.outcome, Outcome::Crashed | Outcome::TimedOut);
        let default = || InSequence {
            act: self.kind.clone(),
            outcome: self.outcome,
            last: match self.outcome {
                Outcome::Passed => Outcome::Passed,
                _ => Outcome::Unreached,
            },
            whole: self.outcome,
            died_in: dies.then(|| DiedIn::Chapter(name.to_owned())),
        };
        self.sequence.clone().unwrap_or_else(default)
    }
}
