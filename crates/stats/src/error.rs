//! Errors in arguments.

use thiserror::Error;

/// An invalid argument. Counts from [`crate::Counts::new`] never cause one, apart from the
/// documented limits.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum StatsError {
    /// More bad rounds than rounds.
    #[error("{bad} bad rounds of {n}: more bad rounds than rounds")]
    BadExceedsRounds {
        /// Bad rounds.
        bad: u64,
        /// All rounds.
        n: u64,
    },
    /// More rounds than the method supports.
    #[error("{n} rounds: {method} supports at most {limit}")]
    TooManyRounds {
        /// The method.
        method: &'static str,
        /// The number of rounds given.
        n: u64,
        /// The most rounds allowed.
        limit: u64,
    },
    /// A number that must lie strictly between 0 and 1.
    #[error("{what} is {value}: it must lie strictly between 0 and 1")]
    NotBetweenZeroAndOne {
        /// The argument.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A probability outside of 0 to 1; both ends are allowed.
    #[error("{what} is {value}: it must lie between 0 and 1")]
    NotAProbability {
        /// The argument.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A number that must be positive and finite.
    #[error("{what} is {value}: it must be a positive finite number")]
    NotPositive {
        /// The argument.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A commit beyond the last one of a history.
    #[error("commit {commit}: the last commit is {last}")]
    NoSuchCommit {
        /// The number of the commit.
        commit: usize,
        /// The number of the last commit.
        last: usize,
    },
    /// An arm of a search that was not added.
    #[error("arm {arm}: there are {arms} arms, from 0 on")]
    NoSuchArm {
        /// The number of the arm.
        arm: usize,
        /// The number of arms.
        arms: usize,
    },
    /// A count that must be at least one.
    #[error("{what} must be at least 1")]
    Zero {
        /// The argument.
        what: &'static str,
    },
    /// A plan to detect a difference between two equal rates.
    #[error("both rates are {rate}: no number of rounds can distinguish equal rates")]
    EqualRates {
        /// The rate.
        rate: f64,
    },
    /// The required number of rounds exceeds [`crate::MAX_ROUNDS`].
    #[error("even {limit} rounds are too few")]
    NotReached {
        /// The largest number considered.
        limit: u64,
    },
}

/// Returns `value` if it lies strictly between 0 and 1; rejects NaN.
pub(crate) fn open_unit(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(StatsError::NotBetweenZeroAndOne { what, value })
    }
}

/// Returns `value` if it lies between 0 and 1, ends included.
pub(crate) fn probability(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(StatsError::NotAProbability { what, value })
    }
}

/// Returns `value` if it is positive and finite.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(StatsError::NotPositive { what, value })
    }
}
