//! The search with a known place of death: which half of the candidates crashes with it.

use super::rates::Rates;
use super::tally::Tally;

/// A half that crashes survives as many rounds as it gets with this probability.
const MISS: f64 = 0.01;

/// The candidates before the chapter in which the sequence dies.
#[derive(Debug, Clone)]
pub(super) struct Halving {
    candidates: Vec<usize>,
    victim: usize,
}

/// What the halves have shown.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Open,
    /// A half died; the search continues in it.
    Keep(Halving),
    /// Neither half dies.
    Neither,
}

impl Halving {
    pub(super) fn new(victim: usize) -> Self {
        Self {
            candidates: (0..victim).collect(),
            victim,
        }
    }

    pub(super) fn candidates(&self) -> &[usize] {
        &self.candidates
    }

    fn halves(&self) -> [&[usize]; 2] {
        let (early, late) = self.candidates.split_at(self.candidates.len() / 2);
        [early, late]
    }

    fn parts(&self) -> [Vec<usize>; 2] {
        self.halves().map(|half| self.with_victim(half))
    }

    fn with_victim(&self, half: &[usize]) -> Vec<usize> {
        half.iter().copied().chain([self.victim]).collect()
    }

    pub(super) fn step(&self, rates: &Rates, tally: &Tally) -> Step {
        let limit = rates.rounds_to_miss(MISS);
        let seen = self
            .parts()
            .map(|part| tally.seen(&part, Some(self.victim)));
        let died = seen.iter().position(|seen| seen.deaths > 0);
        match died {
            Some(half) => Step::Keep(Self {
                candidates: self.halves()[half].to_vec(),
                victim: self.victim,
            }),
            None if seen.iter().all(|seen| seen.survived >= limit) => Step::Neither,
            None => Step::Open,
        }
    }

    /// The half with fewer rounds, unless its running rounds are enough.
    pub(super) fn next(
        &self,
        rates: &Rates,
        tally: &Tally,
        running: &[&[usize]],
    ) -> Option<Vec<usize>> {
        let limit = rates.rounds_to_miss(MISS);
        let parts = self.parts().into_iter().map(|part| {
            let pending = running.iter().filter(|other| **other == part).count() as u64;
            (
                tally.seen(&part, Some(self.victim)).survived + pending,
                part,
            )
        });
        let open = parts.filter(|(rounds, _)| *rounds < limit);
        open.min_by_key(|(rounds, _)| *rounds).map(|(_, part)| part)
    }

    /// The posterior of each candidate, if exactly one of them is needed.
    pub(super) fn posterior(&self, rates: &Rates, tally: &Tally) -> Vec<(usize, f64)> {
        let weights = self.parts().map(|part| {
            let seen = tally.seen(&part, Some(self.victim));
            rates.ln_ratio(seen).exp()
        });
        let sizes = self.halves().map(<[usize]>::len);
        let total = weights[0] * sizes[0] as f64 + weights[1] * sizes[1] as f64;
        let of = |half: usize| {
            let each = weights[half] / total;
            self.halves()[half]
                .iter()
                .map(move |c| (*c, each))
                .collect::<Vec<_>>()
        };
        [of(0), of(1)].concat()
    }
}
