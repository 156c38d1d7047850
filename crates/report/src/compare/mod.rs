//! Comparisons of the two sides of a run, or of two runs.
//!
//! Rounds fixed in advance are compared by exact tests, adjusted for the number of comparisons. If
//! the data may have decided the number of rounds, the e-values of pairs are used instead; two runs
//! have no pairs and are then not tested.

mod baseline;
mod between;
mod blocks;
mod build_history;
mod claims;
mod differences;
mod gates;
mod history;
mod history_words;
mod strata;
mod test;
mod verdict;
mod within;
mod words;

use crashrate_model::{Axis, Mode, OutcomeSet};
use crashrate_stats::{Blocks, PairWatch, Plan, Worse};
use serde::Serialize;

use crate::clean::{NAME, clean};
use crate::view::{Bounds, OptionalStopping, Outcomes, Share};
pub(crate) use baseline::beside_baseline;
pub use baseline::{BaselineRow, BesideBaseline};
pub use between::compare_runs;
pub use build_history::history;
pub use claims::Claimed;
pub(crate) use claims::claims;
pub use differences::Difference;
pub(crate) use differences::programs;
pub(crate) use gates::{gate, gates};
pub(crate) use history::rises;
pub use history::{Change, History, PastRun, Point, Trend, Untested};
pub(crate) use history_words::{
    history_intro, look_in_short, number, trend_name, trend_sentences, verb,
};
pub use strata::{Strata, Stratum, compare_strata};
pub use test::{FixedTest, NotWorse};
pub(crate) use verdict::{e_value, verdict};
pub(crate) use within::{alpha_of, comparisons};
pub use within::{axes, compare_within};
pub(crate) use words::{cautions, claimed, claimed_in_short, intro, lines, name, p_words, shown};

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Two runs.
    #[serde(rename = "run")]
    Runs,
    /// A run and its suite's baseline.
    Baseline,
    /// What an imported report claims.
    Claim,
    /// Two sides of one run.
    #[serde(untagged)]
    Within(Axis),
}

/// The method of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Exact tests: all rounds were fixed in advance.
    FixedRounds,
    /// E-values of pairs: the data may have decided the number of rounds.
    Pairs,
    /// Intervals only: the data may have decided the number of rounds, and there are no pairs.
    #[serde(rename = "none")]
    Untested,
}

/// Comparisons that share an error budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparisons {
    /// What is compared with what.
    pub what: What,
    /// The method.
    pub how: How,
    /// What is counted as bad.
    pub bad: OutcomeSet,
    /// The error budget of the primary comparisons, and again of the explanatory ones.
    pub alpha: f64,
    /// The comparisons, in the order of the plan.
    pub list: Vec<Compared>,
    /// Warnings that limit what a difference means.
    pub warnings: Vec<String>,
}

/// Two sides of one chapter or sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// The chapter; `None` for a whole sequence.
    pub chapter: Option<String>,
    /// The sequence, if any.
    pub sequence: Option<String>,
    /// The mode, if both sides have the same.
    pub mode: Option<Mode>,
    /// The variant, if both sides have the same.
    pub variant: Option<String>,
    /// Whether it answers the run's question. The others explain the answer.
    pub primary: bool,
    /// Whether a side counts only rounds that reached this chapter.
    pub censored: bool,
    /// The two sides.
    pub sides: [Side; 2],
    /// The number of blocks with both sides measured; `None` for two runs.
    pub blocks: Option<Blocks>,
    /// Why no test is valid, if so.
    pub doubt: Option<Doubt>,
    /// The evidence for a difference.
    pub evidence: Evidence,
    /// The rounds needed, if there is no verdict.
    pub plan: Option<Planned>,
}

/// One side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Its label: a mode, a variant, or a run.
    pub label: String,
    /// Bad first attempts of those that count.
    pub share: Share,
    /// How the first attempts that count ended.
    pub outcomes: Outcomes,
    /// The rates possible given the rounds without a result; `None` if all have one.
    pub bounds: Option<Bounds>,
    /// Whether the data may have decided the number of rounds.
    pub optional_stopping: OptionalStopping,
}

/// Why a test of two sides is not valid where they are not compared within blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The bad rounds of this side cluster or drift.
    Clustered(usize),
    /// A chapter was not always reached: the rounds that reached it are a selection and cannot be
    /// matched.
    Unmatched,
}

/// The evidence for a difference between two sides.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Evidence {
    /// A test for rounds fixed in advance.
    Fixed(FixedTest),
    /// The e-value of pairs.
    Pairs {
        /// The blocks, and their e-value.
        watch: PairWatch,
        /// Whether it counts. Explanatory comparisons count once the primary ones are decided.
        counts: bool,
    },
    /// No test is valid.
    #[default]
    Untested,
}

/// The power that plans are made for.
pub const POWER: f64 = 0.8;

/// The two rates that a plan tells apart by default: 90% against 99% good rounds.
pub const DEFAULT_DETECT: [f64; 2] = [0.9, 0.99];

/// The rounds needed to tell two rates apart. The rates are stated in advance: the power to detect
/// the observed difference adds nothing to its p-value (Hoenig and Heisey 2001, Amer. Statist. 55).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// The two rates, each between 0 and 1.
    pub rates: [f64; 2],
    /// Rounds per side so far: the smaller of the two.
    pub per_side: u64,
    /// Rounds per side needed for [`POWER`]; `None` if no number suffices.
    pub plan: Option<Plan>,
    /// The error budget of each comparison.
    pub alpha: f64,
}

impl Planned {
    /// Whether there are fewer rounds than needed.
    pub fn is_short(&self) -> bool {
        self.plan.is_none_or(|plan| self.per_side < plan.per_side)
    }
}

impl Side {
    /// Its label, safe to print.
    pub(crate) fn name(&self) -> String {
        clean(&self.label, NAME)
    }
}

impl Compared {
    fn shares(&self) -> [Share; 2] {
        self.sides.each_ref().map(|side| side.share)
    }

    /// Both sides with missing rounds counted most strongly against `worse` being worse.
    fn extreme(&self, worse: Worse) -> [Share; 2] {
        let is_worse = [worse == Worse::One, worse == Worse::Two];
        [0, 1].map(|place| {
            let side = &self.sides[place];
            side.bounds
                .map_or(side.share, |bounds| match is_worse[place] {
                    true => bounds.best,
                    false => bounds.worst,
                })
        })
    }

    /// Whether the two sides are shown to differ.
    pub fn differs(&self) -> bool {
        match &self.evidence {
            Evidence::Fixed(test) => test.differs && self.doubt.is_none(),
            Evidence::Pairs { watch, counts } => *counts && watch.is_decided(),
            Evidence::Untested => false,
        }
    }

    /// Whether it would show a difference but for rounds without a result.
    pub fn is_prevented(&self) -> bool {
        match &self.evidence {
            Evidence::Fixed(test) => test.prevented && self.doubt.is_none(),
            Evidence::Pairs { watch, counts } => *counts && watch.is_prevented(),
            Evidence::Untested => false,
        }
    }
}
