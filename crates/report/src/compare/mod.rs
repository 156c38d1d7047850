//! Comparisons: the two sides of a run, or two runs, and what their counts say of each other.
//!
//! A number of rounds that was fixed in advance is read by exact tests, adjusted for the number of comparisons. One that
//! the data decided is read by the e-values of its pairs, never by these tests; and where there are no pairs (two runs)
//! it is not tested at all.

mod between;
mod claims;
mod history;
mod plan;
mod record;
mod steps;
mod test;
mod within;
mod words;

use crashrate_model::{Axis, Mode, OutcomeSet};
use crashrate_stats::PairWatch;

use crate::view::Share;
pub use between::compare_runs;
pub use claims::{Claimed, claims};
pub use history::{History, PastRun, Point, Trend, history};
pub use plan::{DEFAULT_DETECT, Detect, Origin, POWER, Planned};
pub use record::{BesideRecord, RecordRow, beside_record};
pub(crate) use steps::{step, step_intro, trend_name};
pub use test::FixedTest;
pub use within::{axes, compare_within, comparisons};
pub(crate) use words::{
    claimed, claimed_in_short, gate, gates, intro, lines, name, shown, verdict,
};

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Two sides of one run.
    Within(Axis),
    /// Two runs.
    Runs,
    /// A run and the record that its suite repeats.
    Record,
    /// What an imported report claims.
    Claim,
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By exact tests: all rounds were fixed in advance.
    FixedRounds,
    /// By the e-values of pairs: the data decided how many rounds there were.
    Pairs,
    /// Not at all, intervals only: the data decided how many rounds there were, and there are no pairs.
    Untested,
}

/// Comparisons that are made together, and share their error.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparisons {
    /// What is compared with what.
    pub what: What,
    /// How.
    pub how: How,
    /// What is counted as bad.
    pub bad: OutcomeSet,
    /// The comparisons, in the order of the plan.
    pub list: Vec<Compared>,
    /// What a reader must know before believing a difference.
    pub warnings: Vec<String>,
}

/// Two sides of one chapter or sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The chapter; nothing for a sequence as a whole.
    pub chapter: Option<String>,
    /// The sequence that it is about, if any.
    pub sequence: Option<String>,
    /// The mode and the variant, where both sides have the same.
    pub mode: Option<Mode>,
    /// The variant, where both sides have the same.
    pub variant: Option<String>,
    /// The two sides.
    pub sides: [Side; 2],
    /// What they say of each other.
    pub evidence: Evidence,
    /// How many rounds would do, where there is no verdict.
    pub plan: Option<Planned>,
}

/// One side.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// What it is called: a mode, a variant, or a run.
    pub label: String,
    /// Bad first attempts of those that count.
    pub share: Share,
    /// Whether the data decided how many there were.
    pub by_data: bool,
}

/// What two sides say of each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// By tests for rounds that were fixed in advance.
    Fixed(FixedTest),
    /// By the e-value of pairs.
    Pairs(PairWatch),
    /// Nothing.
    Untested,
}

impl Compared {
    /// Whether the two sides are shown to differ.
    pub fn differs(&self) -> bool {
        match &self.evidence {
            Evidence::Fixed(test) => test.differs,
            Evidence::Pairs(watch) => watch.is_decided(),
            Evidence::Untested => false,
        }
    }
}
