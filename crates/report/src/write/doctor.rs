//! Writes the findings of `crashrate doctor`.

use crashrate_model::Finding;
use serde_json::json;

use super::json::{finding, pretty};
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
    let findings: Vec<_> = findings.iter().map(finding).collect();
    pretty(&json!({"schema": 1, "findings": findings}))
}
