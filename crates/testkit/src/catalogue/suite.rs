//! Generates suite files from cases.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::Case;
use crate::programs::Programs;

/// The grace of these suites: shorter than `slow-to-die` needs.
pub const GRACE: Duration = Duration::from_secs(1);
/// The id of the first chapter of every sequence, which passes.
pub const FIRST: &str = "first";
/// The id of the last chapter of every sequence, which passes if it is reached.
pub const LAST: &str = "last";

/// The time limit between chapters, which ends a hang there.
const OUTSIDE: Duration = Duration::from_secs(4);

/// The size of the cases that write much data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Gigabytes and millions.
    Full,
    /// Enough to run the same code.
    Small,
}

/// Generates a suite with a chapter for each case, for one isolated round.
pub fn isolated_suite(cases: &[Case], programs: &Programs, size: Size) -> String {
    let mut suite = head("catalogue", &programs.sequence_runner);
    for case in cases {
        let mut command = vec![json!(path(&programs.misbehave))];
        let args = match size {
            Size::Full => &case.args,
            Size::Small => &case.small,
        };
        command.extend(args.iter().map(|arg| json!(arg)));
        table(
            &mut suite,
            "chapter",
            &[
                ("id", json!(case.name)),
                ("command", json!(command)),
                ("timeout", seconds(case.time_limit)),
            ],
        );
    }
    suite
}

/// Generates a suite with a sequence for each case that can be in one, for one sequential round.
///
/// The sequence and its middle chapter, between [`FIRST`] and [`LAST`], have the name of the case.
pub fn sequence_suite(cases: &[Case], programs: &Programs, size: Size) -> String {
    let mut suite = head("catalogue-in-sequence", &programs.sequence_runner);
    for id in [FIRST, LAST] {
        worker_chapter(&mut suite, id, Duration::from_secs(30), &json!({}));
    }
    for case in cases {
        let Some(sequence) = &case.sequence else {
            continue;
        };
        let args = match size {
            Size::Full => &sequence.args,
            Size::Small => &sequence.small,
        };
        let params = json!({ "act": sequence.act, "args": args });
        worker_chapter(&mut suite, &case.name, case.time_limit, &params);
        table(
            &mut suite,
            "sequence",
            &[
                ("id", json!(case.name)),
                ("chapters", json!([FIRST, case.name, LAST])),
            ],
        );
    }
    suite
}

fn head(name: &str, worker: &Path) -> String {
    let mut suite = String::new();
    let head = [
        ("name", json!(name)),
        ("device", json!("cpu")),
        ("worker", json!(path(worker))),
    ];
    let defaults = [
        ("rounds", json!(1)),
        ("timeout", seconds(OUTSIDE)),
        ("grace", seconds(GRACE)),
    ];
    lines(&mut suite, "[suite]", &head);
    lines(&mut suite, "[defaults]", &defaults);
    suite
}

fn worker_chapter(suite: &mut String, id: &str, time_limit: Duration, params: &Value) {
    let entries = [
        ("id", json!(id)),
        ("worker", json!("act")),
        ("params", params.clone()),
        ("modes", json!(["sequential"])),
        ("timeout", seconds(time_limit)),
    ];
    table(suite, "chapter", &entries);
}

fn table(suite: &mut String, name: &str, entries: &[(&str, Value)]) {
    lines(suite, &format!("[[{name}]]"), entries);
}

fn lines(suite: &mut String, header: &str, entries: &[(&str, Value)]) {
    suite.push_str(header);
    suite.push('\n');
    for (key, value) in entries {
        // Writing to a string never fails.
        let _ = writeln!(suite, "{key} = {}", toml(value));
    }
    suite.push('\n');
}

/// Strings, numbers and lists are the same in TOML and JSON; an inline table uses `=` for `:`.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn seconds(duration: Duration) -> Value {
    json!(format!("{}ms", duration.as_millis()))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a target folder has a UTF-8 path")
}
