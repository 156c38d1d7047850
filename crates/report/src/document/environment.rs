//! What was run, where and when; and what else is known of the run, in sentences.

use std::cmp::Reverse;

use crashrate_model::{Finding, Level};

use super::source::Source;
use super::{Block, Table, Text, Tone};
use crate::clean::{SENTENCE, clean};
use crate::compare::claimed;
use crate::words::{count, duration, findings, independence, notes, recommendations};

/// Facts in two columns, a name and its value.
pub(super) fn environment(source: &Source) -> Vec<Block> {
    let run = &source.view.run;
    let device = match run.device == run.device_asked {
        true => run.device.clone(),
        false => format!("{} (requested: {})", run.device, run.device_asked),
    };
    let state = if run.state.is_running() {
        "running for"
    } else {
        "took"
    };
    let bad: Vec<_> = run.bad.iter().map(|outcome| outcome.word()).collect();
    let date = format!("{}, {state} {}", run.started, duration(run.secs));
    let mut rows = vec![("date", date), ("device", device)];
    let known = run.versions.iter().chain(&run.machine);
    rows.extend(known.map(|(name, value)| (name.as_str(), value.clone())));
    if let Some(seed) = run.seed {
        rows.push(("seed", seed.to_string()));
    }
    if let Some(jobs) = run.jobs {
        rows.push(("jobs", jobs.to_string()));
    }
    if let Some(retries @ 1..) = run.retries {
        rows.push(("retries", retries.to_string()));
    }
    rows.push(("counted in the crash rate", bad.join(", ")));
    rows.push(("run", run.id.clone()));
    let mut table = Table::default().text("fact").text("value");
    for (name, value) in &rows {
        table.rows.push(vec![Text::plain(name), Text::long(value)]);
    }
    vec![Block::Table(table)]
}

/// What the check of the machine found, the worst first, with advice.
pub(super) fn warnings(source: &Source) -> Vec<Block> {
    let all = &source.view.run.findings;
    let mut bad: Vec<&Finding> = all.iter().filter(|f| f.level != Level::Ok).collect();
    bad.sort_by_key(|finding| Reverse(finding.level));
    if all.is_empty() {
        return Vec::new();
    }
    if bad.is_empty() {
        let n = count(all.len() as u64);
        return vec![Block::line(format!("None in {n} checks before the run."))];
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
    vec![Block::Table(table)]
}

/// The claims of an imported report with what its rounds show, and its own findings.
pub(super) fn claims(source: &Source) -> Vec<Block> {
    let run = &source.view.run;
    if run.imported.is_none() {
        return Vec::new();
    }
    // Those of other levels are among the warnings.
    let own = run.findings.iter().filter(|f| f.level == Level::Ok);
    let own = own.map(|finding| {
        let (name, found) = (&finding.name, &finding.found);
        format!("{}: {}", clean(name, SENTENCE), clean(found, SENTENCE))
    });
    let claims = source.view.claims().iter();
    Block::list(claims.map(claimed).chain(own).collect())
}

/// Whether bad rounds cluster or drift.
pub(super) fn independent(source: &Source) -> Vec<Block> {
    Block::list(independence(source.view))
}

/// The results in sentences.
pub(super) fn findings_list(source: &Source) -> Vec<Block> {
    Block::list(findings(source.view))
}

/// The suite's recommendations.
pub(super) fn advice(source: &Source) -> Vec<Block> {
    Block::list(recommendations(source.view))
}

/// What is missing and why, and what else was seen.
pub(super) fn notes_list(source: &Source) -> Vec<Block> {
    Block::list(notes(source.view))
}

/// The command that repeats the run.
pub(super) fn command(source: &Source) -> Vec<Block> {
    let command = source.view.command.as_ref();
    command
        .map(|command| Block::Command(clean(command, 10 * SENTENCE)))
        .into_iter()
        .collect()
}
