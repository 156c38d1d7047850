//! What is measured: a chapter in isolated mode or a sequence in sequential mode, under a variant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How chapters are given processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A process per chapter and round.
    Isolated,
    /// A process per sequence and round.
    Sequential,
}

impl Mode {
    /// The word for it, as in suites, journals and reports.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Isolated => "isolated",
            Mode::Sequential => "sequential",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How the processes of a unit come to be. Rates of the two are never taken together unasked.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Spawn {
    /// Each executes its program.
    #[default]
    Exec,
    /// Each is forked from a process that has loaded the program.
    Fork,
}

impl Spawn {
    /// The word for it, as in suites, journals and reports.
    pub fn word(self) -> &'static str {
        match self {
            Spawn::Exec => "exec",
            Spawn::Fork => "fork",
        }
    }

    /// Whether it is the usual way, which is not written.
    pub fn is_exec(&self) -> bool {
        *self == Spawn::Exec
    }
}

/// What is put behind the variant of a unit whose processes are forked. No variant of a suite has such a name.
const FORKED: &str = "+fork";

/// A variant as a suite names it, without what says that processes are forked.
pub fn suite_variant(variant: &str) -> &str {
    variant.strip_suffix(FORKED).unwrap_or(variant)
}

/// One thing that rounds are planned for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The chapter's id in isolated mode, the sequence's id in sequential mode.
    pub name: String,
    /// How it runs.
    pub mode: Mode,
    /// The variant's id; `default` when the suite names none. With `+fork` behind it where processes are forked: all that
    /// keeps variants apart keeps these apart, too.
    pub variant: String,
    /// How its processes come to be.
    pub spawn: Spawn,
    /// The ids of its chapters in order; in isolated mode just the one.
    pub chapters: Vec<String>,
    /// How many rounds are planned.
    pub rounds: u32,
}

impl Unit {
    /// The same with its processes forked.
    #[must_use]
    pub fn forked(mut self) -> Unit {
        if self.spawn.is_exec() {
            self.spawn = Spawn::Fork;
            self.variant.push_str(FORKED);
        }
        self
    }

    /// Its variant as the suite names it.
    pub fn suite_variant(&self) -> &str {
        suite_variant(&self.variant)
    }
}
