//! Reads the rounds of a search from the records of its run.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{DiedIn, Ended, Exit, MinimizeRule, Outcome, OutcomeSet, Part, Record, Unit};

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

/// Reads the rounds of a search from its records, in their order.
#[derive(Clone, Debug)]
pub struct Deaths {
    unit: Unit,
    bad: OutcomeSet,
    target: Option<String>,
    /// How often each signature was seen.
    signatures: BTreeMap<String, u32>,
    /// The rounds before the target was known.
    early: Vec<(Part, Option<BadEnd>)>,
}

/// A bad end of a round.
#[derive(Clone, Debug)]
struct BadEnd {
    signature: String,
    /// The index of the chapter in which it died.
    place: Option<u32>,
}

/// The most signatures that are counted.
const MAX_SIGNATURES: usize = 100;

/// The deaths of one signature after which it is the one that is searched.
pub const TARGET_DEATHS: usize = 5;

impl Deaths {
    /// The reader for rounds of this sequence.
    pub fn new(unit: &Unit, bad: &OutcomeSet, rule: &MinimizeRule) -> Deaths {
        Deaths {
            unit: unit.clone(),
            bad: bad.clone(),
            target: rule.signature.clone(),
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

    /// Applies a record. Returns the rounds that can be read now.
    pub fn push(&mut self, record: &Record) -> Vec<(Part, Death)> {
        let Record::Ended(ended) = record else {
            return Vec::new();
        };
        let (Some(part), true) = (&ended.part, ended.outcome.counts() && !ended.is_apart()) else {
            return Vec::new();
        };
        let is_bad = self.bad.contains(ended.outcome);
        let death = is_bad.then(|| BadEnd {
            signature: signature(ended),
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
            return vec![(part.clone(), self.read(death))];
        }
        self.early.push((part.clone(), death));
        self.choose_target();
        if self.target.is_none() {
            return Vec::new();
        }
        let early = std::mem::take(&mut self.early).into_iter();
        early
            .map(|(part, death)| (part, self.read(death)))
            .collect()
    }

    fn choose_target(&mut self) {
        let ends = self.early.iter().filter_map(|(_, death)| death.as_ref());
        let signatures = ends.map(|death| &death.signature);
        let times = |signature: &String| {
            signatures
                .clone()
                .filter(|other| **other == *signature)
                .count()
        };
        let often = signatures.clone().find(|one| times(one) >= TARGET_DEATHS);
        self.target = often.cloned();
    }

    fn read(&self, death: Option<BadEnd>) -> Death {
        let target = self.target.as_deref().unwrap_or_default();
        match death {
            None => Death::None,
            Some(death) if death.signature.contains(target) => Death::Target(death.place),
            Some(_) => Death::Other,
        }
    }

    fn place(&self, ended: &Ended) -> Option<u32> {
        let DiedIn::Chapter(id) = ended.died_in.as_ref()? else {
            return None;
        };
        (0..)
            .zip(&self.unit.chapters)
            .find_map(|(index, chapter)| (chapter == id).then_some(index))
    }
}

/// The signature of a bad end. Without a stack it is the signal or the exit code.
fn signature(ended: &Ended) -> String {
    match (&ended.crash, &ended.exit, ended.outcome) {
        (Some(crash), ..) => crash.signature.clone(),
        (None, Some(Exit::Signal(signal)), Outcome::Crashed) => signal.clone(),
        (None, Some(Exit::Code(code)), Outcome::Crashed) => format!("exit code {code}"),
        (None, _, outcome) => outcome.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CrashRef, Mode, Spawn};

    fn unit() -> Unit {
        Unit {
            name: "all".into(),
            mode: Mode::Sequential,
            variant: "default".into(),
            spawn: Spawn::Exec,
            chapters: vec!["a".into(), "b".into()],
            rounds: 100,
        }
    }

    fn ended(outcome: Outcome, signal: &str, died_in: Option<DiedIn>) -> Record {
        Record::Ended(Box::new(Ended {
            part: Some(Part {
                chapters: vec![0, 1],
                params: None,
            }),
            exit: Some(Exit::Signal(signal.into())),
            died_in,
            ..Ended::of(0, 1, 1, outcome)
        }))
    }

    fn reader(signature: Option<&str>) -> Deaths {
        let rule = MinimizeRule {
            signature: signature.map(str::to_owned),
            error: 0.01,
            background: None,
            params: None,
        };
        Deaths::new(&unit(), &OutcomeSet::default(), &rule)
    }

    #[test]
    fn the_most_frequent_signature_is_searched_unless_one_is_given() {
        let mut deaths = reader(None);
        let in_b = || Some(DiedIn::Chapter("b".into()));
        assert_eq!(deaths.push(&ended(Outcome::Crashed, "SIGABRT", None)), []);
        assert_eq!(deaths.push(&ended(Outcome::Passed, "", None)), []);
        for _ in 1..TARGET_DEATHS {
            assert_eq!(deaths.push(&ended(Outcome::Crashed, "SIGSEGV", in_b())), []);
        }
        let known = deaths.push(&ended(Outcome::Crashed, "SIGSEGV", in_b()));
        let known: Vec<Death> = known.into_iter().map(|(_, death)| death).collect();
        assert_eq!(
            known[..3],
            [Death::Other, Death::None, Death::Target(Some(1))]
        );
        assert_eq!(known.len(), 2 + TARGET_DEATHS);
        assert_eq!(deaths.target(), Some("SIGSEGV"));

        let mut deaths = reader(Some("LayerNorm"));
        let mut crash = ended(Outcome::Crashed, "SIGSEGV", Some(DiedIn::Exit));
        if let Record::Ended(ended) = &mut crash {
            ended.crash = Some(CrashRef {
                signature: "v1 | SEGV_MAPERR | LayerNormKernel".into(),
                file: None,
            });
        }
        assert_eq!(deaths.push(&crash)[0].1, Death::Target(None));
        // What says nothing about the sequence is not read.
        assert_eq!(deaths.push(&ended(Outcome::Lost, "", None)), []);
        assert_eq!(
            deaths.push(&ended(Outcome::Crashed, "SIGSEGV", None))[0].1,
            Death::Other
        );
    }
}
