//! Rounds in the order of the plan, independent of the order in which they end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::Shard;

/// Yields rounds in order of their numbers: a round counts once all earlier rounds have ended.
///
/// A stopping rule must use this order. In order of arrival slow rounds come last, so a rule that
/// stops early would never see hangs.
///
/// A round that was not drawn (its process could not be started) does not block later rounds. When
/// the run is resumed it is drawn again, and all later rounds wait for it.
#[derive(Clone, Debug)]
pub struct PlanOrder<T> {
    next: u32,
    /// The distance to the round after `next`.
    step: u32,
    /// Rounds before `next` that are drawn again.
    again: VecDeque<u32>,
    ended: BTreeMap<u32, (T, bool)>,
    undrawn: BTreeSet<u32>,
}

impl<T> Default for PlanOrder<T> {
    fn default() -> Self {
        PlanOrder {
            next: 1,
            step: 1,
            again: VecDeque::new(),
            ended: BTreeMap::new(),
            undrawn: BTreeSet::new(),
        }
    }
}

impl<T> PlanOrder<T> {
    /// The order of a shard's rounds. It does not wait for rounds of other shards.
    pub fn of_shard(shard: Shard) -> Self {
        PlanOrder {
            next: shard.index,
            step: shard.count,
            ..PlanOrder::default()
        }
    }

    /// The round that is yielded next.
    pub fn next_round(&self) -> u32 {
        self.again.front().copied().unwrap_or(self.next)
    }

    /// Adds the end of a round (from 1) and whether the round was drawn. The first end of a round
    /// counts.
    pub fn put(&mut self, round: u32, end: T, drawn: bool) {
        if round >= self.next || self.again.binary_search(&round).is_ok() {
            self.ended.entry(round).or_insert((end, drawn));
        }
    }

    /// Removes the next round in the order of the plan, if it has ended.
    pub fn pop(&mut self) -> Option<(u32, T)> {
        let round = self.next_round();
        let (end, drawn) = self.ended.remove(&round)?;
        if self.again.pop_front().is_none() {
            self.next += self.step;
        }
        if !drawn {
            self.undrawn.insert(round);
        }
        Some((round, end))
    }

    /// Reopens rounds that were not drawn, after a resume. Returns those not yet yielded.
    pub fn reopen(&mut self) -> Vec<(u32, T)> {
        // Sorted, as `put` and `pop` expect.
        let mut again: BTreeSet<u32> = self.again.drain(..).collect();
        again.append(&mut self.undrawn);
        self.again = again.into_iter().collect();
        let ended = std::mem::take(&mut self.ended).into_iter();
        let (drawn, undrawn): (BTreeMap<u32, (T, bool)>, _) =
            ended.partition(|(_, (_, drawn))| *drawn);
        self.ended = drawn;
        let without_mark = |(round, (end, _))| (round, end);
        undrawn.into_iter().map(without_mark).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(order: &mut PlanOrder<char>) -> String {
        std::iter::from_fn(|| order.pop()).map(|(_, c)| c).collect()
    }

    #[test]
    fn a_hang_holds_back_later_rounds() {
        let mut order = PlanOrder::default();
        order.put(2, 'b', true);
        order.put(3, 'c', true);
        assert_eq!(all(&mut order), "");
        order.put(1, 'a', true);
        order.put(1, 'x', true);
        assert_eq!(all(&mut order), "abc");
        order.put(2, 'x', true);
        assert_eq!(all(&mut order), "");
    }

    #[test]
    fn a_shard_waits_only_for_its_own_rounds() {
        let mut order = PlanOrder::of_shard(Shard { index: 2, count: 3 });
        order.put(8, 'c', true);
        order.put(2, 'a', true);
        assert_eq!((all(&mut order).as_str(), order.next_round()), ("a", 5));
        order.put(5, 'b', true);
        assert_eq!(all(&mut order), "bc");
    }

    #[test]
    fn a_round_that_is_drawn_again_holds_back_later_rounds() {
        let mut order = PlanOrder::default();
        for (round, drawn) in [(1, false), (2, true), (3, false)] {
            order.put(round, 'a', drawn);
        }
        assert_eq!(all(&mut order), "aaa");
        order.put(1, 'x', true);
        assert_eq!(all(&mut order), "", "the run has not been resumed");
        assert_eq!(order.reopen(), []);
        for (round, end) in [(4, 'e'), (3, 'd'), (1, 'c')] {
            order.put(round, end, true);
        }
        assert_eq!(all(&mut order), "cde");
        order.put(6, 'f', false);
        assert_eq!(order.reopen(), [(6, 'f')]);
    }
}
