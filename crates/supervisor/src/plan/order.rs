//! The order of rounds: block after block, shuffled within each block by the seed.

use crashrate_adapters::Order;
use crashrate_model::Shard;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One planned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoundKey {
    /// Place of the unit in the plan.
    pub unit: u32,
    /// From 1; also the number of its block.
    pub round: u32,
}

/// The planned rounds in order. Each block is shuffled when it is reached, so a million rounds cost
/// nothing up front.
#[derive(Clone, Debug)]
pub struct Rounds {
    rounds: Vec<u32>,
    seed: u64,
    block: u32,
    /// The block after it.
    next: Option<u32>,
    /// From a block to the next one: more than 1 in a shard.
    step: u32,
    /// The last block.
    last: u32,
    /// The rest of the block, in reverse.
    left: Vec<u32>,
}

impl Rounds {
    /// The rounds of units that have this many each.
    pub fn new(rounds: Vec<u32>, seed: u64) -> Self {
        Rounds {
            rounds,
            seed,
            block: 0,
            next: Some(1),
            step: 1,
            last: u32::MAX,
            left: Vec::new(),
        }
    }

    /// Only the rounds of this block, in their order.
    #[must_use]
    pub fn only(mut self, block: u32) -> Self {
        self.next = Some(block);
        self.last = block;
        self
    }

    /// Only the blocks of a shard.
    #[must_use]
    pub fn of_shard(mut self, shard: Shard) -> Self {
        self.next = Some(shard.index);
        self.step = shard.count;
        self
    }
}

impl Iterator for Rounds {
    type Item = RoundKey;

    fn next(&mut self) -> Option<RoundKey> {
        if self.left.is_empty() {
            let block = self.next.filter(|block| *block <= self.last)?;
            self.next = block.checked_add(self.step);
            self.block = block;
            self.left = (0u32..)
                .zip(&self.rounds)
                .filter(|&(_, &rounds)| rounds >= block)
                .map(|(unit, _)| unit)
                .collect();
            shuffle(&mut self.left, self.seed, block);
        }
        let unit = self.left.pop()?;
        Some(RoundKey {
            unit,
            round: self.block,
        })
    }
}

/// Puts the chapters of a sequence into an order.
pub(crate) fn in_order<T>(chapters: &mut [T], order: Order) {
    match order {
        Order::Given => {}
        Order::Reversed => chapters.reverse(),
        Order::Shuffled { seed } => shuffle(chapters, seed, 0),
    }
}

/// Fisher-Yates shuffle. Not from a library: a recorded order must not change with its version.
fn shuffle<T>(units: &mut [T], seed: u64, block: u32) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(block));
    for last in (1..units.len()).rev() {
        let other = random.next_u64() % (last as u64 + 1);
        units.swap(last, other as usize);
    }
}

/// The seed of a round: the same for all units of its block, so that both modes and all variants
/// get the same weights and inputs. Below 2^53, so that every JSON reader keeps it exactly.
pub fn round_seed(seed: u64, round: u32) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Streams below 2^32 shuffle the blocks.
    random.set_stream((1 << 32) + u64::from(round));
    random.next_u64() >> 11
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_round_once_and_blocks_in_order(
            rounds in prop::collection::vec(0u32..9, 0..6),
            seed: u64,
        ) {
            let keys: Vec<_> = Rounds::new(rounds.clone(), seed).collect();
            let distinct: HashSet<_> = keys.iter().copied().collect();
            prop_assert_eq!(distinct.len(), keys.len());
            prop_assert_eq!(keys.len() as u32, rounds.iter().sum::<u32>());
            prop_assert!(keys.is_sorted_by_key(|k| k.round));
            prop_assert!(keys.iter().all(|k| (1..=rounds[k.unit as usize]).contains(&k.round)));
            for block in 1..9 {
                let alone: Vec<_> = Rounds::new(rounds.clone(), seed).only(block).collect();
                let of_block: Vec<_> = keys.iter().copied().filter(|k| k.round == block).collect();
                prop_assert_eq!(alone, of_block);
            }
            let again: Vec<_> = Rounds::new(rounds, seed).collect();
            prop_assert_eq!(keys, again);
        }
    }

    proptest! {
        #[test]
        fn shards_have_the_blocks_of_the_whole_plan_in_its_order(
            rounds in prop::collection::vec(0u32..9, 0..6),
            seed: u64,
            count in 1u32..12,
        ) {
            let all: Vec<_> = Rounds::new(rounds.clone(), seed).collect();
            for index in 1..=count {
                let shard = Shard { index, count };
                let own: Vec<_> = Rounds::new(rounds.clone(), seed).of_shard(shard).collect();
                let expected = all.iter().copied().filter(|key| shard.has(key.round));
                prop_assert_eq!(own, expected.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn the_order_on_record_does_not_change() {
        let keys: Vec<_> = Rounds::new(vec![3; 5], 7).map(|k| k.unit).collect();
        let blocks: Vec<_> = keys.chunks(5).collect();
        insta::assert_debug_snapshot!((blocks, round_seed(7, 1), round_seed(7, 2)));
    }
}
