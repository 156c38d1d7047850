//! The JSON report, schema 1. Fields are only ever added; the schema's own come first, in its
//! order.

mod baseline;
mod compared;
mod crashes;
mod history;
mod values;

use std::collections::BTreeMap;

use crashrate_model::{Mode, Outcome};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clean::is_unseen;
use crate::compare::Comparisons;
use crate::view::{
    Advice, Bounds, ChapterRow, DiedInCounts, Judgement, MeasureStat, Missed, Note, Outcomes,
    Reason, Results, RoundOrder, RunFacts, Running, SequenceRow, Share, Spread, Totals, View,
};
use crate::words::{doubts, rates_by_exposure};
use baseline::Beside;
use compared::{OneClaim, Order, Set, Shown};
use crashes::Crashed;
pub use history::history_json;
pub(super) use values::Found;
use values::{ByExposure, Estimated};

/// The version of the format.
const SCHEMA: u32 = 1;

/// The report as JSON, schema 1, with a newline at its end.
///
/// ```json
/// {"schema":1,"run":{"id":"...","number":1973},"sequences":[],"chapters":[]}
/// ```
pub fn json(view: &View) -> String {
    let compared = view.comparisons();
    let beside = view.beside_baseline();
    let report = Report {
        schema: SCHEMA,
        run: &view.run,
        sequences: view
            .sequences
            .iter()
            .map(|row| Sequence::of(row, &view.run))
            .collect(),
        chapters: view
            .chapters
            .iter()
            .map(|row| Chapter::of(row, &view.run))
            .collect(),
        totals: &view.totals,
        findings: view.run.findings.iter().map(Found::of).collect(),
        recommendations: &view.recommendations,
        comparisons: compared.iter().map(Set::of).collect(),
        baseline: beside.map(|all| Beside::of(view, all)),
        claims: OneClaim::all(view.claims()),
        gates: view.gates.iter().map(Shown::of).collect(),
        doubts: doubts(view),
        judgement: match view.judgement() {
            Judgement::None => None,
            Judgement::Shown => Some("shown"),
            Judgement::Undecided => Some("undecided"),
            Judgement::Refuted => Some("refuted"),
        },
        running: &view.running,
        command: view.command.as_deref(),
        crashes: view.crashes.iter().map(Crashed::of).collect(),
    };
    pretty(&report)
}

/// Comparisons as JSON, with a newline at its end.
pub fn compare_json(all: &Comparisons) -> String {
    pretty(&Set::of(all))
}

/// A value as JSON, safe to print on a terminal, with a newline at its end.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // Cannot fail: the value has only string keys and finite numbers.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    harmless(&text) + "\n"
}

/// Writes characters that a terminal may act on as JSON escapes. Outside strings, only the format's
/// own line ends occur.
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
    run: &'a RunFacts,
    sequences: Vec<Sequence<'a>>,
    chapters: Vec<Chapter<'a>>,
    totals: &'a Totals,
    findings: Vec<Found<'a>>,
    /// The recommendations that hold.
    recommendations: &'a [Advice],
    comparisons: Vec<Set<'a>>,
    /// The suite's baseline; `null` if it names none.
    baseline: Option<Beside<'a>>,
    /// The claims of an imported report.
    claims: Vec<OneClaim<'a>>,
    gates: Vec<Shown<'a>>,
    /// Caveats for reading the rates.
    doubts: Vec<String>,
    /// The stopping rule's verdict; `null` without a rule.
    judgement: Option<&'static str>,
    running: &'a [Running],
    command: Option<&'a str>,
    /// By signature, most frequent first.
    crashes: Vec<Crashed<'a>>,
}

#[derive(Serialize)]
struct Sequence<'a> {
    sequence: &'a str,
    variant: &'a str,
    rounds: u32,
    bad: u32,
    first_attempt: Share,
    died_in: &'a DiedInCounts,
    /// `null` for a round without a result that precedes one with a result. Empty if the order of
    /// rounds is unknown.
    order: Vec<Option<Outcome>>,
    after_retries: Share,
    chapters: &'a [String],
    outcomes: Outcomes,
    #[serde(flatten)]
    more: More<'a>,
}

impl<'a> Sequence<'a> {
    fn of(row: &'a SequenceRow, run: &RunFacts) -> Self {
        let results = &row.results;
        Sequence {
            sequence: &row.sequence,
            variant: &row.variant,
            rounds: results.rounds,
            bad: results.first_attempt.bad,
            first_attempt: results.first_attempt,
            died_in: &row.died_in,
            order: match results.order {
                RoundOrder::Unknown => Vec::new(),
                RoundOrder::Known => results.cells.iter().map(|cell| cell.first).collect(),
            },
            after_retries: results.after_retries,
            chapters: &row.chapters,
            outcomes: results.outcomes,
            more: More::of(results, run),
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
    outcomes: Outcomes,
    first_attempt: Share,
    after_retries: Share,
    signals: &'a BTreeMap<String, u32>,
    measures: &'a [MeasureStat],
    position: Option<u32>,
    /// The worker's built-in chapter.
    worker: Option<&'a str>,
    params: Option<&'a Map<String, Value>>,
    #[serde(flatten)]
    more: More<'a>,
}

impl<'a> Chapter<'a> {
    fn of(row: &'a ChapterRow, run: &'a RunFacts) -> Self {
        let results = &row.results;
        let facts = run.chapter(&row.chapter);
        Chapter {
            chapter: &row.chapter,
            mode: row.mode,
            sequence: row.sequence.as_deref(),
            variant: &row.variant,
            rounds: results.rounds,
            reached: results.reached(),
            outcomes: results.outcomes,
            first_attempt: results.first_attempt,
            after_retries: results.after_retries,
            signals: &results.signals,
            measures: &results.measures,
            position: row.position,
            worker: facts.and_then(|facts| facts.worker.as_deref()),
            params: facts.map(|facts| &facts.params),
            more: More::of(results, run),
        }
    }
}

/// Fields beyond schema 1, the same for chapters and sequences.
#[derive(Serialize)]
struct More<'a> {
    /// `first_attempt` as a rate, with its interval.
    crash_rate: Option<Estimated>,
    /// The rates possible given the rounds without a result; omitted if all have one.
    bounds: Option<Bounds>,
    /// Bad rounds per time and per operation; omitted unless rounds differ in length.
    exposure: Option<ByExposure>,
    /// Omitted if there are too few good or bad rounds.
    independence: Option<Order>,
    planned: u32,
    ended: u32,
    passed: u32,
    failed: u32,
    run_again: Outcomes,
    passed_after_retries: u32,
    flaky: u32,
    flaky_rounds: &'a [u32],
    attempts: u32,
    lost_retries: u32,
    seconds: Option<Spread>,
    missed: &'a [Missed],
    reasons: &'a [Reason],
    notes: &'a [Note],
}

impl<'a> More<'a> {
    fn of(results: &'a Results, run: &RunFacts) -> Self {
        More {
            crash_rate: Estimated::of(results.first_attempt, results.optional_stopping),
            bounds: results.bounds,
            exposure: rates_by_exposure(results, run).map(ByExposure::from),
            independence: results.independence.map(Order::from),
            planned: results.planned,
            ended: results.ended,
            passed: results.passed(),
            failed: results.failed(),
            run_again: results.run_again,
            passed_after_retries: results.passed_after_retries,
            flaky: results.flaky_rounds.len() as u32,
            flaky_rounds: &results.flaky_rounds,
            attempts: results.attempts,
            lost_retries: results.lost_retries,
            seconds: results.secs,
            missed: &results.missed,
            reasons: &results.reasons,
            notes: &results.notes,
        }
    }
}
