//! The JSON report, schema 1. Fields are only ever added; the schema's own come first, in its
//! order.

mod bisection;
mod compared;
mod history;
mod machines;
mod provocation;
#[expect(dead_code, reason = "only their schemas are used")]
mod schema;
mod search;
mod values;

use crashrate_model::Finding;
use crashrate_stats::Interval;
use serde_json::{Value, json};

use crate::compare::Comparisons;
use crate::view::{ChapterRow, CrashRow, Results, RoundOrder, RunFacts, SequenceRow, View};
use crate::words::{doubts, rates_by_exposure};
use compared::{beside_baseline, claims, comparisons, gate, independence};
pub use history::history_json;
use machines::device_test;
pub use schema::json_schema;
pub(super) use values::pretty;
use values::{SCHEMA, crash_rate, joined};

/// The report as JSON, schema 1, with a newline at its end.
///
/// ```json
/// {"schema":1,"run":{"id":"...","number":1973},"sequences":[],"chapters":[]}
/// ```
pub fn json(view: &View) -> String {
    let run = &view.run;
    let list = |values: &mut dyn Iterator<Item = Value>| Value::Array(values.collect());
    pretty(&json!({
        "schema": SCHEMA,
        "run": run,
        "sequences": list(&mut view.sequences.iter().map(|row| sequence(row, run))),
        "chapters": list(&mut view.chapters.iter().map(|row| chapter(row, run))),
        "totals": view.totals,
        // Empty in a run without a slot for each device.
        "devices": view.devices,
        // Whether rates differ between devices, by unit.
        "device_tests": list(&mut view.device_tests.iter().filter_map(|test| device_test(view, test))),
        // Null if nothing else happened on the machine.
        "disturbances": view.disturbances,
        "findings": list(&mut run.findings.iter().map(finding)),
        // The recommendations that hold.
        "recommendations": view.recommendations,
        "comparisons": list(&mut view.comparisons().iter().map(comparisons)),
        // Null if the suite names no baseline.
        "baseline": view.beside_baseline().map(|beside| beside_baseline(view, beside)),
        "claims": list(&mut view.claims().iter().flat_map(claims)),
        "gates": list(&mut view.gates.iter().map(gate)),
        // Caveats for reading the rates.
        "doubts": doubts(view),
        // The stopping rule's verdict; null without a rule.
        "judgement": view.judgement(),
        // Null in a run without a search.
        "search": view.search.as_ref().map(search::search),
        // Null in a run without a search for a commit.
        // Null in a run without a search for a perturbation.
        "provocation": view.provocation.as_ref().map(|search| provocation::provocation(search)),
        "bisection": view.bisection.as_ref().map(|search| bisection::bisection(search)),
        // Null unless the run was merged from shards.
        "machines": (view.machines.as_deref()).map(|all| machines::machines(view, all)),
        "running": view.running,
        "command": view.command,
        // By signature, most frequent first.
        "crashes": list(&mut view.crashes.iter().map(crash)),
    }))
}

/// Comparisons as JSON, with a newline at its end.
pub fn compare_json(all: &Comparisons) -> String {
    pretty(&comparisons(all))
}

fn sequence(row: &SequenceRow, run: &RunFacts) -> Value {
    let results = &row.results;
    let first = json!({
        "sequence": row.sequence,
        "variant": row.variant,
        "rounds": results.rounds,
        "bad": results.first_attempt.bad,
        "first_attempt": results.first_attempt,
        "died_in": row.died_in,
        // Null for a round without a result that precedes one with a result. Empty if the order of
        // rounds is unknown.
        "order": match results.order {
            RoundOrder::Unknown => Vec::new(),
            RoundOrder::Known => results.cells.iter().map(|cell| cell.first).collect(),
        },
        "after_retries": results.after_retries,
        "chapters": row.chapters,
        // The positions in `chapters`, from 1. Empty if every round had the order of `chapters`.
        "chapter_orders": row.orders.iter().map(|(round, order)| json!({
            "round": round,
            "started": order.iter().map(|index| index + 1).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "outcomes": results.outcomes,
    });
    joined(first, more(results, run))
}

fn chapter(row: &ChapterRow, run: &RunFacts) -> Value {
    let results = &row.results;
    let facts = run.chapter(&row.chapter);
    let first = json!({
        "chapter": row.chapter,
        "mode": row.mode,
        "sequence": row.sequence,
        "variant": row.variant,
        "rounds": results.rounds,
        "reached": results.reached(),
        "outcomes": results.outcomes,
        "first_attempt": results.first_attempt,
        "after_retries": results.after_retries,
        "signals": results.signals,
        "measures": results.measures,
        "position": row.position,
        // The worker's built-in chapter.
        "worker": facts.map(|facts| &facts.worker),
        "params": facts.map(|facts| &facts.params),
    });
    joined(first, more(results, run))
}

/// Fields beyond schema 1, the same for chapters and sequences.
fn more(results: &Results, run: &RunFacts) -> Value {
    let exposure = rates_by_exposure(results, run);
    json!({
        // `first_attempt` as a rate, with its interval.
        "crash_rate": crash_rate(results.first_attempt, results.optional_stopping),
        // The rates possible given the rounds without a result; null if all have one.
        "bounds": results.bounds,
        // Bad rounds per time and per operation; null unless rounds differ in length.
        "exposure": exposure.map(|rates| json!({
            "an_hour": per_unit(rates.an_hour),
            "a_million_operations": rates.a_million.map(per_unit),
        })),
        // Null if there are too few good or bad rounds.
        "independence": results.independence.map(independence),
        "planned": results.planned,
        "ended": results.ended,
        "passed": results.passed(),
        "failed": results.failed(),
        "run_again": results.run_again,
        "passed_after_retries": results.passed_after_retries,
        "flaky": results.flaky_rounds.len(),
        "flaky_rounds": results.flaky_rounds,
        "attempts": results.attempts,
        "lost_retries": results.lost_retries,
        "seconds": results.secs,
        "missed": results.missed,
        "reasons": results.reasons,
        "notes": results.notes,
    })
}

fn per_unit((rate, interval): (f64, Interval)) -> Value {
    json!({"rate": rate, "lo": interval.lo, "hi": interval.hi})
}

/// A finding, with the most important field first.
pub(super) fn finding(finding: &Finding) -> Value {
    json!({
        "level": finding.level,
        "name": finding.name,
        "found": finding.found,
        "advice": finding.advice,
    })
}

fn crash(row: &CrashRow) -> Value {
    let places = row.places.iter().map(|place| {
        json!({
            "name": place.name,
            "mode": place.mode,
            "variant": place.variant,
            "first_attempt": place.share,
            "rate": crash_rate(place.share, place.optional_stopping),
            "first_round": place.first,
            "last_round": place.last,
        })
    });
    json!({
        "signature": row.signature,
        "count": row.count(),
        "places": places.collect::<Vec<_>>(),
        // Relative to the run folder.
        "file": row.file,
        "repeat": row.repeat,
        // The innermost frames of its first kept crash, if requested.
        "excerpt": row.excerpt,
        "python": row.python,
    })
}
