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

/// One thing that rounds are planned for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The chapter's id in isolated mode, the sequence's id in sequential mode.
    pub name: String,
    /// How it runs.
    pub mode: Mode,
    /// The variant's id; `default` when the suite names none.
    pub variant: String,
    /// The ids of its chapters in order; in isolated mode just the one.
    pub chapters: Vec<String>,
    /// How many rounds are planned.
    pub rounds: u32,
}
