//! Shards whose rounds have results in several runs.

use std::collections::BTreeSet;

use super::Merge;
use super::index::DrawKind;
use super::join::{JoinedDraw, JoinedShard};

/// A shard with rounds that several of its runs measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedShard {
    /// Its index, from 1.
    pub index: u32,
    /// The ids of the runs whose results of such rounds count.
    pub counted: Vec<String>,
    /// The ids of the runs with further results of them, which are left out.
    pub left_out: Vec<String>,
}

impl Merge {
    /// The shards that were run several times, although a run had a result already. A run that
    /// only continues another one, or measures what another one lost, repeats nothing.
    pub fn repeated(&self) -> Vec<RepeatedShard> {
        let shards = self.joined.shards.iter();
        shards
            .filter_map(|(index, shard)| repeated(*index, shard))
            .collect()
    }
}

fn repeated(index: u32, shard: &JoinedShard) -> Option<RepeatedShard> {
    let (mut counted, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    let same_round = |one: &JoinedDraw, two: &JoinedDraw| {
        (one.draw.round, one.draw.unit) == (two.draw.round, two.draw.unit)
    };
    for draws in shard.draws.chunk_by(same_round) {
        let mut measured = draws
            .iter()
            .filter(|one| one.draw.attempt == 1 && one.draw.kind == DrawKind::Measured);
        let Some(first) = measured.next() else {
            continue;
        };
        let others = measured.filter(|one| one.journal != first.journal);
        for other in others {
            counted.insert(first.draw.source);
            left_out.insert(other.draw.source);
        }
    }
    let ids = |sources: BTreeSet<u16>| {
        let runs = sources
            .into_iter()
            .filter_map(|source| shard.runs.get(usize::from(source)));
        runs.map(|run| run.run.id.clone()).collect()
    };
    (!left_out.is_empty()).then(|| RepeatedShard {
        index,
        counted: ids(counted),
        left_out: ids(left_out),
    })
}
