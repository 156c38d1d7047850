//! The proof of an answer on fresh rounds: the kept chapters crash, and without any one of them
//! they do not.

use super::rates::Rates;
use super::tally::{Seen, Tally};

/// The share of the error that the first certificate may spend; later ones halve the rest.
const FIRST: f64 = 0.98;

/// The error of "the kept chapters crash", as a share of the certificate's.
const KEPT: f64 = 0.3;

/// The error of dropping a needed chapter, for all chapters together, as a share of the
/// certificate's.
const DROPPED: f64 = 0.01;

/// The probability with which a part that crashes is taken for one that does not and searched
/// again. It costs rounds and makes no answer wrong.
const SEARCH_AGAIN: f64 = 0.02;

/// A sequential probability ratio test of "crashes at the level" against "at the background rate".
///
/// Wald 1945. With these bounds each error is below its limit without any approximation, because a
/// likelihood ratio ever exceeds 1/a with probability at most a (Ville 1939).
#[derive(Debug, Clone, Copy)]
pub(super) struct Sprt {
    /// The probability of "crashes" for a part at the background rate.
    pub(super) false_crash: f64,
    /// The probability of "does not crash" for a part at the level.
    pub(super) false_quiet: f64,
}

impl Sprt {
    /// Whether the part crashes, once that is decided.
    pub(super) fn verdict(self, rates: &Rates, seen: Seen) -> Option<bool> {
        let ln_ratio = rates.ln_ratio(seen);
        if ln_ratio >= -self.false_crash.ln() {
            Some(true)
        } else if ln_ratio <= self.false_quiet.ln() {
            Some(false)
        } else {
            None
        }
    }

    /// The rounds without a death that would decide the test, from none on.
    fn rounds_to_quiet(self, rates: &Rates) -> f64 {
        let one = rates.ln_ratio(Seen::default().surviving(1));
        (self.false_quiet.ln() / one).ceil()
    }
}

/// The certificate of one set of kept chapters.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    kept: Vec<usize>,
    /// The rounds since the chapters were chosen.
    fresh: Tally,
    /// Whether the kept chapters are known to crash from an earlier certificate.
    crashes: Option<Seen>,
    /// The error that this certificate may spend.
    share: f64,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ruling {
    /// More rounds are needed.
    Open,
    /// Every claim is shown.
    Holds,
    /// The kept chapters do not crash.
    Fails,
    /// The chapters crash without this one; these were the rounds.
    NotNeeded(usize, Seen),
}

impl Certificate {
    /// The certificate number `attempt` (from 0) of a search with the given total `error`.
    pub(super) fn new(kept: Vec<usize>, error: f64, attempt: i32) -> Self {
        let share = match attempt {
            0 => FIRST * error,
            later => (1.0 - FIRST) * error * 0.5_f64.powi(later),
        };
        Self {
            kept,
            fresh: Tally::default(),
            crashes: None,
            share,
        }
    }

    /// The same with the rounds that have shown that the kept chapters crash.
    pub(super) fn with_crashes(mut self, seen: Seen) -> Self {
        self.crashes = Some(seen);
        self
    }

    pub(super) fn fresh_mut(&mut self) -> &mut Tally {
        &mut self.fresh
    }

    pub(super) fn error(&self) -> f64 {
        self.share
    }

    /// The kept chapters without one of them. A sequence of one chapter has no such part.
    pub(super) fn without(&self) -> Vec<(usize, Vec<usize>)> {
        if self.kept.len() < 2 {
            return Vec::new();
        }
        let others = |out: usize| self.kept.iter().copied().filter(|c| *c != out).collect();
        self.kept.iter().map(|out| (*out, others(*out))).collect()
    }

    fn kept_test(&self) -> Sprt {
        Sprt {
            false_crash: KEPT * self.share,
            false_quiet: SEARCH_AGAIN,
        }
    }

    /// The test of the kept chapters without one of them.
    ///
    /// The certificate is an intersection-union test (Berger 1982): it holds only if every test
    /// says so. If the kept chapters crash without one of them, that one's test must be wrong, which
    /// has at most the probability of this test alone. The errors of the tests do not add up.
    /// Chapters dropped by mistake do.
    fn without_test(&self) -> Sprt {
        Sprt {
            false_crash: DROPPED * self.share / self.kept.len() as f64,
            false_quiet: (1.0 - DROPPED) * self.share,
        }
    }

    pub(super) fn kept_rounds(&self, place: Option<usize>) -> Seen {
        self.crashes
            .unwrap_or_else(|| self.fresh.seen(&self.kept, place))
    }

    pub(super) fn rounds(&self, part: &[usize], place: Option<usize>) -> Seen {
        self.fresh.seen(part, place)
    }

    pub(super) fn ruling(&self, rates: &Rates, place: Option<usize>) -> Ruling {
        let mut is_open = false;
        if self.crashes.is_none() {
            match (self.kept_test()).verdict(rates, self.rounds(&self.kept, place)) {
                Some(true) => {}
                Some(false) => return Ruling::Fails,
                None => is_open = true,
            }
        }
        for (out, part) in self.without() {
            let seen = self.rounds(&part, place);
            match self.without_test().verdict(rates, seen) {
                Some(false) => {}
                Some(true) => return Ruling::NotNeeded(out, seen),
                None => is_open = true,
            }
        }
        match is_open {
            true => Ruling::Open,
            false => Ruling::Holds,
        }
    }

    /// The part to run next: the kept chapters until they are shown to crash, then those without
    /// one of them. A test that would be decided if all its running rounds survived gets no more.
    pub(super) fn next(
        &self,
        rates: &Rates,
        place: Option<usize>,
        running: &[&[usize]],
    ) -> Option<Vec<usize>> {
        let tests = (self.crashes.is_none()).then(|| (self.kept.clone(), self.kept_test()));
        let without = self.without();
        let without = without
            .into_iter()
            .map(|(_, part)| (part, self.without_test()));
        let mut first = None;
        for (part, test) in tests.into_iter().chain(without) {
            let seen = self.rounds(&part, place);
            if test.verdict(rates, seen).is_some() {
                continue;
            }
            let pending = running.iter().filter(|other| **other == part).count() as u64;
            if (test.verdict(rates, seen.surviving(pending))).is_none() {
                return Some(part);
            }
            first.get_or_insert(part);
        }
        first.filter(|_| running.is_empty())
    }

    /// The rounds that are probably needed.
    pub(super) fn expected(&self, rates: &Rates, place: Option<usize>) -> f64 {
        let kept = match self.crashes {
            Some(_) => 0.0,
            None => {
                let missing = -self.kept_test().false_crash.ln()
                    - rates.ln_ratio(self.rounds(&self.kept, place));
                missing.max(0.0) / rates.drift()
            }
        };
        let test = self.without_test();
        let without = self.without();
        let left = without.iter().map(|(_, part)| {
            let seen = self.rounds(part, place);
            let missing = rates.ln_ratio(seen) - test.false_quiet.ln();
            let whole = test.rounds_to_quiet(rates);
            whole * missing.max(0.0) / -test.false_quiet.ln()
        });
        kept + left.sum::<f64>()
    }
}
