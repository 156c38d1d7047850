//! Deaths by their signature.

use crashrate_model::Mode;

use super::{OptionalStopping, Share};

/// A signature with its counts, over first attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashRow {
    /// `v1 | class | frames`.
    pub signature: String,
    /// The units that had it, in the order of the plan.
    pub places: Vec<CrashPlace>,
    /// The file of its first kept crash, relative to the run folder.
    pub file: Option<String>,
    /// The command that reproduces it; `None` if the run's command is unknown.
    pub repeat: Option<String>,
    /// The innermost frames of that crash. The caller reads them from the file, if needed.
    pub excerpt: Vec<String>,
}

/// The process that crashed, and the kind of rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrashRole {
    /// The program of a crashed descendant; `None` if the attempt's own process crashed.
    pub descendant: Option<String>,
    /// Whether it was seen in evidence rounds, which are not counted in any rate.
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
    /// The process that crashed, and the kind of rounds.
    pub role: CrashRole,
    /// First attempts with this signature, over those that count; or evidence rounds with it, over
    /// all evidence rounds.
    pub share: Share,
    /// Whether the data may have decided the number of rounds.
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
