//! Deaths by signature: where each was seen, and what is known of it.

use crashrate_model::{Mode, Unit};

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
    /// The source lines of each of these frames, innermost inlined call first; empty unless the
    /// caller looks them up.
    pub source: Vec<Vec<String>>,
    /// The innermost Python frames of that crash, in the same way.
    pub python: Vec<String>,
    /// The kept output of its first round that has one, relative to the run folder.
    pub output: Option<String>,
    /// Everything that is known of that crash: registers, stacks, modules, output. The caller reads
    /// them from the files, if needed.
    pub evidence: Vec<EvidencePart>,
}

/// A part of the evidence of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencePart {
    /// What it is, such as `thread 7 \`worker\``.
    pub title: String,
    /// Its lines, as they were recorded.
    pub lines: Vec<String>,
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
    /// All of them; of very many, the first ones.
    pub rounds: Vec<u32>,
}

impl CrashPlace {
    /// Whether this is the unit.
    pub(crate) fn is_of(&self, unit: &Unit) -> bool {
        (&self.name, self.mode, &self.variant) == (&unit.name, unit.mode, &unit.variant)
    }
}

impl CrashRow {
    /// How many first attempts had it.
    pub fn count(&self) -> u32 {
        let places = self.places.iter();
        let counted = places.filter(|place| !place.role.in_evidence_rounds);
        counted.map(|place| place.share.bad).sum()
    }
}
