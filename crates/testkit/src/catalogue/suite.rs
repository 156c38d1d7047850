//! Generates suite files from cases.

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

/// Generates a suite with a chapter for each case, for one isolated round.
pub fn isolated_suite(cases: &[Case], programs: &Programs) -> String {
    let chapter = |case: &Case| {
        let program = [programs.misbehave.display().to_string()];
        let command = [&program, case.args.as_slice()].concat();
        json!({
            "id": case.name,
            "command": command,
            "timeout": text(case.time_limit),
        })
    };
    let chapters: Vec<Value> = cases.iter().map(chapter).collect();
    suite("catalogue", programs, &json!({ "chapter": chapters }))
}

/// Generates a suite with a sequence for each case that can be in one, for one sequential round.
///
/// The sequence and its middle chapter, between [`FIRST`] and [`LAST`], have the name of the case.
pub fn sequence_suite(cases: &[Case], programs: &Programs) -> String {
    let chapter = |id: &str, time_limit, params: Value| {
        json!({
            "id": id,
            "worker": "act",
            "modes": ["sequential"],
            "timeout": text(time_limit),
            "params": params,
        })
    };
    let mut chapters =
        Vec::from([FIRST, LAST].map(|id| chapter(id, Duration::from_secs(30), json!({}))));
    let mut sequences = Vec::new();
    for case in cases {
        let Some(sequence) = &case.sequence else {
            continue;
        };
        let params = json!({ "act": sequence.act, "args": case.args[1..] });
        chapters.push(chapter(&case.name, case.time_limit, params));
        sequences.push(json!({ "id": case.name, "chapters": [FIRST, &case.name, LAST] }));
    }
    let tables = json!({ "chapter": chapters, "sequence": sequences });
    suite("catalogue-in-sequence", programs, &tables)
}

fn suite(name: &str, programs: &Programs, tables: &Value) -> String {
    let worker = programs.sequence_runner.display().to_string();
    let head = json!({
        "suite": { "name": name, "device": "cpu", "worker": worker },
        "defaults": { "rounds": 1, "timeout": text(OUTSIDE), "grace": text(GRACE) },
    });
    [&head, tables]
        .map(|part| toml::to_string(part).expect("it has no null"))
        .join("\n")
}

fn text(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
