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
    let widest = |words: &mut dyn Iterator<Item = usize>| words.max().unwrap_or(0);
    let level = widest(&mut findings.iter().map(|f| f.level.word().len()));
    let name = widest(&mut names.iter().map(|name| width(name)));
    let mut out = String::new();
    for (finding, text) in findings.iter().zip(&names) {
        let padding = " ".repeat(name - width(text));
        let found = clean(&finding.found, SENTENCE);
        let line = format!("{:level$}  {text}{padding}  {found}", finding.level.word());
        out.push_str(line.trim_end());
        out.push('\n');
        if let Some(advice) = &finding.advice {
            let indent = " ".repeat(level + name + 4);
            out.push_str(&format!("{indent}> {}\n", clean(advice, SENTENCE)));
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
