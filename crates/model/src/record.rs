//! The journal's records, version 2: one JSON object a line.
//!
//! A long run has millions of them, and nearly all are of attempts that passed: what says nothing there is left out
//! (the first unit, the first attempt, the exit that an outcome implies).
//!
//! The first record is `opened`. Each attempt then has a `started` and, unless the supervisor died, an `ended`.
//! A run that ended in good order has `closed` last; a resumed one has another `opened` after what it found.
//! Times named `at` are seconds since the `opened` record before them, on a clock that never jumps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ChapterFacts, DiedIn, Exit, Finding, Imported, Mode, Outcome, OutcomeSet, Recommendation,
    Recorded, Spawn, Stopping, Unit, Usage,
};

/// The version of the record format. Changes: 1 is the first; 2 leaves out `unit` 0, `attempt` 1 and the `exit` of a
/// passed attempt with a `usage`, and has shorter names in `usage`. Version 1 is read as ever.
pub const JOURNAL_VERSION: u32 = 2;

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
    /// A process that attempts were forked from ended by itself.
    Zygote(ZygoteEnd),
    /// The supervisor ended in good order.
    Closed(Closed),
}

impl Record {
    /// Reads a line of a journal.
    ///
    /// # Errors
    /// It is no record.
    pub fn from_line(line: &[u8]) -> serde_json::Result<Record> {
        // A tagged enum is kept whole before it is known which one it is. What nearly all lines are is tried first, as
        // writers begin it; what is said of a wrong one is the same either way.
        let quick = if line.starts_with(br#"{"rec":"ended","#) {
            (serde_json::from_slice(line).ok()).map(|ended| Record::Ended(Box::new(ended)))
        } else if line.starts_with(br#"{"rec":"started","#) {
            serde_json::from_slice(line).ok().map(Record::Started)
        } else {
            None
        };
        quick.map_or_else(|| serde_json::from_slice(line), Ok)
    }
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
    /// The hazard that was injected, if any, as the suite has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hazard: Option<serde_json::Value>,
    /// Whether its attempts are watched by a tracer. Rates with and without are never taken together unasked.
    #[serde(default)]
    pub traced: bool,
    /// Where it runs: `os`, `host`, `cpu`, `crashrate` and whatever else is known.
    #[serde(default)]
    pub machine: BTreeMap<String, String>,
    /// When it stops by itself.
    #[serde(default)]
    pub stopping: Stopping,
    /// The number of rounds that may fail before nothing more is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
    /// The time after which no more rounds are started, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_budget: Option<f64>,
    /// How much more often the second side of a comparison may be bad and still count as no worse, as a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_worse_by: Option<f64>,
    /// What the chapters are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterFacts>,
    /// What was found out about the machine before the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What the suite recommends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recommendations: Vec<Recommendation>,
    /// What its attempts may use of the machine, and by what means that is limited.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
    /// The SHA-256 of each program that is measured, by its path, where it can be read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, String>,
    /// What makes it an imported one: crashrate did not measure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// The record that the suite repeats, as it was when the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<Recorded>>,
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
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempt: u32,
    /// Seconds since `opened`.
    pub at: f64,
}

/// An attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Place in [`RunInfo::units`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempt: u32,
    /// Seconds since `opened`.
    pub at: f64,
    /// From start to end of the process, seconds; nothing where it is not known, as in an imported run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secs: Option<f64>,
    /// How it ended: of the chapter in isolated mode, of the sequence as a whole in sequential mode.
    pub outcome: Outcome,
    /// How the process ended; nothing when it was never started, or where [`Ended::exit`] follows from the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Sequential mode: where it died, if its outcome is a death.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_in: Option<DiedIn>,
    /// Why, in words for people, where the outcome needs any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Isolated mode: what the chapter measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// Sequential mode: every chapter of the sequence, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterEnd>,
    /// What else was seen: garbage on the events descriptor, processes that had to be killed, and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where the kept output is, relative to the run folder, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What is known of its crash, or of its hang at the time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<CrashRef>,
    /// What it used of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Whether it was traced, if that is not what [`RunInfo::traced`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traced: Option<bool>,
    /// How its process came to be, if that is not what its unit says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawn: Option<Spawn>,
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

/// A crash by its name, and where the rest of it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashRef {
    /// Its signature: `v1 | class | frames`.
    pub signature: String,
    /// The file with the whole evidence, relative to the run folder, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

fn is_zero(unit: &u32) -> bool {
    *unit == 0
}

fn is_one(attempt: &u32) -> bool {
    *attempt == 1
}

fn one() -> u32 {
    1
}

impl Ended {
    /// How the process ended. One that passed, and whose use of the machine is known, ended with 0: anything else is not
    /// called passed, and what was never started has used nothing.
    pub fn exit(&self) -> Option<&Exit> {
        let implied = self.outcome == Outcome::Passed && self.usage.is_some();
        self.exit.as_ref().or(implied.then_some(&Exit::Code(0)))
    }

    /// Leaves out what follows from the rest.
    #[must_use]
    pub fn shortened(mut self) -> Ended {
        if let Some(exit) = self.exit.take() {
            self.exit = (self.exit() != Some(&exit)).then_some(exit);
        }
        self
    }

    /// An attempt that came to this, and of which nothing else is known.
    pub fn of(unit: u32, round: u32, attempt: u32, outcome: Outcome) -> Ended {
        Ended {
            unit,
            round,
            attempt,
            at: 0.0,
            secs: None,
            outcome,
            exit: None,
            died_in: None,
            reason: None,
            measures: Vec::new(),
            chapters: Vec::new(),
            notes: Vec::new(),
            output: None,
            crash: None,
            usage: None,
            traced: None,
            spawn: None,
        }
    }

    /// The chapters of this attempt with how each ended, whatever the mode.
    pub fn chapter_ends<'a>(
        &'a self,
        unit: &'a Unit,
    ) -> Box<dyn Iterator<Item = (&'a str, ChapterEnd)> + 'a> {
        match unit.mode {
            Mode::Isolated => Box::new(unit.chapters.iter().take(1).map(|id| {
                let end = ChapterEnd {
                    outcome: self.outcome,
                    secs: self.secs,
                    reason: self.reason.clone(),
                    measures: self.measures.clone(),
                };
                (id.as_str(), end)
            })),
            Mode::Sequential => Box::new(
                unit.chapters
                    .iter()
                    .map(String::as_str)
                    .zip(self.chapters.iter().cloned()),
            ),
        }
    }
}

/// How one chapter of a sequence ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChapterEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// From its start to its end, seconds; nothing when it never started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secs: Option<f64>,
    /// Why, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured, such as `throughput`.
    pub name: String,
    /// Under which condition, such as `threads=8`; empty when there is only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The unit, such as `ops/s`; empty for a bare number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The value; finite.
    pub value: f64,
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
    /// A program that the run measures was replaced by another: its rounds would have been of two programs.
    ProgramReplaced,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Record {
        let record = Record::from_line(line.as_bytes()).unwrap();
        assert_eq!(serde_json::from_str::<Record>(line).unwrap(), record);
        record
    }

    #[test]
    fn what_version_1_wrote_is_read_as_what_is_written_now() {
        for (old, now) in [
            (
                r#"{"rec":"started","unit":0,"round":9,"attempt":1,"at":0.5}"#,
                r#"{"rec":"started","round":9,"at":0.5}"#,
            ),
            (
                r#"{"rec":"ended","unit":2,"round":9,"attempt":3,"at":0.5,"secs":0.25,"outcome":"crashed","exit":{"signal":"SIGSEGV"},"usage":{"cpu_secs":0.25,"peak_bytes":4096}}"#,
                r#"{"rec":"ended","unit":2,"round":9,"attempt":3,"at":0.5,"secs":0.25,"outcome":"crashed","exit":{"signal":"SIGSEGV"},"usage":{"cpu":0.25,"peak":4096}}"#,
            ),
        ] {
            assert_eq!(read(old), read(now));
            assert_eq!(serde_json::to_string(&read(old)).unwrap(), now);
        }
    }

    #[test]
    fn the_exit_of_an_attempt_that_passed_goes_without_saying() {
        let with = |outcome, exit: &Exit, usage| Ended {
            exit: Some(exit.clone()),
            usage,
            ..Ended::of(0, 1, 1, outcome)
        };
        let usage = Some(Usage::default());
        let zero = Exit::Code(0);
        let passed = with(Outcome::Passed, &zero, usage).shortened();
        assert_eq!((&passed.exit, passed.exit()), (&None, Some(&zero)));
        // What does not follow stays on record.
        for (outcome, exit, usage) in [
            (Outcome::Passed, Exit::Code(3), usage),
            (Outcome::Failed, zero.clone(), usage),
            (Outcome::Passed, zero.clone(), None),
        ] {
            let ended = with(outcome, &exit, usage);
            assert_eq!(ended.clone().shortened(), ended);
            assert_eq!(ended.exit(), Some(&exit));
        }
        assert_eq!(Ended::of(0, 1, 1, Outcome::Passed).exit(), None);
    }

    #[test]
    fn a_wrong_line_is_told_alike_however_it_is_read() {
        for line in [
            r#"{"rec":"started"}"#,
            r#"{"rec":"started","round":1}"#,
            r#"{"rec":"ended","round":1,"at":0,"outcome":"tired"}"#,
            r#"{"rec":"started","round":1,"at":0} more"#,
        ] {
            let told = Record::from_line(line.as_bytes()).unwrap_err().to_string();
            let otherwise = serde_json::from_str::<Record>(line).unwrap_err();
            assert_eq!(told, otherwise.to_string());
        }
    }
}
