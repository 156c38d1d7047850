//! Writes the findings of `crashrate doctor`.

use crashrate_model::Finding;
use serde::Serialize;

use super::json::{Found, pretty};
use super::terminal::width;
use crate::clean::{NAME, SENTENCE, clean};

/// The findings for a terminal, in columns: level, name and finding, with the advice on the next
/// line.
pub fn doctor_terminal(findings: &[Finding]) -> String {
    let names: Vec<_> = findings.iter().map(|f| clean(&f.name, NAME)).collect();
    let level = findings.iter().map(|finding| finding.level.word().len());
    let level = level.max().unwrap_or(0);
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let mut out = String::new();
    for (finding, name) in findings.iter().zip(&names) {
        let padding = " ".repeat(widest - width(name));
        let found = clean(&finding.found, SENTENCE);
        let line = format!("{:level$}  {name}{padding}  {found}", finding.level.word());
        out += &format!("{}\n", line.trim_end());
        if let Some(advice) = &finding.advice {
            let indent = " ".repeat(level + widest + 4);
            out += &format!("{indent}> {}\n", clean(advice, SENTENCE));
        }
    }
    out
}

/// The findings as JSON, with a newline at its end.
///
/// ```json
/// {"schema":1,"findings":[{"level":"warning","name":"core dumps","found":"...","advice":"..."}]}
/// ```
pub fn doctor_json(findings: &[Finding]) -> String {
    pretty(&Doctor {
        schema: 1,
        findings: findings.iter().map(Found::of).collect(),
    })
}

#[derive(Serialize)]
struct Doctor<'a> {
    schema: u32,
    findings: Vec<Found<'a>>,
}
