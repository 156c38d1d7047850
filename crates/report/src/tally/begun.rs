//! The order of the rounds of several machines.
//!
//! Shards have no common order of the plan: a slow shard, or a missing one, would hold back all
//! others. In the order of their ends, rounds that end quickly would be seen first, so a crash would
//! look more frequent than a hang. The rounds count in the order in which they were begun: a round
//! waits for all rounds begun before it. When a round is begun depends only on rounds before it.

use crashrate_model::{Merged, Started};
use jiff::Timestamp;

/// When rounds were begun, by the clocks of their machines.
#[derive(Clone, Debug, Default)]
pub(super) struct ShardClock {
    /// By shard: when its first run was started, seconds since 1970.
    started: Vec<f64>,
}

impl ShardClock {
    pub(super) fn new(merged: &Merged) -> Self {
        let mut started = vec![0.0; merged.count as usize];
        for shard in &merged.shards {
            if let Some(place) = started.get_mut(place_of(shard.index, merged.count)) {
                *place = seconds(&shard.started);
            }
        }
        ShardClock { started }
    }

    /// The place of a round's shard.
    pub(super) fn shard(&self, round: u32) -> usize {
        place_of(round, self.started.len() as u32)
    }

    /// When an attempt was begun, seconds since 1970.
    pub(super) fn begun(&self, started: &Started) -> f64 {
        let first = self.started.get(self.shard(started.round)).copied();
        let opened = started.opened.as_deref().map(seconds).or(first);
        opened.unwrap_or_default() + started.at
    }
}

/// The place of a shard or of a round, both from 1.
fn place_of(number: u32, count: u32) -> usize {
    (number.saturating_sub(1) % count.max(1)) as usize
}

/// Seconds since 1970.
fn seconds(time: &str) -> f64 {
    let time: Option<Timestamp> = time.parse().ok();
    time.map_or(0.0, |time| time.as_duration().as_secs_f64())
}

/// Results of several shards, each in the order of its plan.
#[derive(Clone, Debug)]
pub(super) struct BegunOrder<T> {
    ended: Vec<(f64, T)>,
    /// By shard: when its last block was begun.
    last: Vec<f64>,
}

impl<T> BegunOrder<T> {
    pub(super) fn new(shards: u32) -> Self {
        BegunOrder {
            ended: Vec::new(),
            last: vec![f64::NEG_INFINITY; shards as usize],
        }
    }

    /// Adds the next result of a shard. Attempts that run at the same time may begin out of order,
    /// and a clock may be set back: a result is never before the one before it.
    pub(super) fn put(&mut self, shard: usize, begun: f64, result: T) {
        if let Some(last) = self.last.get_mut(shard) {
            *last = last.max(begun);
            self.ended.push((*last, result));
        }
    }

    /// The results in the order in which they were begun, without those begun after the oldest one
    /// that runs.
    pub(super) fn until(mut self, oldest: Option<f64>) -> impl Iterator<Item = T> {
        self.ended.sort_by(|(one, _), (two, _)| one.total_cmp(two));
        let all = self.ended.into_iter();
        let counts = all.take_while(move |(begun, _)| oldest.is_none_or(|oldest| *begun < oldest));
        counts.map(|(_, result)| result)
    }
}

#[cfg(test)]
mod tests {
    use crashrate_model::MergedShard;

    use super::*;

    #[test]
    fn results_wait_for_those_begun_before() {
        let mut order = BegunOrder::new(2);
        for (shard, begun, result) in [(0, 1.0, 'a'), (0, 3.0, 'c'), (1, 2.0, 'b'), (1, 9.0, 'd')] {
            order.put(shard, begun, result);
        }
        let all: String = order.clone().until(None).collect();
        let some: String = order.until(Some(3.0)).collect();
        assert_eq!((all.as_str(), some.as_str()), ("abcd", "ab"));
    }

    #[test]
    fn a_clock_that_is_set_back_changes_no_order() {
        let mut order = BegunOrder::new(1);
        for (begun, result) in [(5.0, 'a'), (0.0, 'b'), (1.0, 'c')] {
            order.put(0, begun, result);
        }
        assert_eq!(order.until(None).collect::<String>(), "abc");
    }

    #[test]
    fn clocks_count_from_the_opening_of_the_journal() {
        let shard = |index, started: &str| MergedShard {
            index,
            started: started.to_owned(),
            ..MergedShard::default()
        };
        let clock = ShardClock::new(&Merged {
            count: 3,
            shards: vec![
                shard(1, "1970-01-01T00:01:00Z"),
                shard(3, "1970-01-01T00:02:00Z"),
            ],
        });
        assert_eq!((clock.shard(3), clock.shard(4)), (2, 0));
        let begun = |round, opened: Option<&str>, at| {
            clock.begun(&Started {
                unit: 0,
                round,
                attempt: 1,
                at,
                opened: opened.map(str::to_owned),
            })
        };
        assert_eq!(begun(6, None, 0.5), 120.5);
        assert_eq!(begun(4, Some("1970-01-01T00:05:00Z"), 1.0), 301.0);
        assert_eq!(begun(2, None, 1.0), 1.0, "its shard is missing");
    }
}
