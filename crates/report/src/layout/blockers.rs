//! What was found out about the machine and stands in the way.

use std::cmp::Reverse;

use crashrate_model::{Finding, Level};

use super::{Block, Table, Text, Tone};
use crate::view::View;
use crate::words::count;

/// Warnings and blockers, the worst first, with what to do about them; a line if there are none. Nothing if nothing was
/// looked at.
pub(crate) fn blockers(view: &View) -> Option<Block> {
    let all = &view.run.findings;
    let mut bad: Vec<&Finding> = all.iter().filter(|f| f.level != Level::Ok).collect();
    bad.sort_by_key(|finding| Reverse(finding.level));
    if all.is_empty() {
        return None;
    }
    if bad.is_empty() {
        let n = count(all.len() as u64);
        return Some(Block::Line(format!(
            "None; things looked at before the run: {n}."
        )));
    }
    let mut table = Table::default()
        .text("what")
        .text("level")
        .text("found")
        .text("advice");
    for finding in bad {
        let tone = match finding.level {
            Level::Ok => Tone::Plain,
            Level::Warning => Tone::Doubtful,
            Level::Blocker => Tone::Bad,
        };
        table.rows.push(vec![
            Text::plain(&finding.name),
            Text::new(finding.level.word(), tone),
            Text::long(&finding.found),
            Text::long(finding.advice.as_deref().unwrap_or("")),
        ]);
    }
    Some(Block::Table(table))
}
