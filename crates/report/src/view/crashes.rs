//! Deaths by their signature.

use crashrate_model::Mode;

use super::{OptionalStopping, Share};

/// A signature, and how often and where deaths had it. Over first attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashRow {
    /// `v1 | class | frames`.
    pub signature: String,
    /// Where it was seen, in the order of the plan.
    pub places: Vec<CrashPlace>,
    /// The file of its first crash that was kept, relative to the run's folder.
    pub file: Option<String>,
    /// How to see it again; nothing if the run's own command is not known.
    pub repeat: Option<String>,
    /// The beginning of the stack of that crash. Whoever makes the report reads it from the file, if wanted.
    pub excerpt: Vec<String>,
}

/// Whose crash it was, and in which rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrashRole {
    /// The program of a descendant of the attempt's process; nothing if the process itself crashed.
    pub descendant: Option<String>,
    /// Whether it was seen in evidence rounds, which are in no rate.
    pub in_evidence_rounds: bool,
}

/// A signature in one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashPlace {
    /// The chapter's or sequence's id.
    pub name: String,
    /// How it ran.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// Whose crash it was, and in which rounds.
    pub role: CrashRole,
    /// First attempts with this signature, over those that count; or evidence rounds, over those that were made.
    pub share: Share,
    /// Whether the data decided how many there are.
    pub optional_stopping: OptionalStopping,
    /// The first round that had it.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

impl CrashRow {
    /// How many first attempts had it.
    pub fn count(&self) -> u32 {
        let counted = self
            .places
            .iter()
            .filter(|place| !place.role.in_evidence_rounds);
        counted.map(|place| place.share.bad).sum()
    }
}
