//! Made-up journals of shards.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use crashrate_model::{
    Closed, CrashRef, DeviceFailure, Ended, EvidenceRound, Exit, JOURNAL_VERSION, Lines, Mode,
    Opened, Outcome, Record, RunInfo, Shard, Spawn, Started, StopReason, Unit, Usage,
};
use proptest::prelude::*;

use super::super::Input;
use crate::plan::{RoundKey, Rounds};

pub(super) const ROUNDS: u32 = 6;
const COUNT: u32 = 3;

fn unit(name: &str, rounds: u32) -> Unit {
    Unit {
        name: name.into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        perturb: Default::default(),
        spawn: Spawn::Exec,
        chapters: vec![name.into()],
        rounds,
    }
}

fn info(shard: u32, id: &str, host: &str) -> RunInfo {
    RunInfo {
        id: id.into(),
        number: shard,
        suite: "s".into(),
        seed: 7,
        jobs: 1,
        plan: Some("0123456789abcdef".into()),
        shard: Some(Shard {
            index: shard,
            count: COUNT,
        }),
        machine: [("host".to_owned(), host.to_owned())].into(),
        units: vec![unit("a", ROUNDS), unit("b", ROUNDS - 1)],
        ..RunInfo::default()
    }
}

/// A first attempt, and what follows it.
#[derive(Clone, Debug)]
pub(super) struct MadeEnd {
    pub(super) outcome: Option<Outcome>,
    /// If it crashed: it is run again.
    pub(super) has_retry: bool,
    /// If it crashed: it is traced.
    pub(super) has_evidence: bool,
    pub(super) breaks_device: bool,
}

impl From<Option<Outcome>> for MadeEnd {
    fn from(outcome: Option<Outcome>) -> Self {
        MadeEnd {
            outcome,
            has_retry: false,
            has_evidence: false,
            breaks_device: false,
        }
    }
}

/// Which machine resumes a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resumed {
    Here,
    Elsewhere,
}

/// A run of a shard: when it started, and how its attempts end, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) shard: u32,
    pub(super) start: u32,
    pub(super) ends: Vec<MadeEnd>,
    /// After how many attempts it was resumed.
    pub(super) resumed: BTreeMap<usize, Resumed>,
    pub(super) is_closed: bool,
    /// Bytes that are cut off.
    pub(super) torn: usize,
}

fn outcome() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        4 => Just(Some(Outcome::Passed)),
        2 => Just(Some(Outcome::Crashed)),
        1 => Just(Some(Outcome::Lost)),
        1 => Just(Some(Outcome::Interrupted)),
        1 => Just(Some(Outcome::NotStarted)),
        1 => Just(None),
    ]
}

prop_compose! {
    fn end()(
        outcome in outcome(),
        has_retry: bool,
        has_evidence: bool,
        breaks_device in prop::bool::weighted(0.2),
    ) -> MadeEnd {
        MadeEnd { outcome, has_retry, has_evidence, breaks_device }
    }
}

fn resumed() -> impl Strategy<Value = Resumed> {
    prop_oneof![Just(Resumed::Here), Just(Resumed::Elsewhere)]
}

prop_compose! {
    pub(super) fn made()(
        shard in 1..=COUNT,
        start in 0u32..4,
        ends in prop::collection::vec(end(), 0..6),
        resumed in prop::collection::btree_map(0usize..5, resumed(), 0..3),
        is_closed: bool,
        torn in prop_oneof![Just(0usize), 1usize..400],
    ) -> Made {
        Made { shard, start, ends, resumed, is_closed, torn }
    }
}

impl Made {
    /// A whole run of a shard.
    pub(super) fn new(shard: u32, start: u32, ends: &[Option<Outcome>]) -> Made {
        Made {
            shard,
            start,
            ends: ends.iter().copied().map(MadeEnd::from).collect(),
            resumed: BTreeMap::new(),
            is_closed: false,
            torn: 0,
        }
    }

    pub(super) fn records(&self, id: &str) -> Vec<Record> {
        let shard = Shard {
            index: self.shard,
            count: COUNT,
        };
        let mut host = format!("host-{id}");
        let mut records = vec![self.opened(id, &host, 0)];
        let keys = Rounds::new(vec![ROUNDS, ROUNDS - 1], 7).of_shard(shard);
        let mut left: VecDeque<RoundKey> = keys.collect();
        let (mut open, mut again) = (Vec::new(), VecDeque::new());
        for (place, end) in self.ends.iter().enumerate() {
            if let Some(resumed) = self.resumed.get(&place) {
                if *resumed == Resumed::Elsewhere {
                    host.push_str("-other");
                }
                // The attempts that ran are lost, and rounds without a result are run again.
                records.extend(open.drain(..).map(|key| ended(key, 1, Outcome::Lost)));
                records.push(self.opened(id, &host, place + 1));
                again.append(&mut left);
                left = std::mem::take(&mut again);
            }
            let Some(key) = left.pop_front() else { break };
            records.push(started(key, 1));
            let Some(outcome) = end.outcome else {
                open.push(key);
                again.push_back(key);
                continue;
            };
            records.push(ended(key, 1, outcome));
            if !outcome.is_measured() {
                again.push_back(key);
            }
            records.extend(after(key, end));
        }
        if self.is_closed {
            records.push(Record::Closed(Closed {
                time: self.time(0),
                at: 1.0,
                why: StopReason::Done,
                reason: None,
            }));
        }
        records
    }

    fn time(&self, minute: usize) -> String {
        format!("2026-01-01T00:0{minute}:0{}Z", self.start)
    }

    fn opened(&self, id: &str, host: &str, minute: usize) -> Record {
        Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: self.time(minute),
            run: info(self.shard, id, host),
        }))
    }

    /// Writes the journal and returns it.
    pub(super) fn write(&self, folder: &Path, id: &str) -> Input {
        let mut text = text(&self.records(id));
        text.truncate(text.len().saturating_sub(self.torn));
        journal(folder, id, &text)
    }
}

fn started(key: RoundKey, attempt: u32) -> Record {
    Record::Started(Started {
        unit: key.unit,
        round: key.round,
        attempt,
        at: 0.1 * f64::from(key.round),
        opened: None,
    })
}

fn ended(key: RoundKey, attempt: u32, outcome: Outcome) -> Record {
    let RoundKey { unit, round } = key;
    let crashed = outcome == Outcome::Crashed;
    Record::Ended(Box::new(Ended {
        at: 0.1 * f64::from(round),
        secs: Some(1.0 / 3.0),
        exit: crashed.then(|| Exit::Signal("SIGSEGV".into())),
        output: crashed.then(|| format!("output/{unit}-{round}.txt")),
        usage: outcome.counts().then(Usage::default),
        ..Ended::of(unit, round, attempt, outcome)
    }))
}

/// What follows a first attempt.
fn after(key: RoundKey, end: &MadeEnd) -> Vec<Record> {
    let RoundKey { unit, round } = key;
    let crashed = end.outcome == Some(Outcome::Crashed);
    let mut records = Vec::new();
    if crashed && end.has_retry {
        records.extend([started(key, 2), ended(key, 2, Outcome::Passed)]);
    }
    if crashed && end.has_evidence {
        records.push(evidence(unit, round));
    }
    if end.breaks_device {
        records.push(Record::DeviceFailed(Box::new(DeviceFailure {
            at: 1.0,
            device: None,
            name: "cuda:0".into(),
            unit,
            round,
            probe: "no answer".into(),
        })));
    }
    records
}

/// An evidence round that crashed.
pub(super) fn evidence(unit: u32, round: u32) -> Record {
    Record::Evidence(Box::new(EvidenceRound {
        at: 1.0,
        unit,
        round,
        secs: 2.0,
        outcome: Outcome::Crashed,
        exit: None,
        reason: None,
        crash: Some(CrashRef {
            signature: "v1 | SIGSEGV | f".into(),
            file: Some(format!("crashes/{unit}-{round}.json")),
        }),
        descendants: Vec::new(),
        notes: Vec::new(),
    }))
}

/// The text of a journal.
pub(super) fn text(records: &[Record]) -> Vec<u8> {
    let (mut text, mut lines) = (Vec::new(), Lines::default());
    for record in records {
        lines.write(record, &mut text).unwrap();
    }
    text
}

pub(super) fn journal(folder: &Path, name: &str, text: &[u8]) -> Input {
    let journal = folder.join(format!("{name}.jsonl"));
    fs::write(&journal, text).unwrap();
    Input {
        journal,
        folder: None,
    }
}
