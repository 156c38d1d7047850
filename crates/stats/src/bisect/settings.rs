//! What a bisection is given, and what it asks for.

/// The gate gives up after this many pairs unless the settings say otherwise.
const GATE_PAIRS: u64 = 200;

/// What a [`crate::Bisection`] is given.
#[derive(Debug, Clone, PartialEq)]
pub struct BisectSettings {
    /// The number of the last commit, the bad end (at least 1). The good end is commit 0.
    pub commits: usize,
    /// The cost of building a commit, in rounds. Values below 10 count as 10.
    pub build_cost: f64,
    /// The probability (strictly between 0 and 1) of naming a commit that did not raise the rate.
    pub error: f64,
    /// The commits that are built already.
    pub built: Vec<usize>,
    /// The number of pairs of the two ends after which the search gives up if they show no change.
    pub gate_pairs: u64,
}

impl BisectSettings {
    /// Settings for a history with the bad end `commits`: builds cost 100 rounds, error 5 %,
    /// nothing is built, and the gate gives up after 200 pairs.
    pub fn new(commits: usize) -> Self {
        Self {
            commits,
            build_cost: 100.0,
            error: 0.05,
            built: Vec::new(),
            gate_pairs: GATE_PAIRS,
        }
    }
}

/// What a round is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BisectPurpose {
    /// To show that the ends differ.
    Gate,
    /// To find the commit.
    Search,
    /// To prove the suspect.
    Certificate,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BisectRound {
    /// Without the searched crash.
    Good,
    /// With the searched crash.
    Bad,
    /// In another way, for example with another crash. It is evidence neither for nor against.
    Other,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BisectStep {
    /// Build this commit.
    Build(usize),
    /// Run this many rounds at one commit, for [`BisectPurpose::Search`].
    Run {
        /// The commit.
        commit: usize,
        /// The rounds that still have no result.
        rounds: u64,
    },
    /// Run rounds of two commits in turn, each with a seed of its own.
    Pairs {
        /// The gate or the certificate.
        purpose: BisectPurpose,
        /// The good end and the bad end, or the parent and the suspect.
        commits: [usize; 2],
        /// The rounds of each that still have no result. With fewer, no verdict is possible.
        rounds: [u64; 2],
    },
    /// The search is answered.
    Answered,
}
