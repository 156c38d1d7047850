//! The report of the self-test: a table for a bug report, and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crashrate_model::{Ended, EvidenceMode, Exit};
use crashrate_supervisor::process::RefusedCall;
use serde_json::{Value, json};

use super::cases::Case;
use super::measure::{Measured, Row};

/// The results of the self-test.
pub(super) struct Report {
    pub(super) machine: BTreeMap<String, String>,
    pub(super) refused: Vec<RefusedCall>,
    pub(super) cases: Vec<&'static Case>,
    pub(super) modes: Vec<Measured>,
    pub(super) is_as_expected: bool,
}

pub(super) fn terminal(report: &Report) -> String {
    let mut out = head(report);
    if let Some(call) = report.refused.iter().find(|call| call.without.is_none()) {
        let _ = writeln!(out, "\nNothing can be measured without {}(2).", call.name);
        return out;
    }
    let _ = write!(out, "\n{}\n{}", table(report), remarks(report));
    let rows = || report.modes.iter().flat_map(|m| m.rows.iter().flatten());
    let expected = rows().filter(|row| row.is_as_expected).count();
    let _ = writeln!(out, "{expected} of {} outcomes as expected", rows().count());
    out
}

fn head(report: &Report) -> String {
    let fact = |name: &str| report.machine.get(name).map_or("?", String::as_str);
    let refused: Vec<_> = report.refused.iter().map(|call| call.sentence()).collect();
    let refused = if refused.is_empty() {
        "no system call".to_owned()
    } else {
        refused.join("; ")
    };
    format!(
        "crashrate {} self-test\nos       {}, {}\ncpu      {}, {} cores, {}\nuser     {}\n\
         refused  {refused}\n",
        fact("crashrate"),
        fact("distribution"),
        fact("os"),
        fact("cpu"),
        fact("cores"),
        fact("memory"),
        fact("user"),
    )
}

/// A line for each case, a column for each mode.
fn table(report: &Report) -> String {
    let kinds = report.cases.iter().map(|case| case.kind.to_owned());
    let mut columns = vec![column("case", kinds)];
    for Measured { mode, rows } in &report.modes {
        if let Ok(rows) = rows {
            columns.push(column(mode.word(), rows.iter().map(|row| cell(row, *mode))));
        }
    }
    let mut out = String::new();
    for line in 0..=report.cases.len() {
        let cells: Vec<&str> = columns.iter().map(|cells| cells[line].as_str()).collect();
        out += cells.join("  ").trim_end();
        out.push('\n');
    }
    out
}

/// A column, padded to its widest cell.
fn column(head: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    let cells: Vec<String> = std::iter::once(head.to_owned()).chain(cells).collect();
    let width = cells.iter().map(String::len).max().unwrap_or(0);
    cells.iter().map(|cell| format!("{cell:width$}")).collect()
}

fn cell(row: &Row, mode: EvidenceMode) -> String {
    let verdict = if row.is_as_expected { "ok" } else { "WRONG" };
    let signal = match row.ended.as_ref().and_then(Ended::exit) {
        Some(Exit::Signal(name)) => format!(" {name}"),
        _ => String::new(),
    };
    let is_exception = row.is_as_expected && row.case.exception(mode).is_some();
    let mark = if is_exception { " *" } else { "" };
    format!("{verdict} {}{signal}{mark}", outcome(row))
}

fn outcome(row: &Row) -> &'static str {
    row.ended.as_ref().map_or("lost", |e| e.outcome.word())
}

/// A line for each wrong or exceptional row.
fn remarks(report: &Report) -> String {
    let mut out = String::new();
    for Measured { mode, rows } in &report.modes {
        if let Err(why) = rows {
            let _ = writeln!(out, "{mode}: not possible here: {why}");
        }
        for row in rows.iter().flatten() {
            let Case { kind, about, .. } = row.case;
            if !row.is_as_expected {
                let expected = row.case.expected(*mode).words();
                let ended = full_outcome(row);
                let _ = writeln!(
                    out,
                    "WRONG: {kind} in mode {mode} ({about}): {ended}; expected {expected}"
                );
            } else if let Some(why) = row.case.exception(*mode) {
                let _ = writeln!(out, "* {kind} in mode {mode}: {why}");
            }
        }
    }
    out
}

/// The outcome with exit, reason, notes and evidence mode.
fn full_outcome(row: &Row) -> String {
    let Some(ended) = &row.ended else {
        return "its result was lost".to_owned();
    };
    let mut words = ended.outcome.word().to_owned();
    if let Some(exit) = ended.exit() {
        let _ = write!(words, " ({exit})");
    }
    for text in ended.reason.iter().chain(&ended.notes) {
        let _ = write!(words, ", `{text}`");
    }
    if let Some(evidence) = ended.evidence {
        let _ = write!(words, ", watched with --evidence {evidence}");
    }
    words
}

pub(super) fn json(report: &Report) -> String {
    let refused = report
        .refused
        .iter()
        .map(|call| json!({"call": call.name, "error": call.error, "without": call.without}));
    let modes = report.modes.iter().map(|measured| match &measured.rows {
        Ok(rows) => json!({
            "mode": measured.mode.word(),
            "possible": true,
            "cases": rows.iter().map(|row| case(row, measured.mode)).collect::<Vec<_>>(),
        }),
        Err(why) => json!({"mode": measured.mode.word(), "possible": false, "reason": why}),
    });
    let value = json!({
        "schema": 1,
        "as_expected": report.is_as_expected,
        "machine": report.machine,
        "refused": refused.collect::<Vec<_>>(),
        "modes": modes.collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn case(row: &Row, mode: EvidenceMode) -> Value {
    let ended = row.ended.as_ref();
    json!({
        "case": row.case.kind,
        "about": row.case.about,
        "as_expected": row.is_as_expected,
        "expected": row.case.expected(mode).words(),
        "outcome": outcome(row),
        "watched": ended.map(|ended| ended.evidence.unwrap_or(mode).word()),
        "exit": ended.and_then(Ended::exit).map(Exit::to_string),
        "reason": ended.and_then(|ended| ended.reason.as_deref()),
        "notes": ended.map_or(&[][..], |ended| &ended.notes),
        "exception": row.case.exception(mode),
    })
}
