//! Reads the rounds of a search from the records of its run.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{DiedIn, Ended, Exit, MinimizeRule, Outcome, OutcomeSet, Part, Unit};

/// How a round of a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// It did not die.
    None,
    /// It died with the signature that is searched, in the chapter of this index in the unit;
    /// between chapters or at exit if `None`.
    Target(Option<u32>),
    /// It died otherwise: evidence neither for nor against.
    Other,
}

/// Reads how the rounds of a search ended. `T` is what a round ran.
#[derive(Clone, Debug)]
pub struct Deaths<T> {
    /// The chapters of the unit.
    chapters: Vec<String>,
    bad: OutcomeSet,
    target: Option<String>,
    choice: TargetChoice<T>,
    /// How often each signature was seen.
    signatures: BTreeMap<String, u32>,
    /// The rounds before the target was known.
    early: Vec<(T, Option<BadEnd>)>,
}

/// How the signature that is searched is chosen, if none is given.
#[derive(Clone, Debug)]
pub struct TargetChoice<T> {
    /// The deaths of one signature after which it is the one that is searched.
    pub deaths: usize,
    /// By how many deaths it must lead.
    pub lead: usize,
    /// Only rounds that ran this have a say; all if `None`.
    pub among: Option<T>,
}

impl<T> Default for TargetChoice<T> {
    fn default() -> Self {
        TargetChoice {
            deaths: TARGET_DEATHS,
            lead: 1,
            among: None,
        }
    }
}

/// A bad end of a round.
#[derive(Clone, Debug)]
struct BadEnd {
    signature: String,
    /// Its signal, exit code or outcome.
    kind: String,
    /// The index of the chapter in which it died.
    place: Option<u32>,
}

/// The most signatures that are counted.
const MAX_SIGNATURES: usize = 100;

/// The deaths of one signature after which it is the one that is searched.
pub const TARGET_DEATHS: usize = 5;

impl Deaths<Part> {
    /// The reader of the rounds of a search in this unit; each ran a part of it.
    pub fn of_minimize(rule: &MinimizeRule, unit: &Unit, bad: &OutcomeSet) -> Deaths<Part> {
        let choice = TargetChoice::default();
        Deaths::new(&unit.chapters, bad, rule.signature.as_deref(), choice)
    }
}

impl<T: Clone + PartialEq> Deaths<T> {
    /// The reader for rounds of a unit with these chapters. `target` is the signature that is
    /// searched, or a text in it.
    pub fn new(
        chapters: &[String],
        bad: &OutcomeSet,
        target: Option<&str>,
        choice: TargetChoice<T>,
    ) -> Deaths<T> {
        Deaths {
            chapters: chapters.to_vec(),
            bad: bad.clone(),
            target: target.map(str::to_owned),
            choice,
            signatures: BTreeMap::new(),
            early: Vec::new(),
        }
    }

    /// The signature that is searched, or a text in it; `None` while it is unknown.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// How often each signature was seen, the most frequent first.
    pub fn signatures(&self) -> Vec<(String, u32)> {
        let mut all = Vec::from_iter(self.signatures.clone());
        all.sort_by_key(|(_, times)| Reverse(*times));
        all
    }

    /// Applies the end of a round that ran `what`. Returns the rounds that can be read now.
    pub fn push(&mut self, what: T, ended: &Ended) -> Vec<(T, Death)> {
        if !ended.outcome.counts() || ended.is_apart() {
            return Vec::new();
        }
        let is_bad = self.bad.contains(ended.outcome);
        let death = is_bad.then(|| BadEnd {
            signature: signature(ended),
            kind: kind(ended),
            place: self.place(ended),
        });
        if let Some(death) = &death
            && (self.signatures.len() < MAX_SIGNATURES
                || self.signatures.contains_key(&death.signature))
        {
            let times = self.signatures.entry(death.signature.clone()).or_default();
            *times = times.saturating_add(1);
        }
        if self.target.is_some() {
            return vec![(what, self.read(death))];
        }
        self.early.push((what, death));
        self.choose_target();
        if self.target.is_none() {
            return Vec::new();
        }
        self.read_early()
    }

    /// What the rounds ran that wait until the target is known.
    pub fn waiting(&self) -> impl Iterator<Item = &T> + Clone {
        self.early.iter().map(|(what, _)| what)
    }

    /// Waits no longer: searches the most frequent signature so far, if there is one. Returns the
    /// rounds that waited.
    pub fn give_up(&mut self) -> Vec<(T, Death)> {
        if self.target.is_none() {
            self.target = self.most_frequent().map(|(signature, ..)| signature);
        }
        self.read_early()
    }

    fn read_early(&mut self) -> Vec<(T, Death)> {
        let early = std::mem::take(&mut self.early).into_iter();
        early
            .map(|(what, death)| (what, self.read(death)))
            .collect()
    }

    fn choose_target(&mut self) {
        let leads =
            |n: usize, second: usize| n >= self.choice.deaths && n >= second + self.choice.lead;
        let first = self
            .most_frequent()
            .filter(|(_, n, second)| leads(*n, *second));
        self.target = first.map(|(signature, ..)| signature);
    }

    /// The most frequent signature of the rounds that have a say, how often it was seen, and how
    /// often the next one was.
    fn most_frequent(&self) -> Option<(String, usize, usize)> {
        let among = self.choice.among.as_ref();
        let early = self.early.iter();
        let early = early.filter(|(what, _)| among.is_none_or(|among| among == what));
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, death) in early {
            if let Some(death) = death {
                *times.entry(&death.signature).or_default() += 1;
            }
        }
        let mut times = Vec::from_iter(times);
        times.sort_by_key(|(_, n)| Reverse(*n));
        let second = times.get(1).map_or(0, |(_, n)| *n);
        let (signature, n) = times.first()?;
        Some(((*signature).to_owned(), *n, second))
    }

    fn read(&self, death: Option<BadEnd>) -> Death {
        let target = self.target.as_deref().unwrap_or_default();
        match death {
            None => Death::None,
            Some(death) if death.signature.contains(target) || death.kind.contains(target) => {
                Death::Target(death.place)
            }
            Some(_) => Death::Other,
        }
    }

    fn place(&self, ended: &Ended) -> Option<u32> {
        let DiedIn::Chapter(id) = ended.died_in.as_ref()? else {
            return None;
        };
        (0..)
            .zip(&self.chapters)
            .find_map(|(index, chapter)| (chapter == id).then_some(index))
    }
}

/// The signature of a bad end. Without a stack it is the signal or the exit code.
fn signature(ended: &Ended) -> String {
    match &ended.crash {
        Some(crash) => crash.signature.clone(),
        None => kind(ended),
    }
}

/// The signal or the exit code of a crash, else the outcome.
pub fn kind(ended: &Ended) -> String {
    match (&ended.exit, ended.outcome) {
        (Some(Exit::Signal(signal)), Outcome::Crashed) => signal.clone(),
        (Some(Exit::Code(code)), Outcome::Crashed) => format!("exit code {code}"),
        (_, outcome) => outcome.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CrashRef;

    fn ended(outcome: Outcome, signal: &str, died_in: Option<DiedIn>) -> Ended {
        Ended {
            exit: Some(Exit::Signal(signal.into())),
            died_in,
            ..Ended::of(0, 1, 1, outcome)
        }
    }

    fn reader(target: Option<&str>, choice: TargetChoice<u32>) -> Deaths<u32> {
        let chapters = ["a".to_owned(), "b".to_owned()];
        Deaths::new(&chapters, &OutcomeSet::default(), target, choice)
    }

    #[test]
    fn the_most_frequent_signature_is_searched_unless_one_is_given() {
        let mut deaths = reader(None, TargetChoice::default());
        let in_b = || Some(DiedIn::Chapter("b".into()));
        assert_eq!(
            deaths.push(0, &ended(Outcome::Crashed, "SIGABRT", None)),
            []
        );
        assert_eq!(deaths.push(0, &ended(Outcome::Passed, "", None)), []);
        for _ in 1..TARGET_DEATHS {
            assert_eq!(
                deaths.push(0, &ended(Outcome::Crashed, "SIGSEGV", in_b())),
                []
            );
        }
        let known = deaths.push(0, &ended(Outcome::Crashed, "SIGSEGV", in_b()));
        let known: Vec<Death> = known.into_iter().map(|(_, death)| death).collect();
        assert_eq!(
            known[..3],
            [Death::Other, Death::None, Death::Target(Some(1))]
        );
        assert_eq!(known.len(), 2 + TARGET_DEATHS);
        assert_eq!(deaths.target(), Some("SIGSEGV"));

        let mut deaths = reader(Some("LayerNorm"), TargetChoice::default());
        let crash = Ended {
            crash: Some(CrashRef {
                signature: "v1 | SEGV_MAPERR | LayerNormKernel".into(),
                file: None,
            }),
            ..ended(Outcome::Crashed, "SIGSEGV", Some(DiedIn::Exit))
        };
        assert_eq!(deaths.push(0, &crash)[0].1, Death::Target(None));
        // What says nothing about the sequence is not read.
        assert_eq!(deaths.push(0, &ended(Outcome::Lost, "", None)), []);
        assert_eq!(
            deaths.push(0, &ended(Outcome::Crashed, "SIGSEGV", None))[0].1,
            Death::Other
        );
    }

    #[test]
    fn a_choice_may_need_a_lead_among_some_rounds() {
        let choice = TargetChoice {
            deaths: 2,
            lead: 2,
            among: Some(1),
        };
        let mut deaths = reader(None, choice);
        let mut push = |what, signal| {
            deaths
                .push(what, &ended(Outcome::Crashed, signal, None))
                .len()
        };
        assert_eq!(
            [push(0, "SIGABRT"), push(0, "SIGABRT"), push(1, "SIGABRT")],
            [0; 3]
        );
        assert_eq!([push(1, "SIGSEGV"), push(1, "SIGSEGV")], [0; 2]);
        assert_eq!(push(1, "SIGSEGV"), 6);
        assert_eq!(deaths.target(), Some("SIGSEGV"));
    }
}
