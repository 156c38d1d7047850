//! The JSON report, schema 1. Fields are only ever added; those of the schema come first, in its order.

use std::collections::BTreeMap;

use crashrate_model::{Mode, Outcome, StopReason};
use serde::{Serialize, Serializer};

use crate::clean::is_unseen;
use crate::view::{
    ChapterRow, MeasureStat, Note, Outcomes, Reason, Results, RunFacts, Running, SequenceRow,
    Share, Spread, Totals, View,
};

/// The version of the format.
const SCHEMA: u32 = 1;

/// The report as JSON, schema 1, with a newline at its end.
///
/// ```json
/// {"schema":1,"run":{"id":"...","number":1973},"sequences":[],"chapters":[]}
/// ```
pub fn json(view: &View) -> String {
    let report = Report {
        schema: SCHEMA,
        run: Run::of(&view.run),
        sequences: view.sequences.iter().map(Sequence::of).collect(),
        chapters: view.chapters.iter().map(Chapter::of).collect(),
        totals: Sums::of(&view.totals),
        running: view.running.iter().map(Now::of).collect(),
        command: view.command.as_deref(),
    };
    // Maps with string keys and finite numbers: there is nothing in it that JSON cannot hold.
    let text = serde_json::to_string_pretty(&report).unwrap_or_default();
    harmless(&text) + "\n"
}

/// Writes those characters as escapes that JSON allows but a terminal may act on. Outside strings there are none but
/// the line ends of the format itself.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_unseen(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    run: Run<'a>,
    sequences: Vec<Sequence<'a>>,
    chapters: Vec<Chapter<'a>>,
    totals: Sums,
    running: Vec<Now<'a>>,
    command: Option<&'a str>,
}

#[derive(Serialize)]
struct Run<'a> {
    id: &'a str,
    number: u32,
    suite: &'a str,
    seed: u64,
    device: &'a str,
    versions: &'a BTreeMap<String, String>,
    started: &'a str,
    finished: Option<&'a str>,
    complete: bool,
    hazard: Option<&'a serde_json::Value>,
    live: bool,
    stopped: Option<StopReason>,
    seconds: f64,
    device_asked: &'a str,
    machine: &'a BTreeMap<String, String>,
    jobs: u32,
    retries: u32,
    bad: Vec<Outcome>,
    resumed: u32,
    changes: &'a [String],
}

impl<'a> Run<'a> {
    fn of(run: &'a RunFacts) -> Self {
        Run {
            id: &run.id,
            number: run.number,
            suite: &run.suite,
            seed: run.seed,
            device: &run.device,
            versions: &run.versions,
            started: &run.started,
            finished: run.finished.as_deref(),
            complete: run.complete,
            hazard: run.hazard.as_ref(),
            live: run.live,
            stopped: run.stopped,
            seconds: run.secs,
            device_asked: &run.device_asked,
            machine: &run.machine,
            jobs: run.jobs,
            retries: run.retries,
            bad: run.bad.iter().collect(),
            resumed: run.resumed,
            changes: &run.changes,
        }
    }
}

#[derive(Serialize)]
struct Sequence<'a> {
    sequence: &'a str,
    variant: &'a str,
    rounds: u32,
    bad: u32,
    first_attempt: Rate,
    #[serde(serialize_with = "pairs")]
    died_in: Vec<(&'a str, u32)>,
    /// `null` for a round that has no end while a later one has.
    order: Vec<Option<Outcome>>,
    after_retries: Rate,
    chapters: &'a [String],
    outcomes: Kinds,
    #[serde(flatten)]
    more: More<'a>,
}

impl<'a> Sequence<'a> {
    fn of(row: &'a SequenceRow) -> Self {
        let results = &row.results;
        let died_in = &row.died_in;
        let chapters = died_in.chapters.iter().map(|(id, n)| (id.as_str(), *n));
        let others = [("between", died_in.between), ("exit", died_in.exit)];
        Sequence {
            sequence: &row.sequence,
            variant: &row.variant,
            rounds: results.rounds,
            bad: results.first_attempt.bad,
            first_attempt: results.first_attempt.into(),
            died_in: chapters.chain(others).collect(),
            order: results.cells.iter().map(|cell| cell.first).collect(),
            after_retries: results.after_retries.into(),
            chapters: &row.chapters,
            outcomes: Kinds(results.outcomes),
            more: More::of(results),
        }
    }
}

#[derive(Serialize)]
struct Chapter<'a> {
    chapter: &'a str,
    mode: Mode,
    sequence: Option<&'a str>,
    variant: &'a str,
    rounds: u32,
    reached: u32,
    outcomes: Kinds,
    first_attempt: Rate,
    after_retries: Rate,
    signals: &'a BTreeMap<String, u32>,
    measures: Vec<Measure<'a>>,
    position: Option<u32>,
    #[serde(flatten)]
    more: More<'a>,
}

impl<'a> Chapter<'a> {
    fn of(row: &'a ChapterRow) -> Self {
        let results = &row.results;
        Chapter {
            chapter: &row.chapter,
            mode: row.mode,
            sequence: row.sequence.as_deref(),
            variant: &row.variant,
            rounds: results.rounds,
            reached: results.reached(),
            outcomes: Kinds(results.outcomes),
            first_attempt: results.first_attempt.into(),
            after_retries: results.after_retries.into(),
            signals: &results.signals,
            measures: results.measures.iter().map(Measure::of).collect(),
            position: row.position,
            more: More::of(results),
        }
    }
}

/// What schema 1 does not ask for, the same for chapters and sequences.
#[derive(Serialize)]
struct More<'a> {
    planned: u32,
    ended: u32,
    passed: u32,
    failed: u32,
    run_again: Kinds,
    passed_after_retries: u32,
    flaky: u32,
    flaky_rounds: &'a [u32],
    attempts: u32,
    lost_retries: u32,
    seconds: Option<Values>,
    reasons: Vec<Why<'a>>,
    notes: Vec<Said<'a>>,
}

impl<'a> More<'a> {
    fn of(results: &'a Results) -> Self {
        More {
            planned: results.planned,
            ended: results.ended,
            passed: results.passed(),
            failed: results.failed(),
            run_again: Kinds(results.run_again),
            passed_after_retries: results.passed_after_retries,
            flaky: results.flaky_rounds.len() as u32,
            flaky_rounds: &results.flaky_rounds,
            attempts: results.attempts,
            lost_retries: results.lost_retries,
            seconds: results.secs.map(Values::from),
            reasons: results.reasons.iter().map(Why::of).collect(),
            notes: results.notes.iter().map(Said::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct Sums {
    planned: u32,
    rounds: u32,
    outcomes: Kinds,
    run_again: Kinds,
    first_attempt: Rate,
    after_retries: Rate,
    passed_after_retries: u32,
    flaky: u32,
    attempts: u32,
}

impl Sums {
    fn of(totals: &Totals) -> Self {
        Sums {
            planned: totals.planned,
            rounds: totals.rounds,
            outcomes: Kinds(totals.outcomes),
            run_again: Kinds(totals.run_again),
            first_attempt: totals.first_attempt.into(),
            after_retries: totals.after_retries.into(),
            passed_after_retries: totals.passed_after_retries,
            flaky: totals.flaky,
            attempts: totals.attempts,
        }
    }
}

#[derive(Serialize)]
struct Rate {
    bad: u32,
    n: u32,
}

impl From<Share> for Rate {
    fn from(share: Share) -> Self {
        let Share { bad, n } = share;
        Rate { bad, n }
    }
}

/// Counts of those outcomes that occurred.
struct Kinds(Outcomes);

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.occurred())
    }
}

fn pairs<S: Serializer>(pairs: &[(&str, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

#[derive(Serialize)]
struct Values {
    n: u32,
    min: f64,
    median: f64,
    max: f64,
}

impl From<Spread> for Values {
    fn from(spread: Spread) -> Self {
        let Spread {
            n,
            min,
            median,
            max,
        } = spread;
        Values {
            n,
            min,
            median,
            max,
        }
    }
}

#[derive(Serialize)]
struct Measure<'a> {
    name: &'a str,
    label: &'a str,
    unit: &'a str,
    #[serde(flatten)]
    values: Values,
}

impl<'a> Measure<'a> {
    fn of(stat: &'a MeasureStat) -> Self {
        Measure {
            name: &stat.name,
            label: &stat.label,
            unit: &stat.unit,
            values: stat.spread.into(),
        }
    }
}

#[derive(Serialize)]
struct Why<'a> {
    outcome: Outcome,
    text: &'a str,
    count: u32,
    round: u32,
    output: Option<&'a str>,
}

impl<'a> Why<'a> {
    fn of(reason: &'a Reason) -> Self {
        Why {
            outcome: reason.outcome,
            text: &reason.text,
            count: reason.count,
            round: reason.round,
            output: reason.output.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Said<'a> {
    text: &'a str,
    count: u32,
}

impl<'a> Said<'a> {
    fn of(note: &'a Note) -> Self {
        Said {
            text: &note.text,
            count: note.count,
        }
    }
}

#[derive(Serialize)]
struct Now<'a> {
    name: &'a str,
    mode: Mode,
    variant: &'a str,
    round: u32,
    attempt: u32,
}

impl<'a> Now<'a> {
    fn of(running: &'a Running) -> Self {
        Now {
            name: &running.name,
            mode: running.mode,
            variant: &running.variant,
            round: running.round,
            attempt: running.attempt,
        }
    }
}
