//! What is known of a history: priors, costs, the rounds at each commit, and which are built.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, Sub};

use crate::counts::Counts;
use crate::error::{StatsError, positive};

/// Bad rounds of all rounds at some commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) bad: u64,
    pub(super) n: u64,
}

impl Tally {
    pub(super) fn good(self) -> u64 {
        self.n - self.bad
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            bad: self.bad + more.bad,
            n: self.n + more.n,
        }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        Self {
            bad: self.bad - part.bad,
            n: self.n - part.n,
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

/// Whether a commit can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommitState {
    Unbuilt,
    Built,
    /// It does not build, or its rounds say nothing about the searched crash.
    Untestable,
}

/// A history of commits 0 (the good end) to N (the bad end), whose crash rate changed at one of the
/// commits 1 to N, or not at all.
///
/// Commits before the change have one unknown rate, it and those after it another. Both rates have
/// beta priors and are integrated out.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeModel {
    pub(super) commits: usize,
    /// The prior weights of the commits 1 to N.
    pub(super) weights: Vec<f64>,
    /// The prior weight of "nothing changed".
    pub(super) none: f64,
    pub(super) old_prior: [f64; 2],
    pub(super) new_prior: [f64; 2],
    pub(super) build_cost: f64,
    pub(super) batches: Vec<u64>,
    pub(super) states: Vec<CommitState>,
    pub(super) observed: BTreeMap<usize, Tally>,
}

impl ChangeModel {
    /// A history whose last commit has the number `commits` (at least 1). Every commit has the same
    /// prior weight, the rates have Beta(1/2, 1/2) priors, and builds are free.
    ///
    /// # Errors
    /// There are no commits.
    pub fn new(commits: usize) -> Result<Self, StatsError> {
        if commits == 0 {
            let what = "the number of commits";
            return Err(StatsError::Zero { what });
        }
        Ok(Self {
            commits,
            weights: vec![1.0; commits],
            none: 0.0,
            old_prior: [0.5; 2],
            new_prior: [0.5; 2],
            build_cost: 0.0,
            batches: vec![1, 2, 4, 8, 16, 32],
            states: vec![CommitState::Unbuilt; commits + 1],
            observed: BTreeMap::new(),
        })
    }

    /// The same with other prior weights of the commits 1 to N (not negative, with a positive sum;
    /// missing ones are 0).
    ///
    /// # Errors
    /// The sum of the weights is not positive, or one of them is negative.
    pub fn with_weights(mut self, weights: &[f64]) -> Result<Self, StatsError> {
        if let Some(negative) = weights.iter().find(|weight| **weight < 0.0) {
            positive("a weight", *negative)?;
        }
        positive("the sum of the weights", weights.iter().sum())?;
        self.weights = weights.to_vec();
        self.weights.resize(self.commits, 0.0);
        Ok(self)
    }

    /// The same with a prior weight of "nothing changed" (0 or more).
    #[must_use]
    pub fn with_none(mut self, weight: f64) -> Self {
        self.none = weight;
        self
    }

    /// The same with other priors, as the two parameters (above 0) of the beta distributions of the
    /// rates before and after the change.
    ///
    /// # Errors
    /// A parameter is not positive.
    pub fn with_priors(mut self, old: [f64; 2], new: [f64; 2]) -> Result<Self, StatsError> {
        for parameter in old.into_iter().chain(new) {
            positive("a parameter of a prior", parameter)?;
        }
        (self.old_prior, self.new_prior) = (old, new);
        Ok(self)
    }

    /// The same with the cost of a build, in rounds (0 or more).
    #[must_use]
    pub fn with_build_cost(mut self, rounds: f64) -> Self {
        self.build_cost = rounds;
        self
    }

    /// The same with other numbers of rounds (1 or more) that may be run at once.
    #[must_use]
    pub fn with_batches(mut self, batches: &[u64]) -> Self {
        self.batches = batches.to_vec();
        self
    }

    /// The number of the last commit.
    pub fn commits(&self) -> usize {
        self.commits
    }

    /// Adds rounds at `commit` (0 to N), which is built then.
    ///
    /// # Panics
    /// The commit is beyond the last one.
    pub fn observe(&mut self, commit: usize, rounds: Counts) {
        self.set_built(commit);
        if rounds.n() > 0 {
            let seen = self.observed.entry(commit).or_default();
            *seen = *seen
                + Tally {
                    bad: rounds.bad(),
                    n: rounds.n(),
                };
        }
    }

    /// Records that `commit` is built.
    ///
    /// # Panics
    /// The commit is beyond the last one.
    pub fn set_built(&mut self, commit: usize) {
        self.states[commit] = CommitState::Built;
    }

    /// Records that `commit` cannot be tested. Its rounds are no evidence.
    ///
    /// # Panics
    /// The commit is beyond the last one.
    pub fn set_untestable(&mut self, commit: usize) {
        self.states[commit] = CommitState::Untestable;
        self.observed.remove(&commit);
    }

    pub(super) fn set_unbuilt(&mut self, commit: usize) {
        self.states[commit] = CommitState::Unbuilt;
    }

    pub(super) fn is_testable(&self, commit: usize) -> bool {
        self.states[commit] != CommitState::Untestable
    }

    pub(super) fn is_unbuilt(&self, commit: usize) -> bool {
        self.states[commit] == CommitState::Unbuilt
    }

    pub(super) fn untestable(&self) -> Vec<bool> {
        let is_untestable = |state: &CommitState| *state == CommitState::Untestable;
        self.states.iter().map(is_untestable).collect()
    }
}
