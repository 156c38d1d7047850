//! A published report as data: what others measured, in crashrate's own types.

use serde::{Deserialize, Serialize};

use crate::{Closed, Ended, Hello, JOURNAL_VERSION, Opened, Record, RunInfo, Started, StopReason};

/// Marks a run as imported: crashrate did not measure it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The imported file, as named by the user.
    pub file: String,
    /// Units (indices into [`RunInfo::units`]) of which only counts are known: their round numbers
    /// say nothing about order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unordered: Vec<u32>,
    /// The conclusions that the report draws from its numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

/// A conclusion that a report draws from its numbers. The numbers may or may not support it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The text in the report.
    pub text: String,
    /// The chapter that the claim is about.
    pub chapter: String,
    /// Earlier isolated rounds that the report's isolated rounds are compared with. Without them,
    /// the claim compares the chapter in sequence with the chapter isolated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Earlier>,
}

/// Isolated rounds of a chapter in an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The number N of the earlier report.
    pub number: u32,
    /// Bad rounds.
    pub bad: u32,
    /// All rounds.
    pub rounds: u32,
}

/// A published report: everything that its journal can hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The date of the report; the time of day is unknown.
    pub date: String,
    /// The device and library versions.
    pub hello: Hello,
    /// The run; [`RunInfo::imported`] is set.
    pub run: RunInfo,
    /// The end of each round.
    pub rounds: Vec<Ended>,
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
