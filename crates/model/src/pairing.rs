//! Forms pairs of first attempts block by block, in the order of the plan, not of arrival.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Contrast, Ended, Mode, Outcome, OutcomeSet, PlanOrder, Reading, Record, Shard, Unit};

/// The pair of each contrast in one block: whether each side was bad, or `None` for a side that was
/// started and whose result is lost. There is no pair if a side is absent: its chapter was not
/// reached, or neither side of the block was started.
pub type BlockPairs = Vec<Option<[Option<bool>; 2]>>;

/// A change to the pairs of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockChange {
    /// The next block in the order of the plan.
    Drawn(BlockPairs),
    /// A block with a part that could not be started. The resumed run draws it again.
    Withdrawn(BlockPairs),
}

/// Forms the pairs of a run from its journal. Keeps only incomplete blocks and blocks with a part
/// that could not be started.
#[derive(Clone, Debug)]
pub struct Pairing {
    units: Vec<Unit>,
    bad: OutcomeSet,
    contrasts: Vec<Contrast>,
    /// The units used by any contrast, in order. Blocks hold only these.
    needed: Vec<u32>,
    blocks: BTreeMap<u32, Block>,
    undrawn: BTreeMap<u32, (Block, BlockPairs)>,
    order: PlanOrder<Block>,
}

/// The results of a block by unit.
type Block = BTreeMap<u32, Seen>;

/// The result of one side of a block, or of a part of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Measured; true if bad.
    Measured(bool),
    /// Started, but the result is lost.
    Vanished,
    /// Could not be started.
    NotStarted,
    /// Not drawn, or not reached.
    Absent,
}

/// The result of a unit in a block.
#[derive(Clone, Debug)]
struct Seen {
    whole: End,
    /// The results of a sequence's chapters.
    chapters: Vec<End>,
}

impl Pairing {
    /// Creates the pairing of these contrasts.
    pub fn new(units: &[Unit], bad: &OutcomeSet, contrasts: Vec<Contrast>) -> Self {
        let needed: BTreeSet<u32> = (contrasts.iter().flat_map(|c| &c.sides))
            .flat_map(|side| match side {
                Reading::Units(units) => units.clone(),
                Reading::Chapter(unit, _) => vec![*unit],
            })
            .collect();
        Pairing {
            units: units.to_vec(),
            bad: bad.clone(),
            contrasts,
            needed: needed.into_iter().collect(),
            blocks: BTreeMap::new(),
            undrawn: BTreeMap::new(),
            order: PlanOrder::default(),
        }
    }

    /// Forms the pairs of a shard only, without waiting for blocks of other shards.
    #[must_use]
    pub fn of_shard(mut self, shard: Shard) -> Self {
        self.order = PlanOrder::of_shard(shard);
        self
    }

    /// Returns the pairs of the next block in the order of the plan, if it was begun and has not
    /// ended: what has not ended is unknown.
    pub fn begun(&self) -> Option<BlockPairs> {
        let round = self.order.next_round();
        let mut block = self.blocks.get(&round)?.clone();
        let is_planned = |unit: &u32| self.units[*unit as usize].rounds >= round;
        if !self.needed.iter().all(is_planned) {
            return None;
        }
        for unit in &self.needed {
            block.entry(*unit).or_insert_with(|| Seen {
                whole: End::Vanished,
                chapters: vec![End::Vanished; self.units[*unit as usize].chapters.len()],
            });
        }
        Some(self.contrasts.iter().map(|c| pair(c, &block)).collect())
    }

    /// Returns whether the next block was left off between its attempts: each that started has a
    /// result.
    pub fn is_left_off(&self) -> bool {
        let block = self.blocks.get(&self.order.next_round());
        let is_known = |seen: &Seen| !matches!(seen.whole, End::Vanished);
        block.is_some_and(|block| block.values().all(is_known))
    }

    /// Returns whether an attempt is part of a block that has not been drawn.
    pub fn waits_for(&self, ended: &Ended) -> bool {
        ended.attempt == 1
            && self.needed.binary_search(&ended.unit).is_ok()
            && ended.round >= self.order.next_round()
    }

    /// Returns the contrasts, in the order of [`BlockPairs`].
    pub fn contrasts(&self) -> &[Contrast] {
        &self.contrasts
    }

    /// Applies a journal record and returns the blocks that it completes, in the order of the plan.
    pub fn push(&mut self, record: &Record) -> Vec<BlockChange> {
        match record {
            Record::Opened(_) => self.reopen(),
            Record::Ended(ended) => {
                self.take(ended);
                self.settled()
            }
            _ => Vec::new(),
        }
    }

    fn settled(&mut self) -> Vec<BlockChange> {
        let mut changes = Vec::new();
        while let Some((round, block)) = self.order.pop() {
            let pairs: BlockPairs = self.contrasts.iter().map(|c| pair(c, &block)).collect();
            changes.push(BlockChange::Drawn(pairs.clone()));
            if !is_drawn(&block) {
                self.undrawn.insert(round, (block, pairs));
            }
        }
        changes
    }

    /// Reopens blocks after a resume: what could not be started is started again. The first record
    /// of a run finds none.
    fn reopen(&mut self) -> Vec<BlockChange> {
        let mut changes = Vec::new();
        self.blocks.extend(self.order.reopen());
        for (round, (block, pairs)) in std::mem::take(&mut self.undrawn) {
            self.blocks.insert(round, block);
            changes.push(BlockChange::Withdrawn(pairs));
        }
        for block in self.blocks.values_mut() {
            block.retain(|_, seen| seen.whole != End::NotStarted);
        }
        changes
    }

    fn take(&mut self, ended: &Ended) {
        if ended.attempt != 1 || self.needed.binary_search(&ended.unit).is_err() {
            return;
        }
        let block = self.blocks.entry(ended.round).or_default();
        // A lost round is run again, but the second draw exists only because the first was lost, so
        // it does not replace it.
        block
            .entry(ended.unit)
            .or_insert_with(|| seen(&self.units[ended.unit as usize], ended, &self.bad));
        if block.len() == self.needed.len()
            && let Some(block) = self.blocks.remove(&ended.round)
        {
            let drawn = is_drawn(&block);
            self.order.put(ended.round, block, drawn);
        }
    }
}

fn is_drawn(block: &Block) -> bool {
    block.values().all(|seen| seen.whole != End::NotStarted)
}

fn seen(unit: &Unit, ended: &Ended, bad: &OutcomeSet) -> Seen {
    let end = |outcome: Outcome| match outcome {
        // An attempt that was started differently from its unit says nothing about the unit.
        _ if ended.is_apart() => End::Absent,
        Outcome::Lost | Outcome::Interrupted => End::Vanished,
        Outcome::NotStarted => End::NotStarted,
        outcome if outcome.counts() => End::Measured(bad.contains(outcome)),
        _ => End::Absent,
    };
    let whole = end(ended.outcome);
    let chapter = |place: usize| match whole {
        // A round without a result has none for any chapter.
        End::Vanished | End::NotStarted => whole,
        _ => (ended.chapters.get(place)).map_or(End::Absent, |chapter| end(chapter.outcome)),
    };
    let chapters = match unit.mode {
        Mode::Isolated => 0,
        Mode::Sequential => unit.chapters.len(),
    };
    Seen {
        whole,
        chapters: (0..chapters).map(chapter).collect(),
    }
}

fn pair(contrast: &Contrast, block: &Block) -> Option<[Option<bool>; 2]> {
    let read = |side: &Reading| match side {
        Reading::Chapter(unit, index) => {
            let end = block[unit].chapters.get(*index);
            end.copied().unwrap_or(End::Absent)
        }
        Reading::Units(units) => joined(units.iter().map(|unit| block[unit].whole)),
    };
    let sides = contrast.sides.each_ref().map(read);
    if sides.contains(&End::Absent) || sides == [End::NotStarted; 2] {
        return None;
    }
    Some(sides.map(|end| match end {
        End::Measured(is_bad) => Some(is_bad),
        _ => None,
    }))
}

/// Combines several rounds into one: absent unless all were drawn, bad if any is bad.
fn joined(ends: impl Iterator<Item = End> + Clone) -> End {
    let any = |end: End| ends.clone().any(|other| other == end);
    [
        End::Absent,
        End::Measured(true),
        End::Vanished,
        End::NotStarted,
    ]
    .into_iter()
    .find(|end| any(*end))
    .unwrap_or(End::Measured(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, ChapterEnd, Opened, RunInfo, contrasts};

    fn units() -> Vec<Unit> {
        let unit = |name: &str, mode, chapters: &[&str]| Unit {
            name: name.into(),
            mode,
            variant: "default".into(),
            perturb: Default::default(),
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

    fn opened() -> Record {
        Record::Opened(Box::new(Opened {
            v: 0,
            time: String::new(),
            run: RunInfo::default(),
        }))
    }

    fn pairing() -> Pairing {
        let contrasts = contrasts(&units(), Axis::Mode);
        assert_eq!(
            contrasts.len(),
            3,
            "the sequence as a whole and two chapters"
        );
        Pairing::new(&units(), &OutcomeSet::default(), contrasts)
    }

    #[test]
    fn pairs_come_in_block_order() {
        use Outcome::{Crashed, Passed, Unreached};
        let mut pairing = pairing();
        for record in [
            opened(),
            ended(0, 2, Passed, &[]),
            ended(1, 2, Passed, &[]),
            ended(2, 2, Passed, &[Passed, Passed]),
            ended(1, 1, Crashed, &[]),
            ended(2, 1, Crashed, &[Crashed, Unreached]),
        ] {
            assert!(pairing.push(&record).is_empty(), "block 1 is incomplete");
        }
        let blocks = pairing.push(&ended(0, 1, Passed, &[]));
        let (good, bad) = (Some(false), Some(true));
        let first = vec![Some([bad, bad]), Some([good, bad]), None];
        let second = vec![Some([good, good]); 3];
        assert_eq!(blocks, [first, second].map(BlockChange::Drawn));
    }

    #[test]
    fn a_shard_has_its_own_order_and_may_have_begun_a_block() {
        use Outcome::{Crashed, Passed};
        let mut pairing = pairing().of_shard(Shard { index: 2, count: 3 });
        assert_eq!(pairing.begun(), None);
        pairing.push(&ended(1, 5, Passed, &[]));
        assert_eq!(pairing.begun(), None, "an earlier block comes next");
        pairing.push(&ended(0, 2, Passed, &[]));
        pairing.push(&ended(1, 2, Passed, &[]));
        let unknown = vec![Some([Some(false), None]); 3];
        assert_eq!(pairing.begun(), Some(unknown));
        let blocks = pairing.push(&ended(2, 2, Crashed, &[Passed, Crashed]));
        assert_eq!(blocks.len(), 1);
        let unknown = vec![
            Some([None, None]),
            Some([None, None]),
            Some([Some(false), None]),
        ];
        assert_eq!(pairing.begun(), Some(unknown));
    }

    #[test]
    fn a_lost_round_holds_back_nothing_and_stays_unknown() {
        use Outcome::{Crashed, Lost, Passed};
        let mut pairing = pairing();
        pairing.push(&ended(1, 1, Passed, &[]));
        pairing.push(&ended(2, 1, Lost, &[]));
        let blocks = pairing.push(&ended(0, 1, Passed, &[]));
        let unknown = Some([Some(false), None]);
        assert_eq!(blocks, [BlockChange::Drawn(vec![unknown; 3])]);
        pairing.push(&opened());
        let again = ended(2, 1, Crashed, &[Passed, Crashed]);
        assert!(pairing.push(&again).is_empty());
    }

    #[test]
    fn a_block_that_waits_for_earlier_ones_is_drawn_again() {
        use Outcome::{NotStarted, Passed};
        let mut pairing = pairing();
        pairing.push(&opened());
        pairing.push(&ended(0, 2, NotStarted, &[]));
        pairing.push(&ended(1, 2, Passed, &[]));
        assert!(
            pairing
                .push(&ended(2, 2, Passed, &[Passed, Passed]))
                .is_empty()
        );
        assert!(pairing.push(&opened()).is_empty());
        pairing.push(&ended(0, 2, Passed, &[]));
        pairing.push(&ended(0, 1, Passed, &[]));
        pairing.push(&ended(1, 1, Passed, &[]));
        let blocks = pairing.push(&ended(2, 1, Passed, &[Passed, Passed]));
        assert_eq!(blocks.len(), 2);
    }

    #[test]
    fn rounds_that_could_not_start_are_drawn_again() {
        use Outcome::{NotStarted, Passed};
        let mut pairing = pairing();
        pairing.push(&opened());
        pairing.push(&ended(0, 1, NotStarted, &[]));
        pairing.push(&ended(1, 1, NotStarted, &[]));
        let blocks = pairing.push(&ended(2, 1, Passed, &[Passed, Passed]));
        let unknown = vec![Some([None, Some(false)]); 3];
        assert_eq!(blocks, [BlockChange::Drawn(unknown.clone())]);
        assert_eq!(pairing.push(&opened()), [BlockChange::Withdrawn(unknown)]);
        pairing.push(&ended(0, 1, Passed, &[]));
        let blocks = pairing.push(&ended(1, 1, Passed, &[]));
        let good = vec![Some([Some(false), Some(false)]); 3];
        assert_eq!(blocks, [BlockChange::Drawn(good)]);
    }
}
