//! Reads a journal once, from its first record to its last.

use std::collections::HashMap;

use crashrate_model::{
    DeviceFailure, Ended, Hello, JOURNAL_VERSION, Merged, Opened, Outcome, Record, ResumedPart,
    RunInfo, Shard, ShardRun, Started, StopReason, is_same_machine,
};

use super::index::{Draw, DrawKind, Index, Source};
use super::{Input, MergeError};
use crate::journal::{self, JournalError};

impl Index {
    /// Reads a journal. `None` if it has no record.
    pub(super) fn read(input: &Input) -> Result<Option<Index>, MergeError> {
        let mut records = journal::read(&input.journal)?;
        let mut reader: Option<Reader> = None;
        let mut line = 0;
        while let Some(record) = records.next() {
            let record = match record {
                Err(JournalError::Corrupt { .. }) if reader.is_none() => {
                    return Err(MergeError::NotJournal(input.journal.clone()));
                }
                record => record?,
            };
            line += 1;
            let corrupt = |problem: String| JournalError::Corrupt {
                path: input.journal.clone(),
                line,
                problem,
            };
            match &mut reader {
                Some(reader) => reader.push(record, records.place()).map_err(corrupt)?,
                None => reader = Some(Reader::open(input, record)?),
            }
        }
        let bytes = records.position().place;
        // Its first record claims all records of its shards.
        if (reader.as_ref()).is_some_and(|one| one.index.is_merged && one.closed.is_none()) {
            return Err(MergeError::Torn(input.journal.clone()));
        }
        Ok(reader.map(|reader| reader.end(bytes)))
    }
}

/// Reads the records of a journal in order.
struct Reader {
    index: Index,
    /// The attempts that have started and not ended, as indexes of draws.
    open: HashMap<(u32, u32, u32), usize>,
    closed: Option<(String, StopReason)>,
    /// The latest time since the journal was last opened.
    at: f64,
    /// The seconds of the earlier openings by this machine.
    secs_before: f64,
    /// When the journal was begun.
    began: String,
    /// When this machine opened it first.
    started: String,
    /// What the first child said, on this machine.
    hello: Option<Hello>,
    /// The devices that stopped working since the journal was last opened.
    device_failures: Vec<DeviceFailure>,
}

impl Reader {
    fn open(input: &Input, record: Record) -> Result<Reader, MergeError> {
        let Record::Opened(opened) = record else {
            return Err(JournalError::Corrupt {
                path: input.journal.clone(),
                line: 1,
                problem: "the first record is not `opened`".into(),
            }
            .into());
        };
        if opened.v != JOURNAL_VERSION {
            return Err(JournalError::Version {
                path: input.journal.clone(),
                line: 1,
                version: opened.v.into(),
            }
            .into());
        }
        let info = opened.run;
        if let Some(why) = why_not(&info) {
            return Err(MergeError::NotDivisible {
                path: input.journal.clone(),
                why,
            });
        }
        let merged = info.merged.as_ref();
        let index = Index {
            input: input.clone(),
            is_live: input.folder.as_deref().is_some_and(journal::is_live),
            is_merged: merged.is_some(),
            count: match (merged, info.shard) {
                (Some(merged), _) => merged.count,
                (None, Some(shard)) => shard.count,
                (None, None) => 1,
            },
            openings: match merged {
                Some(_) => Vec::new(),
                None => vec![(0, opened.time.clone())],
            },
            sources: merged.map_or_else(Vec::new, sources),
            info,
            draws: Vec::new(),
            hellos: Vec::new(),
            builts: Vec::new(),
            extras: Vec::new(),
        };
        Ok(Reader {
            index,
            open: HashMap::new(),
            closed: None,
            at: 0.0,
            secs_before: 0.0,
            began: opened.time.clone(),
            started: opened.time,
            hello: None,
            device_failures: Vec::new(),
        })
    }

    fn push(&mut self, record: Record, place: u64) -> Result<(), String> {
        match record {
            Record::Opened(opened) => {
                if opened.run.plan != self.index.info.plan {
                    return Err("the journal was opened again with another plan".into());
                }
                self.reopen(*opened, place);
            }
            Record::Hello(hello) => self.hello(hello),
            Record::Built(built) => {
                self.at(built.at);
                self.index.builts.push(*built);
            }
            Record::Started(started) => self.started(&started, place)?,
            Record::Ended(ended) => self.ended(&ended, place)?,
            Record::Evidence(ref round) => {
                self.at(round.at);
                self.check(round.unit, round.round, 1)?;
                self.index.extras.push(record);
            }
            Record::Zygote(ref end) => {
                self.at(end.at);
                self.index.extras.push(record);
            }
            Record::DeviceFailed(failure) => self.device_failed(*failure),
            Record::Ending(ending) => self.at(ending.at),
            Record::Closed(closed) => {
                self.at(closed.at);
                self.closed = Some((closed.time, closed.why));
            }
            Record::Minimized(_) | Record::Bisected(_) | Record::Provoked(_) => {}
        }
        Ok(())
    }

    /// A merged run has devices of the same name on several machines. Its runs list its failures.
    fn device_failed(&mut self, mut failure: DeviceFailure) {
        self.at(failure.at);
        if let Some(host) = self.index.info.machine.get("host") {
            failure.device = None;
            failure.name = format!("{} of {host}", failure.name);
        }
        self.device_failures.push(failure);
    }

    fn hello(&mut self, hello: Hello) {
        self.hello.get_or_insert_with(|| hello.clone());
        self.index.hellos.push(hello);
    }

    fn at(&mut self, at: f64) {
        self.at = self.at.max(at);
    }

    /// Finds records that do not fit the plan.
    fn check(&self, unit: u32, round: u32, attempt: u32) -> Result<(), String> {
        let info = &self.index.info;
        let planned = info.units.get(unit as usize).map_or(0, |unit| unit.rounds);
        if !(1..=planned).contains(&round) || attempt == 0 {
            return Err(format!(
                "the plan has no round {round}, attempt {attempt} of unit {unit}"
            ));
        }
        match info.shard {
            Some(shard) if !shard.has(round) => Err(format!("shard {shard} has no round {round}")),
            _ => Ok(()),
        }
    }

    fn started(&mut self, started: &Started, place: u64) -> Result<(), String> {
        let Started {
            unit,
            round,
            attempt,
            at,
            ref opened,
        } = *started;
        self.at(at);
        self.check(unit, round, attempt)?;
        let draw = Draw {
            round,
            unit,
            attempt,
            source: self.part(),
            kind: DrawKind::Vanished,
            is_plain: opened.is_none() && self.index.openings.len() <= 1,
            started: place,
            ended: 0,
        };
        let before = self
            .open
            .insert((unit, round, attempt), self.index.draws.len());
        self.index.draws.push(draw);
        match before {
            None => Ok(()),
            Some(_) => Err(format!(
                "round {round}, attempt {attempt} of unit {unit} started a second time"
            )),
        }
    }

    fn ended(&mut self, ended: &Ended, place: u64) -> Result<(), String> {
        self.at(ended.at);
        let key = (ended.unit, ended.round, ended.attempt);
        let Some(draw) = self.open.remove(&key) else {
            return Err(format!(
                "round {}, attempt {} of unit {} ended, but it was not running",
                ended.round, ended.attempt, ended.unit
            ));
        };
        if let Some(source) = self.source_of(ended)? {
            self.index.draws[draw].source = source;
        }
        let draw = &mut self.index.draws[draw];
        draw.ended = place;
        draw.kind = match ended.outcome {
            Outcome::NotStarted => DrawKind::NotStarted,
            outcome if outcome.is_measured() => DrawKind::Measured,
            _ => DrawKind::Vanished,
        };
        draw.is_plain &= ended.run.is_none()
            && ended.evidence.is_none()
            && ended.output.is_none()
            && ended.crash.is_none()
            && ended.descendants.is_empty();
        Ok(())
    }

    /// Which run of a merged journal made an attempt.
    fn source_of(&self, ended: &Ended) -> Result<Option<u16>, String> {
        if !self.index.is_merged {
            return Ok(None);
        }
        let shard = Shard::of_round(ended.round, self.index.count).index;
        let of_shard = |source: &Source| source.shard == shard;
        let first = self.index.sources.iter().position(of_shard);
        let place = first.map(|first| first + ended.run.unwrap_or(0) as usize);
        let place = place.filter(|place| self.index.sources.get(*place).is_some_and(of_shard));
        place
            .and_then(|place| u16::try_from(place).ok())
            .map(Some)
            .ok_or_else(|| format!("round {} is of a run that was not merged", ended.round))
    }

    /// Opens the journal again. If another machine opened it, a new part begins.
    fn reopen(&mut self, opened: Opened, place: u64) {
        if !self.index.is_merged {
            self.index.openings.push((place, opened.time.clone()));
        }
        if self.index.is_merged {
            // The runs that it was made of have their own times.
        } else if is_elsewhere(&self.index.info, &opened.run) {
            self.end_part();
            self.started = opened.time;
            self.hello = None;
        } else {
            self.secs_before += self.at;
            // What failed before may work again: the run says so if it does not.
            self.device_failures.clear();
        }
        self.index.info = opened.run;
        (self.closed, self.at) = (None, 0.0);
    }

    /// The part of the journal that is being read.
    fn part(&self) -> u16 {
        match self.index.is_merged {
            true => 0,
            false => u16::try_from(self.index.sources.len()).unwrap_or(u16::MAX),
        }
    }

    /// Adds the part of the journal that ends here.
    fn end_part(&mut self) {
        let part = u32::from(self.part());
        let info = &self.index.info;
        let (finished, why) = self.closed.take().unzip();
        let run = ShardRun {
            id: info.id.clone(),
            number: info.number,
            resumed: (part > 0).then(|| ResumedPart {
                part,
                began: self.began.clone(),
            }),
            started: self.started.clone(),
            finished,
            at: self.at,
            secs: std::mem::take(&mut self.secs_before) + self.at,
            why,
            bytes: 0,
            machine: info.machine.clone(),
            devices: info.devices.clone(),
            device_failures: std::mem::take(&mut self.device_failures),
            hello: self.hello.take(),
            findings: info.findings.clone(),
            limits: info.limits.clone(),
            jobs: info.jobs,
            evidence: info.evidence,
            evidence_rounds: info.evidence_rounds,
            max_failures: info.max_failures,
            time_budget: info.time_budget,
        };
        let shard = info.shard.map_or(1, |shard| shard.index);
        self.index.sources.push(Source { shard, run });
    }

    /// The index of this many bytes of the journal.
    fn end(mut self, bytes: u64) -> Index {
        self.index.is_live &= self.closed.is_none();
        if !self.index.is_merged {
            self.end_part();
            // A copy of a journal counts as a whole, whichever machines wrote it.
            for source in &mut self.index.sources {
                source.run.bytes = bytes;
            }
        }
        self.index
    }
}

/// The runs that a merged run was made of.
fn sources(merged: &Merged) -> Vec<Source> {
    let shards = merged.shards.iter();
    let sources = shards.flat_map(|shard| {
        shard.each.iter().map(|run| Source {
            shard: shard.index,
            run: run.clone(),
        })
    });
    sources.collect()
}

/// Whether another machine opened a journal again, or the same one with other devices or at another
/// commit.
fn is_elsewhere(before: &RunInfo, after: &RunInfo) -> bool {
    before.machine.get("git") != after.machine.get("git")
        || !is_same_machine(
            (&before.machine, &before.devices),
            (&after.machine, &after.devices),
        )
}

/// Why a run is no part of another one.
fn why_not(info: &RunInfo) -> Option<&'static str> {
    match info {
        _ if info.imported.is_some() => Some("the run was imported"),
        _ if info.plan.is_none() => Some("the run has no plan"),
        _ if info.stopping.is_search() => Some("the run is a search"),
        _ if info.only_round.is_some() => Some("the run repeats a round"),
        _ => None,
    }
}
