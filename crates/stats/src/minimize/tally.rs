//! Rounds by the part of the sequence that ran.

use std::collections::BTreeMap;

use super::Death;

/// The rounds of one part.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds {
    survived: u64,
    other: u64,
    /// Deaths with the searched signature, by the chapter they happened in.
    deaths: BTreeMap<Option<usize>, u64>,
}

/// The rounds of one part that count: deaths as searched for, and rounds without a death.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) deaths: u64,
    pub(super) survived: u64,
}

impl Seen {
    pub(super) fn rounds(self) -> u64 {
        self.deaths + self.survived
    }

    /// The same with `more` rounds without a death.
    pub(super) fn surviving(self, more: u64) -> Self {
        Seen {
            survived: self.survived + more,
            ..self
        }
    }
}

impl Rounds {
    /// Deaths with the searched signature, anywhere.
    pub(super) fn deaths(&self) -> u64 {
        self.deaths.values().sum()
    }

    /// The chapter with the most deaths, and their number.
    pub(super) fn deadliest(&self) -> Option<(usize, u64)> {
        let placed = self.deaths.iter().filter_map(|(at, n)| Some(((*at)?, *n)));
        placed.max_by_key(|(at, n)| (*n, std::cmp::Reverse(*at)))
    }
}

/// All rounds so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<Vec<usize>, Rounds>);

impl Tally {
    pub(super) fn add(&mut self, part: &[usize], death: Death) {
        let rounds = self.0.entry(part.to_vec()).or_default();
        match death {
            Death::None => rounds.survived += 1,
            Death::Target(at) => *rounds.deaths.entry(at).or_default() += 1,
            Death::Other => rounds.other += 1,
        }
    }

    pub(super) fn of(&self, part: &[usize]) -> Option<&Rounds> {
        self.0.get(part)
    }

    /// The rounds of `part` that count when the crash is searched in chapter `place`. Without that
    /// chapter in the part, or without a place, a death in any chapter counts. A death in another
    /// chapter hides what `place` would have done and does not count.
    pub(super) fn seen(&self, part: &[usize], place: Option<usize>) -> Seen {
        let Some(rounds) = self.0.get(part) else {
            return Seen::default();
        };
        let deaths = match place {
            Some(at) if part.contains(&at) => rounds.deaths.get(&place).copied().unwrap_or(0),
            _ => rounds.deaths(),
        };
        Seen {
            deaths,
            survived: rounds.survived,
        }
    }

    /// Deaths with the searched signature in all parts: in chapter `place`, and in other chapters
    /// of a part that has it.
    pub(super) fn placed(&self, place: usize) -> [u64; 2] {
        let parts = self.0.iter().filter(|(part, _)| part.contains(&place));
        parts.fold([0, 0], |[here, elsewhere], (_, rounds)| {
            let at = rounds.deaths.get(&Some(place)).copied().unwrap_or(0);
            [here + at, elsewhere + rounds.deaths() - at]
        })
    }

    /// All parts with their rounds.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&[usize], &Rounds)> {
        self.0
            .iter()
            .map(|(part, rounds)| (part.as_slice(), rounds))
    }
}
