//! Makes the records of the merged run, in their order.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crashrate_model::{
    Closed, Ended, EvidenceMode, JOURNAL_VERSION, Opened, Outcome, Record, RunInfo, ShardRun,
    StopReason,
};
use jiff::Timestamp;

use super::files::{FileNames, KeptFile};
use super::index::{DrawKind, Index, Source};
use super::join::{JoinedDraw, JoinedRun, JoinedShard, chosen};
use super::{Merge, MergeError, OpenAttempts, missing};
use crate::journal::RandomReader;
use crate::plan::Rounds;

/// The reason on record for an attempt without an end.
const LOST: &str = "its end is not on record: crashrate or its machine died";

/// The reason on record for an attempt of a run that is not finished.
const RUNNING: &str = "it was still running when the runs were merged";

/// A record of the merged journal.
pub(super) enum Item<'a> {
    /// As a JSON object, exactly as it is in the journal of its shard.
    Json(&'a [u8]),
    /// As a record.
    Record(&'a Record),
}

/// How records are given that are the same in the merged journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// As [`Item::Json`], which is faster.
    Copied,
    /// As [`Item::Record`].
    Read,
}

type Take<'t> = dyn FnMut(Item<'_>) -> Result<(), MergeError> + 't;

/// Makes the records of a merged run.
pub(super) struct Emitter<'a> {
    merge: &'a Merge,
    readers: Vec<RandomReader>,
    files: FileNames,
    unchanged: Unchanged,
    /// Rounds that have a result.
    measured: u64,
}

/// The next block of a shard, and where its attempts begin.
struct Left<'a> {
    block: u32,
    begin: usize,
    shard: &'a JoinedShard,
}

impl<'a> Left<'a> {
    /// The block that begins there. `None` at the end.
    fn of(shard: &'a JoinedShard, begin: usize) -> Option<Left<'a>> {
        let block = shard.draws.get(begin)?.draw.round;
        Some(Left {
            block,
            begin,
            shard,
        })
    }
}

impl Ord for Left<'_> {
    /// A block belongs to one shard.
    fn cmp(&self, other: &Self) -> Ordering {
        self.block.cmp(&other.block)
    }
}

impl PartialOrd for Left<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Left<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

impl Eq for Left<'_> {}

impl<'a> Emitter<'a> {
    pub(super) fn new(merge: &'a Merge, unchanged: Unchanged) -> Emitter<'a> {
        let reader = |index: &Index| RandomReader::new(&index.input.journal);
        Emitter {
            merge,
            readers: merge.indexes.iter().map(reader).collect(),
            files: FileNames::default(),
            unchanged,
            measured: 0,
        }
    }

    /// Gives all records to `take`. Returns the files that they name.
    pub(super) fn run(mut self, take: &mut Take<'_>) -> Result<Vec<KeptFile>, MergeError> {
        let merge = self.merge;
        let info = &merge.info;
        let opened = Opened {
            v: JOURNAL_VERSION,
            time: first_start(info),
            run: info.clone(),
        };
        take(Item::Record(&Record::Opened(Box::new(opened))))?;
        for record in self.once_a_run() {
            take(Item::Record(&record))?;
        }
        // The next block of each shard.
        let shards = merge.joined.shards.values();
        let mut left: BinaryHeap<Reverse<Left<'_>>> = shards
            .filter_map(|shard| Left::of(shard, 0))
            .map(Reverse)
            .collect();
        while let Some(Reverse(Left {
            block,
            begin,
            shard,
        })) = left.pop()
        {
            let rest = &shard.draws[begin..];
            let end = begin + rest.partition_point(|one| one.draw.round == block);
            self.block(shard, block, &shard.draws[begin..end], take)?;
            left.extend(Left::of(shard, end).map(Reverse));
        }
        for record in self.extras() {
            take(Item::Record(&record))?;
        }
        if merge.open == OpenAttempts::Lost {
            take(Item::Record(&Record::Closed(self.closed())))?;
        }
        Ok(self.files.kept)
    }

    /// What children and builds said, which belongs to no round: each once.
    fn once_a_run(&self) -> Vec<Record> {
        let mut all: BTreeMap<(u8, String), Record> = BTreeMap::new();
        for index in &self.merge.indexes {
            for hello in &index.hellos {
                let text = serde_json::to_string(hello).unwrap_or_default();
                all.insert((0, text), Record::Hello(hello.clone()));
            }
            for built in &index.builts {
                let text = serde_json::to_string(built).unwrap_or_default();
                all.insert((1, text), Record::Built(Box::new(built.clone())));
            }
        }
        all.into_values().collect()
    }

    /// The records of evidence rounds, zygotes and devices: each once, in the order of their rounds.
    fn extras(&mut self) -> Vec<Record> {
        let mut all: BTreeMap<(u32, u32, String), Record> = BTreeMap::new();
        for index in &self.merge.indexes {
            let own = index.sources.first().filter(|_| !index.is_merged);
            let own = own.map(Source::tag);
            for extra in &index.extras {
                let mut record = extra.clone();
                if let Some(tag) = &own {
                    for file in files_of(&mut record).flatten() {
                        *file = tagged(tag, file);
                    }
                }
                let (round, unit) = match &record {
                    Record::Evidence(round) => (round.round, round.unit),
                    Record::Zygote(end) => (end.round, end.unit),
                    _ => continue,
                };
                // A merged run that names all the files it may have names no more.
                let mut without_files = record.clone();
                files_of(&mut without_files).for_each(|file| *file = None);
                let text = serde_json::to_string(&without_files).unwrap_or_default();
                let known = all.entry((round, unit, text)).or_insert(without_files);
                for (known, file) in files_of(known).zip(files_of(&mut record)) {
                    *known = known.take().into_iter().chain(file.take()).min();
                }
            }
        }
        for failure in runs(&self.merge.info).flat_map(|run| &run.device_failures) {
            let (round, unit) = (failure.round, failure.unit);
            let text = serde_json::to_string(failure).unwrap_or_default();
            let record = Record::DeviceFailed(Box::new(failure.clone()));
            all.insert((round, unit, text), record);
        }
        for record in all.values_mut() {
            files_of(record).for_each(|file| self.files.keep_crash(file));
        }
        all.into_values().collect()
    }

    /// Gives the records of a block, in its order.
    fn block(
        &mut self,
        shard: &JoinedShard,
        block: u32,
        draws: &[JoinedDraw],
        take: &mut Take<'_>,
    ) -> Result<(), MergeError> {
        let merge = self.merge;
        for key in order(&merge.info, block) {
            let begin = draws.partition_point(|one| one.draw.unit < key.unit);
            let of_unit = &draws[begin..];
            let end = of_unit.partition_point(|one| one.draw.unit == key.unit);
            let mut is_measured = false;
            for one in chosen(&of_unit[..end]) {
                is_measured |= one.draw.attempt == 1 && one.draw.kind == DrawKind::Measured;
                self.attempt(one, shard, take)?;
            }
            self.measured += u64::from(is_measured);
        }
        Ok(())
    }

    fn attempt(
        &mut self,
        one: &JoinedDraw,
        shard: &JoinedShard,
        take: &mut Take<'_>,
    ) -> Result<(), MergeError> {
        let info = &self.merge.info;
        let draw = &one.draw;
        let run = &shard.runs[usize::from(draw.source)];
        let index = &self.merge.indexes[one.input as usize];
        let reader = &mut self.readers[one.input as usize];
        let copies = self.unchanged == Unchanged::Copied;
        let is_plain = draw.is_plain && draw.source == 0;
        if copies && is_plain {
            take(Item::Json(reader.json(draw.started)?))?;
        } else if let Record::Started(mut started) = reader.record(draw.started)? {
            let opened = started.opened.take();
            let opened = opened.unwrap_or_else(|| index.opened(draw).to_owned());
            started.opened = Some(opened).filter(|opened| *opened != shard.runs[0].run.started);
            take(Item::Record(&Record::Started(started)))?;
        }
        let evidence = of_input(index, run);
        let is_same = is_plain && evidence == info.evidence;
        let mut ended = match draw.ended {
            0 if is_running(self.merge.open, index) => return Ok(()),
            0 => Box::new(Ended {
                at: run.run.at,
                reason: Some(if index.is_live { RUNNING } else { LOST }.to_owned()),
                ..Ended::of(draw.unit, draw.round, draw.attempt, Outcome::Lost)
            }),
            place if copies && is_same => return take(Item::Json(reader.json(place)?)),
            place => match reader.record(place)? {
                Record::Ended(ended) => ended,
                // The index has the places of ends only.
                _ => return Ok(()),
            },
        };
        if !index.is_merged {
            tag(&run.tag, &mut ended);
        }
        ended.evidence = watched(&ended, evidence, info.evidence);
        ended.run = Some(u32::from(draw.source)).filter(|run| *run > 0);
        self.files.keep(&mut ended);
        take(Item::Record(&Record::Ended(ended)))
    }

    fn closed(&self) -> Closed {
        let info = &self.merge.info;
        let (why, reason) = missing::why(info, self.measured);
        let ends = runs(info).map(|run| run.finished.as_ref().unwrap_or(&run.started));
        let last = ends.max_by_key(|time| (instant(time), (*time).clone()));
        Closed {
            time: last.cloned().unwrap_or_default(),
            at: seconds(info),
            why,
            reason: reason.filter(|_| why != StopReason::Done),
        }
    }
}

/// Whether an attempt without an end runs. On a machine that died it is lost, although other
/// machines run.
fn is_running(open: OpenAttempts, index: &Index) -> bool {
    open == OpenAttempts::Running && index.is_live
}

/// The rounds of a block in their order.
fn order(info: &RunInfo, block: u32) -> Rounds {
    let rounds = info.units.iter().map(|unit| unit.rounds).collect();
    Rounds::new(rounds, info.seed).only(block)
}

/// The evidence mode of attempts that record none: that of their run, or of the merged run that the
/// journal is of.
fn of_input(index: &Index, run: &JoinedRun) -> EvidenceMode {
    match index.is_merged {
        true => index.info.evidence,
        false => run.run.evidence,
    }
}

/// How an attempt was watched, if it is not how the merged run says.
fn watched(ended: &Ended, of_input: EvidenceMode, merged: EvidenceMode) -> Option<EvidenceMode> {
    let was_run = ended.usage.is_some() || ended.evidence.is_some();
    let mode = ended.evidence.unwrap_or(of_input);
    (was_run && mode != merged).then_some(mode)
}

/// The crash files of an evidence round.
fn files_of(record: &mut Record) -> impl Iterator<Item = &mut Option<String>> {
    let round = match record {
        Record::Evidence(round) => Some(round),
        _ => None,
    };
    let crashes = round.into_iter().flat_map(|round| {
        let more = round.descendants.iter_mut().map(|one| &mut one.crash);
        round.crash.iter_mut().chain(more)
    });
    crashes.map(|crash| &mut crash.file)
}

/// Gives the files of an attempt the names that they have in a merged run.
fn tag(tag: &str, ended: &mut Ended) {
    let more = ended.descendants.iter_mut().map(|one| &mut one.crash);
    let crashes = ended.crash.iter_mut().chain(more);
    let files = crashes.filter_map(|crash| crash.file.as_mut());
    for file in files.chain(&mut ended.output) {
        *file = tagged(tag, file);
    }
}

/// `output/x.txt` becomes `output/TAG-x.txt`.
fn tagged(tag: &str, file: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{tag}-{name}"),
        None => format!("{tag}-{file}"),
    }
}

fn runs(info: &RunInfo) -> impl Iterator<Item = &ShardRun> {
    let shards = info.merged.iter().flat_map(|merged| &merged.shards);
    shards.flat_map(|shard| &shard.each)
}

/// The seconds of the shard that took the longest. The runs of a shard that was started again came
/// one after the other; if two ran at the same time, this is too long.
fn seconds(info: &RunInfo) -> f64 {
    let shards = info.merged.iter().flat_map(|merged| &merged.shards);
    let each = shards.map(|shard| shard.each.iter().map(|run| run.secs).sum());
    each.fold(0.0, f64::max)
}

fn instant(time: &str) -> Timestamp {
    time.parse().unwrap_or(Timestamp::MIN)
}

fn first_start(info: &RunInfo) -> String {
    let starts: BTreeSet<_> = runs(info)
        .map(|run| (instant(&run.started), &run.started))
        .collect();
    starts
        .first()
        .map(|(_, text)| (*text).clone())
        .unwrap_or_default()
}
