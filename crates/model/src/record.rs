//! The journal's records, one a line. [`Lines`](crate::Lines) describes the format of a line.
//!
//! A long run has millions of records, nearly all for passed attempts. Keys that carry no
//! information about a passed attempt are omitted. A key whose absence would change a count, an
//! outcome or a signature is always written.
//!
//! The first record is `opened`. Each attempt then has a `started` and, unless the supervisor died,
//! an `ended`. A run that ended normally has `closed` last; a resumed run adds another `opened`.
//! Times named `at` are seconds since the preceding `opened`, on a monotonic clock.

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    Baseline, Bisected, DeviceFailure, Ended, EvidenceRound, Hello, Minimized, Outcome, Provoked,
    RunInfo, StopReason,
};

/// The version of the journal format. Readers accept no other.
pub const JOURNAL_VERSION: u32 = 3;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "rec", rename_all = "kebab-case")]
pub enum Record {
    /// A supervisor opened the journal.
    Opened(Box<Opened>),
    /// A child reported its device and versions. Written once for each different report.
    Hello(Hello),
    /// An attempt is about to start.
    Started(Started),
    /// An attempt ended.
    Ended(Box<Ended>),
    /// A traced attempt that is not counted was made for evidence.
    Evidence(Box<EvidenceRound>),
    /// What a unit measures was built, or could not be.
    Built(Box<Built>),
    /// A zygote, the process that attempts are forked from, ended by itself.
    Zygote(ZygoteEnd),
    /// A device stopped working.
    DeviceFailed(Box<DeviceFailure>),
    /// No more rounds are started; running attempts end.
    Ending(Ending),
    /// A search ended, or was interrupted.
    Minimized(Box<Minimized>),
    /// How far the search for a commit is.
    Bisected(Box<Bisected>),
    /// How far the search for a perturbation is.
    Provoked(Box<Provoked>),
    /// The supervisor ended normally.
    Closed(Closed),
}

impl Record {
    /// Parses a record without its checksum.
    ///
    /// # Errors
    /// It is not a record, or lacks a key whose absence would change a result.
    pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<Record> {
        // serde buffers an internally tagged enum until it has read the tag. Nearly all lines are
        // of two kinds, so these are tried first. Errors are the same either way.
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

    /// Writes a record without its checksum and closing brace.
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

/// Optional keys that the record of an attempt that did not pass must contain.
#[derive(Deserialize)]
struct NotPassedKeys {
    #[serde(rename = "exit")]
    _exit: IgnoredAny,
    #[serde(rename = "crash")]
    _crash: IgnoredAny,
}

/// Optional keys that an `opened` record must contain.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Opened {
    /// [`JOURNAL_VERSION`] of the writer.
    pub v: u32,
    /// Wall-clock time, RFC 3339.
    pub time: String,
    /// The run's settings.
    pub run: RunInfo,
}

/// An attempt is about to be started.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// Index into [`RunInfo::units`].
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    pub attempt: u32,
    /// Seconds since `opened`.
    pub at: f64,
    /// In a merged run: when the journal was opened that `at` counts from, RFC 3339. `None` if this
    /// is [`MergedShard::started`](crate::MergedShard::started) of its shard.
    pub opened: Option<String>,
}

/// A zygote ended unexpectedly. Its running attempts were run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZygoteEnd {
    /// Seconds since `opened`.
    pub at: f64,
    /// Index into [`RunInfo::units`] of the unit it was started for.
    pub unit: u32,
    /// The round.
    pub round: u32,
    /// How it ended, for people.
    pub reason: String,
}

/// What a unit measures was built before its first round, or could not be.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Built {
    /// Seconds since `opened`.
    pub at: f64,
    /// Index into [`RunInfo::units`].
    pub unit: u32,
    /// How long it took, seconds; `None` if an earlier build was used again.
    pub secs: Option<f64>,
    /// SHA-256 of the unit's program, if it could be read.
    pub program: Option<String>,
    /// Why it could not be built, for people.
    pub problem: Option<String>,
}

/// A signal or the time budget stopped the run. Attempts that are running may end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ending {
    /// Seconds since `opened`.
    pub at: f64,
    /// Why.
    pub why: StopReason,
}

/// The supervisor ended in good order.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    /// Wall-clock time, RFC 3339.
    pub time: String,
    /// Seconds since `opened`.
    pub at: f64,
    /// Why no more rounds were started.
    pub why: StopReason,
    /// Details for people, where the word is not enough.
    pub reason: Option<String>,
}

impl Baseline {
    /// Returns the report as journal records. Times are unknown, which [`RunInfo::imported`] tells
    /// readers.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let opened = Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: self.date.clone(),
            run: self.run.clone(),
        }));
        let rounds = self.rounds.iter().flat_map(|ended| {
            let started = Record::Started(Started {
                unit: ended.unit,
                round: ended.round,
                attempt: ended.attempt,
                at: 0.0,
                opened: None,
            });
            [started, Record::Ended(Box::new(ended.clone()))]
        });
        let closed = Record::Closed(Closed {
            time: self.date.clone(),
            at: 0.0,
            why: StopReason::Done,
            reason: None,
        });
        [opened, Record::Hello(self.hello.clone())]
            .into_iter()
            .chain(rounds)
            .chain([closed])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parsers_report_the_same_errors() {
        for line in [
            r#"{"rec":"started"}"#,
            r#"{"rec":"started","unit":0,"round":1,"attempt":1}"#,
            r#"{"rec":"ended","unit":0,"round":1,"attempt":1,"at":0,"outcome":"tired"}"#,
            r#"{"rec":"started","unit":0,"round":1,"attempt":1,"at":0} more"#,
        ] {
            let error = Record::from_json(line.as_bytes()).unwrap_err().to_string();
            let read_generically = serde_json::from_str::<Record>(line).unwrap_err();
            assert_eq!(error, read_generically.to_string());
        }
    }
}
