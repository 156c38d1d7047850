//! A report of the past as data: what others measured, in the same words as what crashrate measures.

use serde::{Deserialize, Serialize};

use crate::{Closed, Ended, Hello, JOURNAL_VERSION, Opened, Record, RunInfo, Started, StopReason};

/// What makes a run an imported one: crashrate did not measure it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The file that it is from, as it was named.
    pub file: String,
    /// The units, by their place in [`RunInfo::units`], of which only counts are known: the numbers of their rounds say
    /// nothing about what came before what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unordered: Vec<u32>,
    /// What the report says of its own numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

/// Something that a report says of its own numbers, and that its numbers may show or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The report's words.
    pub text: String,
    /// The chapter that it is about.
    pub chapter: String,
    /// The rounds that its isolated ones are set against; without them, its rounds in sequence against its isolated ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Earlier>,
}

/// Isolated rounds of a chapter in an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The earlier report's number N.
    pub number: u32,
    /// How many ended badly.
    pub bad: u32,
    /// Of how many.
    pub rounds: u32,
}

/// A recorded report: everything that a journal of it can hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The day of the report; the time of day is not known.
    pub date: String,
    /// What it ran on.
    pub hello: Hello,
    /// What was run; [`RunInfo::imported`] is there.
    pub run: RunInfo,
    /// How each round ended.
    pub rounds: Vec<Ended>,
}

impl Baseline {
    /// The records of a journal of it. Times are not known; that is what [`RunInfo::imported`] says to a reader.
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
