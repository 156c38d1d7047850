//! From first attempts to pairs: block by block, by the plan and never by the order of arrival.

use std::collections::BTreeMap;

use crate::{ChapterEnd, Contrast, Ended, Mode, Outcome, OutcomeSet, Reading, Record, Unit};

/// What a block held for each contrast: whether each side was bad, or nothing where a side is missing because a chapter
/// was unreached or a round was lost to the set-up.
pub type BlockPairs = Vec<Option<[bool; 2]>>;

/// Forms the pairs of a run from its journal. It keeps only blocks that are not whole yet.
#[derive(Clone, Debug)]
pub struct Pairing {
    units: Vec<Unit>,
    bad: OutcomeSet,
    contrasts: Vec<Contrast>,
    /// The units that any contrast looks at, in their order; a block has no others.
    needed: Vec<u32>,
    /// The block that is handed out next.
    next: u32,
    waiting: BTreeMap<u32, BTreeMap<u32, Seen>>,
}

/// What a block has of a unit.
#[derive(Clone, Debug)]
struct Seen {
    /// Nothing: lost to the set-up.
    bad: Option<bool>,
    /// Of a sequence's chapters; nothing: not reached.
    chapters: Vec<Option<bool>>,
}

impl Pairing {
    /// For these contrasts of a run's units.
    pub fn new(units: &[Unit], bad: &OutcomeSet, contrasts: Vec<Contrast>) -> Self {
        let mut needed: Vec<u32> = (contrasts.iter().flat_map(|c| &c.sides))
            .flat_map(|side| match side {
                Reading::Units(units) => units.clone(),
                Reading::Chapter(unit, _) => vec![*unit],
            })
            .collect();
        needed.sort_unstable();
        needed.dedup();
        Pairing {
            units: units.to_vec(),
            bad: bad.clone(),
            contrasts,
            needed,
            next: 1,
            waiting: BTreeMap::new(),
        }
    }

    /// The contrasts, in the order of [`BlockPairs`].
    pub fn contrasts(&self) -> &[Contrast] {
        &self.contrasts
    }

    /// Takes a record of the journal; hands out the blocks that are whole now, in their order.
    pub fn push(&mut self, record: &Record) -> Vec<BlockPairs> {
        if let Record::Ended(ended) = record {
            self.take(ended);
        }
        let mut whole = Vec::new();
        while let Some(seen) = self.waiting.get(&self.next)
            && seen.len() == self.needed.len()
        {
            whole.push(self.contrasts.iter().map(|c| pair(c, seen)).collect());
            self.waiting.remove(&self.next);
            self.next += 1;
        }
        whole
    }

    /// What was not measured for a reason that lies in the machine or the user is run again, and waited for.
    fn take(&mut self, ended: &Ended) {
        let is_measurement = ended.attempt == 1 && ended.round >= self.next;
        let waits = matches!(ended.outcome, Outcome::Lost | Outcome::Interrupted);
        if !is_measurement || waits || self.needed.binary_search(&ended.unit).is_err() {
            return;
        }
        let mode = self.units[ended.unit as usize].mode;
        // An attempt that came to be otherwise than its unit's says nothing of the unit.
        let counts = |outcome: Outcome| outcome.counts() && ended.spawn.is_none();
        let judge = |outcome: Outcome| counts(outcome).then(|| self.bad.contains(outcome));
        let chapters = match mode {
            Mode::Isolated => Vec::new(),
            Mode::Sequential => {
                let judge_end = |end: &ChapterEnd| judge(end.outcome);
                ended.chapters.iter().map(judge_end).collect()
            }
        };
        let seen = Seen {
            bad: judge(ended.outcome),
            chapters,
        };
        let block = self.waiting.entry(ended.round).or_default();
        block.entry(ended.unit).or_insert(seen);
    }
}

fn pair(contrast: &Contrast, block: &BTreeMap<u32, Seen>) -> Option<[bool; 2]> {
    let read = |side: &Reading| -> Option<bool> {
        match side {
            Reading::Chapter(unit, index) => *block.get(unit)?.chapters.get(*index)?,
            Reading::Units(units) => {
                let bad: Option<Vec<bool>> = units.iter().map(|u| block.get(u)?.bad).collect();
                Some(bad?.contains(&true))
            }
        }
    };
    Some([read(&contrast.sides[0])?, read(&contrast.sides[1])?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, contrasts};

    fn units() -> Vec<Unit> {
        let unit = |name: &str, mode, chapters: &[&str]| Unit {
            name: name.into(),
            mode,
            variant: "default".into(),
            spawn: crate::Spawn::Exec,
            chapters: chapters.iter().map(|c| (*c).into()).collect(),
            rounds: 9,
        };
        vec![
            unit("a", Mode::Isolated, &["a"]),
            unit("b", Mode::Isolated, &["b"]),
            unit("s", Mode::Sequential, &["a", "b"]),
        ]
    }

    fn ended(unit: u32, round: u32, outcome: Outcome, chapters: &[Outcome]) -> Record {
        let end = |outcome: &Outcome| ChapterEnd {
            outcome: *outcome,
            secs: None,
            reason: None,
            measures: Vec::new(),
        };
        Record::Ended(Box::new(Ended {
            chapters: chapters.iter().map(end).collect(),
            ..Ended::of(unit, round, 1, outcome)
        }))
    }

    #[test]
    fn pairs_come_by_block_whatever_the_order_of_arrival() {
        use Outcome::{Crashed, Lost, NotStarted, Passed, Unreached};
        let contrasts = contrasts(&units(), Axis::Mode);
        assert_eq!(
            contrasts.len(),
            3,
            "the sequence as a whole and two chapters"
        );
        let mut pairing = Pairing::new(&units(), &OutcomeSet::default(), contrasts);
        for record in [
            ended(0, 2, NotStarted, &[]),
            ended(1, 2, Passed, &[]),
            ended(2, 2, Passed, &[Passed, Passed]),
            ended(0, 1, Lost, &[]),
            ended(1, 1, Crashed, &[]),
            ended(2, 1, Crashed, &[Crashed, Unreached]),
        ] {
            assert!(pairing.push(&record).is_empty(), "block 1 is not whole");
        }
        let blocks = pairing.push(&ended(0, 1, Passed, &[]));
        let first = vec![Some([true, true]), Some([false, true]), None];
        let second = vec![None, None, Some([false, false])];
        assert_eq!(blocks, [first, second]);
    }
}
