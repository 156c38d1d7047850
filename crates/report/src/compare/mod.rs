//! Comparisons: the two sides of a run, or two runs, and what their counts say of each other.
//!
//! A number of rounds that was fixed in advance is read by exact tests, adjusted for the number of comparisons. One that
//! the data decided is read by the e-values of its pairs, never by these tests; and where there are no pairs (two runs)
//! it is not tested at all.

mod baseline;
mod between;
mod blocks;
mod claims;
mod gates;
mod history;
mod history_words;
mod plan;
mod strata;
mod test;
mod verdict;
mod within;
mod words;

use crashrate_model::{Axis, Mode, OutcomeSet};
use crashrate_stats::{Blocks, PairWatch};

use crate::view::{Bounds, OptionalStopping, Outcomes, Share};
pub(crate) use baseline::beside_baseline;
pub use baseline::{BaselineRow, BesideBaseline};
pub use between::compare_runs;
pub use claims::{Claimed, claims};
pub(crate) use gates::{gate, gates};
pub(crate) use history::rises;
pub use history::{Change, Difference, History, PastRun, Point, Trend, Untested, history};
pub(crate) use history_words::{
    history_intro, look_in_short, number, trend_name, trend_sentences, verb,
};
pub use plan::{DEFAULT_DETECT, Detect, POWER, Planned};
pub use strata::{Strata, Stratum, compare_strata};
pub use test::{FixedTest, NotWorse};
pub(crate) use verdict::verdict;
pub(crate) use within::comparisons;
pub use within::{axes, compare_within};
pub(crate) use words::{cautions, claimed, claimed_in_short, intro, lines, name, shown};

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Two sides of one run.
    Within(Axis),
    /// Two runs.
    Runs,
    /// A run and the record that its suite repeats.
    Baseline,
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
    /// The error that the primary comparisons share, and after them those that explain them.
    pub alpha: f64,
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
    /// Whether it answers the question of the run; the others explain the answer.
    pub primary: bool,
    /// Whether a side counts only rounds that got so far in a sequence.
    pub censored: bool,
    /// The two sides.
    pub sides: [Side; 2],
    /// The blocks of which both sides were measured; nothing for two runs.
    pub blocks: Option<Blocks>,
    /// Why no test holds, if none does.
    pub doubt: Option<Doubt>,
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
    /// How the first attempts that count ended.
    pub outcomes: Outcomes,
    /// The rates that rounds without a known end allow; nothing if there are none.
    pub bounds: Option<Bounds>,
    /// Whether the data decided how many there were.
    pub optional_stopping: OptionalStopping,
}

/// Why no test of two sides holds where they are not compared within blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The bad rounds of this side cluster or drift.
    Clustered(usize),
    /// A chapter was not always reached: the rounds that got this far are a selection, and cannot be matched.
    Unmatched,
}

/// What two sides say of each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// By tests for rounds that were fixed in advance.
    Fixed(FixedTest),
    /// By the e-value of pairs.
    Pairs(PairEvidence),
    /// Nothing.
    Untested,
}

/// What pairs say, block by block.
#[derive(Clone, Debug, PartialEq)]
pub struct PairEvidence {
    /// The blocks, and what they show.
    pub watch: PairWatch,
    /// Whether it counts: what explains an answer counts once there is one.
    pub counts: bool,
}

impl Compared {
    /// What two runs both have; the sides are still to be filled in.
    fn unfilled(
        (chapter, sequence): (Option<&String>, Option<&String>),
        mode: Mode,
        variant: &str,
        primary: bool,
    ) -> Self {
        let side = || Side {
            label: String::new(),
            share: Share::default(),
            outcomes: Outcomes::default(),
            bounds: None,
            optional_stopping: OptionalStopping::No,
        };
        Compared {
            chapter: chapter.cloned(),
            sequence: sequence.cloned(),
            mode: Some(mode),
            variant: Some(variant.to_owned()),
            primary,
            censored: chapter.is_some() && sequence.is_some(),
            sides: [side(), side()],
            blocks: None,
            doubt: None,
            evidence: Evidence::Untested,
            plan: None,
        }
    }

    /// Whether the two sides are shown to differ.
    pub fn differs(&self) -> bool {
        match &self.evidence {
            Evidence::Fixed(test) => test.differs && self.doubt.is_none(),
            Evidence::Pairs(pairs) => pairs.counts && pairs.watch.is_decided(),
            Evidence::Untested => false,
        }
    }

    /// Whether only rounds without a known end prevent that.
    pub fn is_prevented(&self) -> bool {
        match &self.evidence {
            Evidence::Fixed(test) => test.prevented && self.doubt.is_none(),
            Evidence::Pairs(pairs) => pairs.counts && pairs.watch.is_prevented(),
            Evidence::Untested => false,
        }
    }
}
