//! The answer of a provocation, and its state for display.

use super::{Candidate, Provocation, SlicePurpose, Stage};
use crate::counts::Interval;
use crate::rate_ratio::{Exposure, rate_ratio};

/// An arm's confirmation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confirmation {
    /// The arm.
    pub arm: usize,
    /// The blocks so far: one slice of the arm and three of the base each.
    pub blocks: u64,
    /// ln E against "at most the gain".
    pub ln_e: f64,
    /// The ln E that a verdict needs.
    pub ln_needed: f64,
}

/// The answer of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProvokeAnswer {
    /// The arm is shown to have the gain.
    Shown(Confirmation),
    /// No arm is shown to have the gain within the budget, or all arms probably lack it. The table
    /// has upper bounds.
    NothingShown,
}

/// The phase of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProvokePhase {
    /// The arms compete.
    Search,
    /// A promising arm is compared with the base on fresh slices.
    Confirm,
    /// The search is answered.
    Answered,
}

/// All slices of one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmState {
    /// The arm; 0 is the base.
    pub arm: usize,
    /// The seconds of its slices.
    pub seconds: f64,
    /// Its rounds.
    pub rounds: u64,
    /// The rounds that crashed with the aimed signature.
    pub crashes: u64,
    /// The rounds that crashed in another way.
    pub others: u64,
    /// The crashes with the aimed signature a second; none without a slice.
    pub rate: Option<f64>,
    /// The rate over that of the base; none while the base has no crash, and for the base.
    pub gain: Option<f64>,
    /// The exact conditional interval of the gain, at confidence 1 - error. Its upper end is infinite
    /// while the base has no crash. None for the base, and without slices of both.
    pub interval: Option<Interval>,
}

/// The state of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvokeProgress {
    /// The phase.
    pub phase: ProvokePhase,
    /// The arms, in order.
    pub arms: Vec<ArmState>,
    /// The current confirmation, or the one of the answer.
    pub confirmation: Option<Confirmation>,
    /// The confirmations so far.
    pub confirmations: usize,
    /// The seconds of all slices.
    pub seconds: f64,
    /// The seconds after which the search ends.
    pub budget: f64,
}

impl Provocation {
    /// The answer, once the search has ended.
    pub fn answer(&self) -> Option<ProvokeAnswer> {
        match &self.stage {
            Stage::Answered(answer) => Some(*answer),
            _ => None,
        }
    }

    pub(super) fn confirmation(&self, candidate: &Candidate) -> Confirmation {
        Confirmation {
            arm: candidate.arm,
            blocks: candidate.process.blocks(),
            ln_e: candidate.process.ln_e(),
            ln_needed: candidate.ln_needed,
        }
    }

    /// The state of the search, for display.
    pub fn progress(&self) -> ProvokeProgress {
        ProvokeProgress {
            phase: match self.next().map(|slice| slice.purpose) {
                Some(SlicePurpose::Search) => ProvokePhase::Search,
                Some(SlicePurpose::Confirm) => ProvokePhase::Confirm,
                None => ProvokePhase::Answered,
            },
            arms: self.table(),
            confirmation: match &self.stage {
                Stage::Search(_) | Stage::Answered(ProvokeAnswer::NothingShown) => None,
                Stage::Confirm(at, _) => Some(self.confirmation(&self.candidates[*at])),
                Stage::Answered(ProvokeAnswer::Shown(shown)) => Some(*shown),
            },
            confirmations: self.candidates.len(),
            seconds: self.seconds,
            budget: self.settings.budget,
        }
    }

    /// The arms with their gains, in order.
    ///
    /// The intervals are those of fixed exposures. The search gives more time to arms that crash, so
    /// they describe and prove nothing; the confirmation proves.
    pub fn table(&self) -> Vec<ArmState> {
        (0..self.arms.len()).map(|arm| self.arm(arm)).collect()
    }

    fn arm(&self, arm: usize) -> ArmState {
        let (tally, base) = (&self.arms[arm], &self.arms[0]);
        let exposure = |tally: &super::Tally| Exposure {
            events: tally.crashes,
            amount: tally.seconds,
        };
        let interval = rate_ratio(exposure(tally), exposure(base), self.settings.error);
        let rate = (tally.slices > 0).then(|| tally.crashes as f64 / tally.seconds);
        let base_rate = (base.crashes > 0).then(|| base.crashes as f64 / base.seconds);
        ArmState {
            arm,
            seconds: tally.seconds,
            rounds: tally.rounds,
            crashes: tally.crashes,
            others: tally.others,
            rate,
            gain: (rate.zip(base_rate))
                .filter(|_| arm > 0)
                .map(|(rate, base)| rate / base),
            interval: interval.ok().filter(|_| arm > 0),
        }
    }
}
