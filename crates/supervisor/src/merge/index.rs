//! The index of a journal: where each attempt is, and the facts of its runs.

use crashrate_model::{Built, EvidenceMode, Hello, Record, RunInfo, Shard, ShardRun};
use jiff::Timestamp;

use super::Input;
use crate::hash;

/// Digits that distinguish the files of runs.
const TAG: usize = 8;

/// A journal that has been read once.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) input: Input,
    /// As the journal was last opened.
    pub(super) info: RunInfo,
    /// Whether its run was not over when the journal was read.
    pub(super) is_live: bool,
    /// Whether it is a merged run itself.
    pub(super) is_merged: bool,
    /// The number of shards.
    pub(super) count: u32,
    /// The offsets of its `opened` records, and their times. Empty if it is a merged run.
    pub(super) openings: Vec<(u64, String)>,
    /// The runs that it has records of. [`Draw::source`] is an index into them.
    pub(super) sources: Vec<Source>,
    pub(super) draws: Vec<Draw>,
    pub(super) hellos: Vec<Hello>,
    pub(super) builts: Vec<Built>,
    /// The records of evidence rounds and of zygotes.
    pub(super) extras: Vec<Record>,
}

/// A run of a shard.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The shard's index.
    pub(super) shard: u32,
    pub(super) run: ShardRun,
}

/// Orders the runs of a shard, and identifies them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunKey {
    pub(super) journal: JournalKey,
    /// The part of the journal, if several machines wrote it.
    part: u32,
}

/// Identifies the journal of a run: when it was begun, and the run's id.
pub(super) type JournalKey = (Timestamp, String, String);

/// An attempt of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    pub(super) round: u32,
    pub(super) unit: u32,
    pub(super) attempt: u32,
    /// Which run of the journal it is of.
    pub(super) source: u16,
    pub(super) kind: DrawKind,
    /// Whether its start and its end are the same in the merged journal if its run is the first one
    /// of its shard.
    pub(super) is_plain: bool,
    /// Offset of its start.
    pub(super) started: u64,
    /// Offset of its end; 0 if it has none.
    pub(super) ended: u64,
}

/// How an attempt ended, as far as the choice between several of them is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DrawKind {
    /// It has a result.
    Measured,
    /// It started, and its result is lost.
    Vanished,
    /// It was not drawn: nothing was started.
    NotStarted,
}

impl Source {
    pub(super) fn key(&self) -> RunKey {
        let resumed = self.run.resumed.as_ref();
        let began = resumed.map_or(&self.run.started, |resumed| &resumed.began);
        // An unreadable time comes first; the text still orders two of them.
        let time = began.parse().unwrap_or(Timestamp::MIN);
        RunKey {
            journal: (time, self.run.id.clone(), began.clone()),
            part: resumed.map_or(0, |resumed| resumed.part),
        }
    }

    /// Distinguishes the files of this run from those of the others.
    pub(super) fn tag(&self) -> String {
        let ShardRun { id, started, .. } = &self.run;
        let mut tag = hash::of_bytes(format!("{} {id} {started}", self.shard).as_bytes());
        tag.truncate(TAG);
        tag
    }
}

impl Index {
    /// When the journal was opened from which the time of an attempt counts, unless the record of
    /// its start says so.
    pub(super) fn opened(&self, draw: &Draw) -> &str {
        if self.is_merged {
            let shard = Shard::of_round(draw.round, self.count).index;
            let first = self.sources.iter().find(|source| source.shard == shard);
            return first.map_or("", |source| &source.run.started);
        }
        let before = |(place, _): &(u64, String)| *place <= draw.started;
        let opening = self.openings.partition_point(before).saturating_sub(1);
        self.openings.get(opening).map_or("", |(_, time)| time)
    }

    /// The run in words, for messages: its name, its shard and its machine.
    pub(super) fn name(&self) -> String {
        let name = self.input.name();
        let (Some(source), false) = (self.sources.first(), self.is_merged) else {
            return name;
        };
        let host = source.run.machine.get("host");
        let host = host.map_or_else(String::new, |host| format!(" on {host}"));
        format!("{name} (shard {}/{}{host})", source.shard, self.count)
    }
}

/// Whether attempts of runs that are watched in these two ways may be in one rate.
pub(super) fn can_pool(one: EvidenceMode, two: EvidenceMode) -> bool {
    (one == EvidenceMode::Trace) == (two == EvidenceMode::Trace)
}
