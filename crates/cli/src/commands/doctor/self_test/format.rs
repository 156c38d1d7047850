//! The report of the self-test: a table for a bug report, and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crashrate_model::{EvidenceMode, Exit};
use crashrate_supervisor::process::RefusedCall;
use serde_json::json;

use super::cases::Case;
use super::measure::{Measured, Row};

/// The results of the self-test.
pub(super) struct Report {
    pub(super) machine: BTreeMap<String, String>,
    pub(super) refused: Vec<RefusedCall>,
    pub(super) cases: Vec<Case>,
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
    let expected = rows().filter(|row| row.as_expected).count();
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
    let kinds = report.cases.iter().map(|case| case.kind.clone());
    let mut columns = vec![column("case", kinds)];
    for Measured { mode, rows } in &report.modes {
        if let Ok(rows) = rows {
            columns.push(column(mode.word(), rows.iter().map(cell)));
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

fn cell(row: &Row) -> String {
    let verdict = if row.as_expected { "ok" } else { "WRONG" };
    let signal = match &row.exit {
        Some(Exit::Signal(name)) => format!(" {name}"),
        _ => String::new(),
    };
    let is_exception = row.as_expected && row.exception.is_some();
    let mark = if is_exception { " *" } else { "" };
    format!("{verdict} {}{signal}{mark}", row.outcome)
}

/// A line for each wrong or exceptional row.
fn remarks(report: &Report) -> String {
    let mut out = String::new();
    for Measured { mode, rows } in &report.modes {
        if let Err(why) = rows {
            let _ = writeln!(out, "{mode}: not possible here: {why}");
        }
        for row in rows.iter().flatten() {
            let kind = &row.kind;
            if !row.as_expected {
                let Row {
                    about, expected, ..
                } = row;
                let ended = full_outcome(row, *mode);
                let _ = writeln!(
                    out,
                    "WRONG: {kind} in mode {mode} ({about}): {ended}; expected {expected}"
                );
            } else if let Some(why) = &row.exception {
                let _ = writeln!(out, "* {kind} in mode {mode}: {why}");
            }
        }
    }
    out
}

/// The outcome with exit, reason, notes and evidence mode.
fn full_outcome(row: &Row, mode: EvidenceMode) -> String {
    let Some(watched) = row.watched else {
        return "its result was lost".to_owned();
    };
    let mut words = row.outcome.to_owned();
    if let Some(exit) = &row.exit {
        let _ = write!(words, " ({exit})");
    }
    for text in row.reason.iter().chain(&row.notes) {
        let _ = write!(words, ", `{text}`");
    }
    if watched != mode {
        let _ = write!(words, ", watched with --evidence {watched}");
    }
    words
}

pub(super) fn json(report: &Report) -> String {
    let refused = report
        .refused
        .iter()
        .map(|call| json!({"call": call.name, "error": call.error, "without": call.without}));
    let modes = report.modes.iter().map(|measured| match &measured.rows {
        Ok(rows) => json!({"mode": measured.mode.word(), "possible": true, "cases": rows}),
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
