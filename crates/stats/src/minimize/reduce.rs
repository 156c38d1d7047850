//! The search for the smallest numbers with which a program still crashes.

use crate::error::{StatsError, open_unit};

use super::Death;
use super::certificate::Sprt;
use super::rates::Rates;
use super::tally::Seen;

/// Reduces numbers (threads, iterations, a duration) as far as the program still crashes at the
/// level: each in turn is halved until the crash is gone, then bisected. Every step is a sequential
/// test. It assumes that smaller numbers crash less often.
#[derive(Debug, Clone)]
pub struct Reducer {
    values: Vec<u64>,
    rates: Rates,
    error: f64,
    test: Sprt,
    /// The number being reduced, and the largest value of it that does not crash (0: none known).
    index: usize,
    too_small: u64,
    /// The rounds of the values under test.
    seen: Seen,
    /// The rounds that have shown that `values` crash.
    shown: Seen,
    runs: u64,
}

/// The smallest numbers that still crash.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    /// The numbers, in the order given.
    pub values: Vec<u64>,
    /// The rounds of the test that showed that they crash; none if no number could be reduced.
    pub rounds: u64,
    /// The rounds of it that died.
    pub deaths: u64,
    /// An upper bound of the probability that any test of a step was wrong.
    pub error: f64,
}

impl Reducer {
    /// A search from `values` (each at least 1) that keeps a crash rate of at least `rate_level`,
    /// wrong with probability at most `error` (both strictly between 0 and 1).
    pub fn new(values: &[u64], rate_level: f64, error: f64) -> Result<Reducer, StatsError> {
        if values.is_empty() || values.contains(&0) {
            let what = "each number to reduce";
            return Err(StatsError::Zero { what });
        }
        let rates = Rates::at_level(open_unit("the level", rate_level)?, None);
        let error = open_unit("the error", error)?;
        // A number takes at most as many steps as it has bits, and a step makes one error at most.
        let steps: u32 = values
            .iter()
            .map(|value| u64::BITS - value.leading_zeros())
            .sum();
        let each = error / f64::from(steps);
        let mut reducer = Self {
            values: values.to_vec(),
            rates,
            error,
            test: Sprt {
                false_crash: each,
                false_quiet: each,
            },
            index: 0,
            too_small: 0,
            seen: Seen::default(),
            shown: Seen::default(),
            runs: 0,
        };
        reducer.skip_finished();
        Ok(reducer)
    }

    /// The values to run next, while those in `running` have no result yet. With none running there
    /// are some until the search is answered.
    pub fn next(&self, running: &[&[u64]]) -> Option<Vec<u64>> {
        if self.is_answered() {
            return None;
        }
        let values = self.tested();
        let pending = running.iter().filter(|other| **other == values).count() as u64;
        let open = (self.test.verdict(&self.rates, self.seen.surviving(pending))).is_none();
        (open || running.is_empty()).then_some(values)
    }

    /// Records the end of a round with `values`. Rounds of other values than those under test, left
    /// over from parallel runs, are only counted.
    pub fn push(&mut self, values: &[u64], death: Death) {
        self.runs += 1;
        if self.is_answered() || values != self.tested() {
            return;
        }
        match death {
            Death::None => self.seen.survived += 1,
            Death::Target(_) => self.seen.deaths += 1,
            Death::Other => return,
        }
        let Some(crashes) = self.test.verdict(&self.rates, self.seen) else {
            return;
        };
        self.decide(crashes);
    }

    /// Whether the search has ended.
    pub fn is_answered(&self) -> bool {
        self.index == self.values.len()
    }

    /// The answer, once the search has ended.
    pub fn answer(&self) -> Option<Reduced> {
        self.is_answered().then(|| Reduced {
            values: self.values.clone(),
            rounds: self.shown.rounds(),
            deaths: self.shown.deaths,
            error: self.error,
        })
    }

    /// The smallest values that are known to crash so far.
    pub fn best(&self) -> Vec<u64> {
        self.values.clone()
    }

    /// The rounds so far.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The values under test: the number being reduced is halfway between what crashes and what does
    /// not.
    fn tested(&self) -> Vec<u64> {
        let mut values = self.values.clone();
        if let Some(value) = values.get_mut(self.index) {
            *value = self.too_small + (*value - self.too_small) / 2;
        }
        values
    }

    fn decide(&mut self, crashes: bool) {
        let tested = self.tested();
        let seen = std::mem::take(&mut self.seen);
        if crashes {
            self.values = tested;
            self.shown = seen;
        } else {
            self.too_small = tested[self.index];
        }
        self.skip_finished();
    }

    /// Moves to the next number while the current one is as small as it can be.
    fn skip_finished(&mut self) {
        while (self.values.get(self.index)).is_some_and(|value| value - self.too_small <= 1) {
            self.index += 1;
            self.too_small = 0;
        }
    }
}
