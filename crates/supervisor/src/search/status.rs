//! How far searches are, for people.

use crashrate_model::{Part, PointKind};
use crashrate_stats::{BisectProgress, MinimizePhase, ProvokeProgress};

/// How far a search is.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchStatus {
    /// For the smallest part of a sequence that still crashes.
    Minimize(MinimizeStatus),
    /// For the commit that raised a rate.
    Bisect(Box<BisectStatus>),
    /// For a perturbation that raises a rate.
    Provoke(Box<ProvokeStatus>),
}

/// How far a search for the smallest part is.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimizeStatus {
    /// What is searched now.
    pub phase: SearchPhase,
    /// The rounds so far.
    pub runs: u64,
    /// An estimate of the rounds left.
    pub expected: Option<f64>,
    /// The smallest part that is known to crash so far.
    pub best: Part,
    /// The chapters that may be needed, by index, each with its posterior probability; the most
    /// probable first.
    pub suspects: Vec<(usize, f64)>,
}

/// What a search for the smallest part looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchPhase {
    /// The chapters.
    Chapters(MinimizePhase),
    /// The numbers of a chapter.
    Numbers,
}

/// How far a search for a commit is.
#[derive(Clone, Debug, PartialEq)]
pub struct BisectStatus {
    /// What is searched.
    pub kind: PointKind,
    /// The signature that is searched, or a text in it; `None` while it is unknown.
    pub target: Option<String>,
    /// The state of the search.
    pub progress: BisectProgress,
}

/// How far a search for a perturbation is.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvokeStatus {
    /// The kind of crash that is searched; `None` while it is unknown.
    pub target: Option<String>,
    /// The unit of each arm.
    pub units: Vec<u32>,
    /// The state of the search.
    pub progress: ProvokeProgress,
}
