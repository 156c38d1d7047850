//! Counts of bad rounds, and intervals.

use crate::error::StatsError;

/// The most rounds that [`Counts`] accepts. The series and sums of this crate take about the square
/// root of it in steps.
pub const MAX_ROUNDS: u64 = 1_000_000_000;

/// Bad rounds out of all rounds, with the invariant `bad <= n <= MAX_ROUNDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counts {
    bad: u64,
    n: u64,
}

impl Counts {
    /// Creates the counts of `bad` bad rounds out of `n`. Zero rounds are allowed and carry no
    /// information.
    pub fn new(bad: u64, n: u64) -> Result<Self, StatsError> {
        if bad > n {
            return Err(StatsError::BadExceedsRounds { bad, n });
        }
        if n > MAX_ROUNDS {
            return Err(StatsError::TooManyRounds {
                method: "a rate",
                n,
                limit: MAX_ROUNDS,
            });
        }
        Ok(Self { bad, n })
    }

    /// Bad rounds.
    pub fn bad(self) -> u64 {
        self.bad
    }

    /// Rounds that were not bad.
    pub fn good(self) -> u64 {
        self.n - self.bad
    }

    /// All rounds.
    pub fn n(self) -> u64 {
        self.n
    }

    /// The share of bad rounds, 0 to 1; `None` without rounds.
    pub fn rate(self) -> Option<f64> {
        (self.n > 0).then(|| self.bad as f64 / self.n as f64)
    }

    /// The rounds of all of these together.
    pub(crate) fn sum(all: impl IntoIterator<Item = Self>) -> Result<Self, StatsError> {
        let (mut bad, mut n) = (0, 0);
        for one in all {
            bad += one.bad;
            n += one.n;
        }
        Self::new(bad, n)
    }

    /// The rounds that are not among `part`, some of these rounds.
    pub(crate) fn without(self, part: Self) -> Self {
        Self {
            bad: self.bad - part.bad,
            n: self.n - part.n,
        }
    }

    /// The same rounds with good and bad swapped.
    pub(crate) fn mirrored(self) -> Self {
        Self {
            bad: self.good(),
            n: self.n,
        }
    }
}

/// A closed interval. The upper end of a ratio may be infinite; neither end is ever NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

impl Interval {
    /// The interval of a probability without any rounds.
    pub(crate) const UNIT: Self = Self { lo: 0.0, hi: 1.0 };

    /// Whether `value` lies in the interval, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// The interval of `1 - x`.
    pub(crate) fn mirrored(self) -> Self {
        Self {
            lo: 1.0 - self.hi,
            hi: 1.0 - self.lo,
        }
    }
}
