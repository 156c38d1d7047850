//! Counts of outcomes, and the cell of one round.

use crashrate_model::{Outcome, OutcomeSet};
use crashrate_stats::{Counts, StatsError};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::is_bad_end;

/// How many attempts had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes([u32; Outcome::ALL.len()]);

impl Outcomes {
    /// The number of attempts with this outcome.
    pub fn get(&self, outcome: Outcome) -> u32 {
        self.0[outcome as usize]
    }

    /// The outcomes that occurred, in their usual order.
    pub fn occurred(&self) -> impl Iterator<Item = (Outcome, u32)> + '_ {
        Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, self.get(outcome)))
            .filter(|(_, n)| *n > 0)
    }

    /// The number of attempts.
    pub fn sum(&self) -> u32 {
        self.0.iter().sum()
    }

    /// The number of attempts that count in rates.
    pub fn counted(&self) -> u32 {
        self.occurred()
            .filter(|(outcome, _)| outcome.counts())
            .map(|(_, n)| n)
            .sum()
    }

    /// The bad ones among those that count.
    pub(crate) fn share(&self, bad: &OutcomeSet) -> Share {
        let counted = self.occurred().filter(|(outcome, _)| outcome.counts());
        let bad = counted.filter(|(outcome, _)| bad.contains(*outcome));
        Share {
            bad: bad.map(|(_, n)| n).sum(),
            n: self.counted(),
        }
    }

    pub(crate) fn add(&mut self, outcome: Outcome, n: u32) {
        self.0[outcome as usize] += n;
    }

    pub(crate) fn add_all(&mut self, other: &Outcomes) {
        for (outcome, n) in other.occurred() {
            self.add(outcome, n);
        }
    }
}

impl FromIterator<Outcome> for Outcomes {
    fn from_iter<I: IntoIterator<Item = Outcome>>(all: I) -> Self {
        let mut outcomes = Outcomes::default();
        all.into_iter().for_each(|outcome| outcomes.add(outcome, 1));
        outcomes
    }
}

impl Serialize for Outcomes {
    /// A map of the outcomes that occurred.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.occurred())
    }
}

/// Bad first attempts over those that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// Bad ones, by the suite's definition.
    pub bad: u32,
    /// Those that count.
    pub n: u32,
}

/// A number of rounds that was summed up as a larger integer.
pub(crate) fn rounds(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl From<Counts> for Share {
    fn from(counts: Counts) -> Share {
        Share {
            bad: rounds(counts.bad()),
            n: rounds(counts.n()),
        }
    }
}

impl Share {
    /// The counts that statistical tests take.
    ///
    /// # Errors
    /// `bad` is greater than `n`.
    pub fn counts(self) -> Result<Counts, StatsError> {
        Counts::new(self.bad.into(), self.n.into())
    }

    pub(crate) fn add(&mut self, other: Share) {
        self.bad += other.bad;
        self.n += other.n;
    }
}

/// Started rounds without a result, and the rates they allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bounds {
    /// Their number: lost, interrupted or not started, including rounds that were run again after
    /// being lost.
    pub missing: u32,
    /// The rate if none of them was bad.
    pub best: Share,
    /// The rate if all of them were bad.
    pub worst: Share,
}

impl Bounds {
    /// The bounds with this many rounds without a result; `None` if all have one.
    pub(crate) fn of(known: Share, missing: u32) -> Option<Bounds> {
        let with = |bad| Share {
            bad: known.bad + bad,
            n: known.n + missing,
        };
        (missing > 0).then(|| Bounds {
            missing,
            best: with(0),
            worst: with(missing),
        })
    }
}

/// One round of a unit, or of a chapter of a sequence. Eight bytes, so that a long run's cells can
/// all be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The first attempt's outcome; `None` if it was not run or is running.
    pub first: Option<Outcome>,
    /// The outcome of the last attempt that counts.
    pub last: Option<Outcome>,
    /// The number of the last attempt that counts.
    pub attempts: u32,
    /// Whether a first attempt was started and has no result, even if the round was run again.
    pub vanished: bool,
    /// In a merged run: which run of its shard made the first attempt, at most 255.
    pub run: u8,
}

impl Cell {
    /// Whether the round's first attempt has no result. A repetition does not replace it, since it
    /// was made because the first attempt vanished.
    pub fn is_missing(&self) -> bool {
        self.vanished || self.first == Some(Outcome::NotStarted)
    }

    /// Whether it passed only on a retry. A first attempt that does not count (device missing,
    /// chapter not reached) says nothing about the chapter, so it is not flaky.
    pub fn is_flaky(&self) -> bool {
        self.last == Some(Outcome::Passed) && self.first.is_some_and(is_bad_end)
    }

    /// Whether its first attempt did something else than pass, be skipped or not be reached.
    pub(crate) fn is_remarkable(&self) -> bool {
        let usual = [Outcome::Passed, Outcome::Skipped, Outcome::Unreached];
        self.first.is_some_and(|first| !usual.contains(&first)) || self.vanished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_separately() {
        let mut outcomes = Outcomes::default();
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            outcomes.add(outcome, place as u32 + 1);
        }
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcomes.get(outcome), place as u32 + 1);
        }
        assert_eq!(outcomes.sum(), 55);
        assert_eq!(outcomes.counted(), 15);
    }

    #[test]
    fn a_cell_stays_small() {
        assert_eq!(std::mem::size_of::<Cell>(), 8);
    }
}
