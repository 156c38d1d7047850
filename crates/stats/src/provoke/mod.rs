//! The search for a perturbation under which a program crashes more often.

mod gain;
mod report;
#[cfg(test)]
mod tests;

pub use report::{ArmState, Confirmation, ProvokeAnswer, ProvokePhase, ProvokeProgress};

use crate::error::{StatsError, open_unit, positive};
use crate::multiple::spending_share;
use crate::random::Random;
use crate::special::beta_at;
use gain::GainProcess;

/// The base has this many slices for one of the arm while a gain is confirmed, and at least as
/// large a share of the search. A gain of five is shown soonest with about a fifth of the time in
/// the arm.
const BLOCK_BASES: usize = 3;

/// The least share of the search's time that the base has.
const BASE_SHARE: f64 = 0.25;

/// An arm is confirmed once the search has seen this many of its crashes ...
const LEAST_CRASHES: u64 = 3;

/// ... and its gain is large enough with this probability.
const PROMISING: f64 = 0.8;

/// The search ends before the budget once the probability of a large enough gain is below this for
/// every arm.
const HOPELESS: f64 = 0.001;

/// Without evidence for the gain, confirmations may take this many seconds and twice those of the
/// search. Beyond that the search continues between the blocks: another arm may gain more.
const UNDISTURBED: f64 = 10.0;

/// A confirmation is given up once that probability is below this.
const CLEARED: f64 = 0.2;

/// What a [`Provocation`] is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProvokeSettings {
    /// The number of arms, the base included (at least 1). Arm 0 is the base.
    pub arms: usize,
    /// The gain to show: crashes a second, over those of the base (above 1).
    pub gain: f64,
    /// The probability (strictly between 0 and 1) of claiming that gain for an arm without it.
    pub error: f64,
    /// The planned seconds of a slice (above 0).
    pub slice: f64,
    /// The seconds of all slices after which the search ends (above 0).
    pub budget: f64,
    /// The seed of the random choices.
    pub seed: u64,
}

impl ProvokeSettings {
    /// Settings for `arms` arms, the base included: gain 5, error 5 %, slices of a quarter second, a
    /// budget of 600 seconds, seed 0.
    pub fn new(arms: usize) -> Self {
        Self {
            arms,
            gain: 5.0,
            error: 0.05,
            slice: 0.25,
            budget: 600.0,
            seed: 0,
        }
    }
}

/// What a slice is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlicePurpose {
    /// To find a promising arm.
    Search,
    /// To confirm the gain of one.
    Confirm,
}

/// A slice of time for one arm: rounds are started one after another until it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The arm; 0 is the base.
    pub arm: usize,
    /// The purpose.
    pub purpose: SlicePurpose,
}

/// What happened in a slice, all of its rounds included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SliceResult {
    /// The seconds it took (above 0).
    pub seconds: f64,
    /// The rounds that were run.
    pub rounds: u64,
    /// The rounds of them that crashed with the aimed signature.
    pub crashes: u64,
    /// The rounds of them that crashed in another way.
    pub others: u64,
}

/// All slices of one arm.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tally {
    slices: u64,
    seconds: f64,
    rounds: u64,
    crashes: u64,
    others: u64,
}

impl Tally {
    fn add(&mut self, slice: &SliceResult) {
        self.slices += 1;
        self.seconds += slice.seconds;
        self.rounds += slice.rounds;
        self.crashes += slice.crashes;
        self.others += slice.others;
    }

    /// The mean seconds of a slice.
    fn slice(&self) -> f64 {
        self.seconds / self.slices as f64
    }
}

/// One arm against the base.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    arm: usize,
    process: GainProcess,
    ln_needed: f64,
}

/// The slices of the block that runs.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    /// The arms of its slices, in the order to run.
    order: Vec<usize>,
    done: usize,
    /// The crashes of the arm and of the base.
    crashes: [u64; 2],
    /// The mean seconds of a slice of the arm over those of the base, before the block.
    seconds: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Search(usize),
    /// The candidate with this index.
    Confirm(usize, Block),
    Answered(ProvokeAnswer),
}

/// Searches for an arm (a perturbation) under which a program crashes more often a second than
/// unperturbed, from slices of time given to the arms one by one. The README describes the method.
///
/// The state depends only on the settings, with their seed, and on the sequence of calls of
/// [`Self::push`] and [`Self::add_arm`]. So a search is resumed by repeating them.
#[derive(Debug, Clone)]
pub struct Provocation {
    settings: ProvokeSettings,
    random: Random,
    arms: Vec<Tally>,
    candidates: Vec<Candidate>,
    seconds: f64,
    /// The seconds of the slices for confirmations.
    confirming: f64,
    stage: Stage,
}

impl Provocation {
    /// A search with these settings.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(settings: ProvokeSettings) -> Result<Self, StatsError> {
        if settings.arms == 0 {
            let what = "the number of arms";
            return Err(StatsError::Zero { what });
        }
        positive("the gain minus 1", settings.gain - 1.0)?;
        open_unit("the error", settings.error)?;
        positive("the seconds of a slice", settings.slice)?;
        positive("the budget", settings.budget)?;
        Ok(Self {
            random: Random::new(settings.seed),
            arms: vec![Tally::default(); settings.arms],
            candidates: Vec::new(),
            seconds: 0.0,
            confirming: 0.0,
            stage: Stage::Search(0),
            settings,
        })
    }

    /// Adds an arm, for example places learned from a crash, and returns its number. An answered
    /// search does not run it.
    pub fn add_arm(&mut self) -> usize {
        self.arms.push(Tally::default());
        self.arms.len() - 1
    }

    /// The slice to run next; none once the search is answered. It stays the same until a slice is
    /// recorded.
    pub fn next(&self) -> Option<Slice> {
        match &self.stage {
            Stage::Search(arm) => Some(Slice {
                arm: *arm,
                purpose: SlicePurpose::Search,
            }),
            Stage::Confirm(_, block) => Some(Slice {
                arm: block.order[block.done],
                purpose: SlicePurpose::Confirm,
            }),
            Stage::Answered(_) => None,
        }
    }

    /// Records a slice, as [`Self::next`] gave it. A slice that was cut short must not be recorded,
    /// unless it ended with a round that lasted longer than planned.
    ///
    /// # Errors
    /// There is no such arm, or the slice took no time.
    pub fn push(&mut self, slice: Slice, result: SliceResult) -> Result<(), StatsError> {
        let seconds = positive("the seconds of a slice", result.seconds)?;
        let arms = self.arms.len();
        let expected = self.next();
        let Some(tally) = self.arms.get_mut(slice.arm) else {
            let arm = slice.arm;
            return Err(StatsError::NoSuchArm { arm, arms });
        };
        tally.add(&result);
        self.seconds += seconds;
        if slice.purpose == SlicePurpose::Confirm {
            self.confirming += seconds;
        }
        if matches!(self.stage, Stage::Answered(_)) {
            return Ok(());
        }
        if let Stage::Confirm(at, block) = &mut self.stage
            && expected == Some(slice)
        {
            block.crashes[usize::from(slice.arm == 0)] += result.crashes;
            block.done += 1;
            if block.done == block.order.len() {
                self.candidates[*at]
                    .process
                    .push(block.crashes, block.seconds);
            }
        }
        self.stage = self.after();
        Ok(())
    }

    /// The stage after a slice.
    fn after(&mut self) -> Stage {
        if let Stage::Confirm(at, block) = &self.stage {
            let (at, is_open) = (*at, block.done < block.order.len());
            let candidate = &self.candidates[at];
            if !is_open && candidate.process.ln_e() >= candidate.ln_needed {
                return Stage::Answered(ProvokeAnswer::Shown(self.confirmation(candidate)));
            }
            if self.seconds >= self.settings.budget {
                return Stage::Answered(ProvokeAnswer::NothingShown);
            }
            if is_open {
                return self.stage.clone();
            }
            if self.chance(candidate.arm) >= CLEARED && self.may_confirm(candidate.arm) {
                return self.confirm(at);
            }
        }
        let is_hopeless =
            (1..self.arms.len()).all(|arm| self.is_tried(arm) && self.chance(arm) < HOPELESS);
        if self.seconds >= self.settings.budget || is_hopeless {
            return Stage::Answered(ProvokeAnswer::NothingShown);
        }
        match self.promising().filter(|arm| self.may_confirm(*arm)) {
            Some(arm) => {
                let at = self.candidate(arm);
                self.confirm(at)
            }
            None => Stage::Search(self.choose()),
        }
    }

    fn may_confirm(&self, arm: usize) -> bool {
        let candidate = self.candidates.iter().find(|one| one.arm == arm);
        let searching = self.seconds - self.confirming;
        candidate.is_none_or(|one| one.process.ln_e() >= 0.0)
            || self.confirming <= UNDISTURBED + 2.0 * searching
    }

    /// The arm with the highest rate among those that probably have the gain.
    fn promising(&self) -> Option<usize> {
        let promising = (1..self.arms.len()).filter(|arm| {
            let is_seen = self.is_tried(*arm) && self.arms[*arm].crashes >= LEAST_CRASHES;
            is_seen && self.chance(*arm) >= PROMISING
        });
        let rate = |arm: &usize| self.arms[*arm].crashes as f64 / self.arms[*arm].seconds;
        promising.max_by(|one, two| rate(one).total_cmp(&rate(two)))
    }

    /// The candidate of an arm: a new one, or the one that was given up before.
    fn candidate(&mut self, arm: usize) -> usize {
        if let Some(at) = self.candidates.iter().position(|one| one.arm == arm) {
            return at;
        }
        let at = self.candidates.len();
        self.candidates.push(Candidate {
            arm,
            process: GainProcess::new(self.settings.gain, &self.arms[arm], &self.arms[0]),
            ln_needed: -(self.settings.error * spending_share(at)).ln(),
        });
        at
    }

    /// The next block of a confirmation.
    fn confirm(&mut self, at: usize) -> Stage {
        let arm = self.candidates[at].arm;
        let mut order = vec![0; BLOCK_BASES + 1];
        order[self.random.below(BLOCK_BASES + 1)] = arm;
        let block = Block {
            order,
            done: 0,
            crashes: [0; 2],
            seconds: self.arms[arm].slice() / self.arms[0].slice(),
        };
        Stage::Confirm(at, block)
    }

    /// Whether there are slices of the arm and of the base.
    fn is_tried(&self, arm: usize) -> bool {
        self.arms[arm].slices > 0 && self.arms[0].slices > 0
    }

    /// The posterior probability that the gain of an arm with slices is large enough, with a
    /// Beta(1/2, 1/2) prior for the share of its crashes in those of both.
    fn chance(&self, arm: usize) -> f64 {
        let (arm, base) = (&self.arms[arm], &self.arms[0]);
        let odds = self.settings.gain * arm.seconds / base.seconds;
        let (a, b) = (0.5 + arm.crashes as f64, 0.5 + base.crashes as f64);
        beta_at(a, b, odds / (1.0 + odds), 1.0 / (1.0 + odds))
            .ln_upper
            .exp()
    }

    /// The arm of the next slice of the search: the base if it lacks its share, or else the arm with
    /// the highest rate drawn from the posteriors.
    ///
    /// Thompson 1933, Biometrika 25. The prior of a rate is exponential with a mean of one crash a
    /// slice, so that every arm is tried.
    fn choose(&mut self) -> usize {
        if self.arms.len() == 1 || self.arms[0].seconds < BASE_SHARE * self.seconds {
            return 0;
        }
        let mut best = (0, f64::NEG_INFINITY);
        for (at, arm) in self.arms.iter().enumerate().skip(1) {
            let draw =
                self.random.gamma(1.0 + arm.crashes as f64) / (self.settings.slice + arm.seconds);
            if draw > best.1 {
                best = (at, draw);
            }
        }
        best.0
    }
}
