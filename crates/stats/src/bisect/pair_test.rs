//! A test of two commits on fresh pairs of rounds.

use std::collections::VecDeque;

use super::pairs::PairProcess;

/// The most pairs that are asked for at once.
const MOST_AHEAD: u64 = 16;

/// Pairs of rounds of two commits, and whether they show that the second crashes more often.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PairTest {
    commits: [usize; 2],
    process: PairProcess,
    ln_needed: f64,
    /// The rounds of one side that wait for the other.
    waiting: [VecDeque<bool>; 2],
    /// Bad rounds of each side among the pairs.
    bad: [u64; 2],
}

impl PairTest {
    pub(super) fn new(commits: [usize; 2], process: PairProcess, error: f64) -> Self {
        Self {
            commits,
            process,
            ln_needed: -error.ln(),
            waiting: [VecDeque::new(), VecDeque::new()],
            bad: [0; 2],
        }
    }

    /// Adds a round of one of the commits; a round of another commit is ignored.
    pub(super) fn push(&mut self, commit: usize, is_bad: bool) {
        let Some(side) = self.commits.iter().position(|one| *one == commit) else {
            return;
        };
        self.waiting[side].push_back(is_bad);
        let [one, two] = &mut self.waiting;
        if one.is_empty() || two.is_empty() {
            return;
        }
        let pair = [one.pop_front(), two.pop_front()].map(|bad| bad == Some(true));
        self.process.push(pair);
        for (sum, is_bad) in self.bad.iter_mut().zip(pair) {
            *sum += u64::from(is_bad);
        }
    }

    pub(super) fn commits(&self) -> [usize; 2] {
        self.commits
    }

    pub(super) fn pairs(&self) -> u64 {
        self.process.pairs()
    }

    pub(super) fn bad(&self) -> [u64; 2] {
        self.bad
    }

    pub(super) fn ln_e(&self) -> f64 {
        self.process.ln_e()
    }

    pub(super) fn ln_needed(&self) -> f64 {
        self.ln_needed
    }

    pub(super) fn is_shown(&self) -> bool {
        self.ln_e() >= self.ln_needed
    }

    /// The rounds of each side without which no verdict is possible: those of the pairs that would
    /// show it if only the second commit crashed. They are for at most `most` pairs.
    pub(super) fn lacking(&self, most: u64) -> [u64; 2] {
        let mut process = self.process;
        let mut pairs = 0;
        while pairs < most.min(MOST_AHEAD) && process.ln_e() < self.ln_needed {
            process.push([false, true]);
            pairs += 1;
        }
        [0, 1].map(|side| pairs.saturating_sub(self.waiting[side].len() as u64))
    }
}
