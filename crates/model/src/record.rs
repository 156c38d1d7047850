//! The journal's records, one on each line: see [`Lines`](crate::Lines) for the form of a line.
//!
//! A long run has millions of them, and nearly all are of attempts that passed. Keys that say nothing about such an
//! attempt are left out; a key whose absence would change a count, an outcome or a signature is always written.
//!
//! The first record is `opened`. Each attempt then has a `started` and, unless the supervisor died, an `ended`.
//! A run that ended in good order has `closed` last; a resumed one has another `opened` after what it found.
//! Times named `at` are seconds since the `opened` record before them, on a clock that never jumps.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{
    Baseline, ChapterFacts, Ended, EvidenceMode, EvidenceRound, Finding, Imported, Outcome,
    OutcomeSet, Recommendation, Stopping, Unit,
};

/// The version of the record format: readers accept this one only.
pub const JOURNAL_VERSION: u32 = 3;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rec", rename_all = "kebab-case")]
pub enum Record {
    /// A supervisor opened the journal.
    Opened(Box<Opened>),
    /// A child said what it runs on; written once for each different answer.
    Hello(Hello),
    /// An attempt is about to be started.
    Started(Started),
    /// An attempt ended.
    Ended(Box<Ended>),
    /// A traced attempt that is in no rate was made for evidence.
    Evidence(Box<EvidenceRound>),
    /// A process that attempts were forked from ended by itself.
    Zygote(ZygoteEnd),
    /// The supervisor ended in good order.
    Closed(Closed),
}

impl Record {
    /// Reads a record without its checksum.
    ///
    /// # Errors
    /// It is not a record, or lacks a key whose absence would change a result.
    pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<Record> {
        // serde buffers a tagged enum until it knows the tag. The kinds that nearly all lines have are tried first; an
        // error is reported alike either way.
        let quick = if json.starts_with(br#"{"rec":"ended","#) {
            (serde_json::from_slice(json).ok()).map(|ended| Record::Ended(Box::new(ended)))
        } else if json.starts_with(br#"{"rec":"started","#) {
            serde_json::from_slice(json).ok().map(Record::Started)
        } else {
            None
        };
        let record = quick.map_or_else(|| serde_json::from_slice(json), Ok)?;
        match &record {
            Record::Opened(_) => {
                serde_json::from_slice::<OpenedKeys>(json)?;
            }
            Record::Ended(ended) if ended.outcome != Outcome::Passed => {
                serde_json::from_slice::<NotPassedKeys>(json)?;
            }
            _ => {}
        }
        Ok(record)
    }

    /// Writes a record without its checksum and without its closing brace.
    pub(crate) fn write_open(&self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *json, self)?;
        json.pop();
        if let Record::Ended(ended) = self
            && ended.outcome != Outcome::Passed
        {
            for (key, is_absent) in [
                ("exit", ended.exit.is_none()),
                ("crash", ended.crash.is_none()),
            ] {
                if is_absent {
                    json.extend(format!(",\"{key}\":null").bytes());
                }
            }
        }
        Ok(())
    }
}

/// The optional keys that the record of an attempt that did not pass must have all the same.
#[derive(Deserialize)]
struct NotPassedKeys {
    #[serde(rename = "exit")]
    _exit: IgnoredAny,
    #[serde(rename = "crash")]
    _crash: IgnoredAny,
}

/// The optional keys that an `opened` record must have all the same.
#[derive(Deserialize)]
struct OpenedKeys {
    #[serde(rename = "run")]
    _run: RunKeys,
}

#[derive(Deserialize)]
struct RunKeys {
    #[serde(rename = "fault")]
    _fault: IgnoredAny,
    #[serde(rename = "max_failures")]
    _max_failures: IgnoredAny,
    #[serde(rename = "time_budget")]
    _time_budget: IgnoredAny,
    #[serde(rename = "not_worse_by")]
    _not_worse_by: IgnoredAny,
    #[serde(rename = "imported")]
    _imported: IgnoredAny,
    #[serde(rename = "baseline")]
    _baseline: IgnoredAny,
}

/// A supervisor opened the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// [`JOURNAL_VERSION`] of the writer.
    pub v: u32,
    /// Wall-clock time, RFC 3339.
    pub time: String,
    /// What is being run.
    pub run: RunInfo,
}

/// What a report needs to know of a run besides its attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The run's id, which is also the name of its folder.
    pub id: String,
    /// The report number N.
    pub number: u32,
    /// The suite's name.
    pub suite: String,
    /// The seed that block orders and the rounds' own seeds come from.
    pub seed: u64,
    /// The device asked for, such as `auto` or `cpu`; the one used is in [`Hello`].
    pub device: String,
    /// How many attempts may run at the same time.
    pub jobs: u32,
    /// How many times a round that did not pass is tried again.
    pub retries: u32,
    /// Which outcomes the crash rate counts.
    pub bad: OutcomeSet,
    /// The fault that was injected, if any, as the suite has it.
    pub fault: Option<serde_json::Value>,
    /// How the rounds that count are watched.
    pub evidence: EvidenceMode,
    /// Whether traced rounds that are in no rate follow the counted ones where a unit crashed.
    pub evidence_rounds: bool,
    /// Where it runs: `os`, `host`, `cpu`, `crashrate` and whatever else is known.
    pub machine: BTreeMap<String, String>,
    /// When it stops by itself.
    pub stopping: Stopping,
    /// The number of rounds that may fail before nothing more is started.
    pub max_failures: Option<u32>,
    /// The time after which no more rounds are started, seconds.
    pub time_budget: Option<f64>,
    /// How much more often the second side of a comparison may be bad and still count as no worse, as a share.
    pub not_worse_by: Option<f64>,
    /// The one round of each unit that it runs, to repeat it; all rounds when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_round: Option<u32>,
    /// What the chapters are.
    pub chapters: Vec<ChapterFacts>,
    /// What was found out about the machine before the run.
    pub findings: Vec<Finding>,
    /// What the suite recommends.
    pub recommendations: Vec<Recommendation>,
    /// What its attempts may use of the machine, and by what means that is limited.
    pub limits: BTreeMap<String, String>,
    /// The SHA-256 of each program that is measured, by its path, where it can be read.
    pub programs: BTreeMap<String, String>,
    /// What makes it an imported one: crashrate did not measure it.
    pub imported: Option<Imported>,
    /// The record that the suite repeats, as it was when the run began.
    pub baseline: Option<Box<Baseline>>,
    /// What is measured; records name a unit by its place in this list.
    pub units: Vec<Unit>,
}

/// A child said what it runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The device in use, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Library versions by name.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
}

/// An attempt is about to be started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Place in [`RunInfo::units`].
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    pub attempt: u32,
    /// Seconds since `opened`.
    pub at: f64,
}

/// A process that attempts were forked from ended, and nobody wanted it to. What it had running was run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZygoteEnd {
    /// Seconds since `opened`.
    pub at: f64,
    /// Place in [`RunInfo::units`] of what it was asked for.
    pub unit: u32,
    /// The round.
    pub round: u32,
    /// How it ended, for people.
    pub reason: String,
}

/// The supervisor ended in good order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// Wall-clock time, RFC 3339.
    pub time: String,
    /// Seconds since `opened`.
    pub at: f64,
    /// Why no more rounds were started.
    pub why: StopReason,
    /// More of it in words for people, where a word does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why no more rounds were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// Every planned round has its end.
    Done,
    /// The user stopped the run.
    Interrupted,
    /// As many rounds did not pass as were allowed not to.
    MaxFailures,
    /// The time for it was over.
    TimeBudget,
    /// The run's own rule stopped it: every comparison or gate has its verdict, or the first bad round was there.
    Decided,
    /// The journal could not be written, because the disk was full for instance.
    JournalFailed,
    /// A child could not be waited for: its end, and those of others, would be unknown.
    WaitingFailed,
    /// A program that the run measures was replaced by another: its rounds would have been of two programs.
    ProgramReplaced,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_told_alike_however_it_is_read() {
        for line in [
            r#"{"rec":"started"}"#,
            r#"{"rec":"started","unit":0,"round":1,"attempt":1}"#,
            r#"{"rec":"ended","unit":0,"round":1,"attempt":1,"at":0,"outcome":"tired"}"#,
            r#"{"rec":"started","unit":0,"round":1,"attempt":1,"at":0} more"#,
        ] {
            let told = Record::from_json(line.as_bytes()).unwrap_err().to_string();
            let otherwise = serde_json::from_str::<Record>(line).unwrap_err();
            assert_eq!(told, otherwise.to_string());
        }
    }
}
