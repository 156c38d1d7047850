//! What was run, where and when; what the checks of the machine found, and what an imported report
//! claims.

use std::cmp::Reverse;

use crashrate_model::{Finding, Level};

use super::{Block, Table, Text, Tone};
use crate::clean::{SENTENCE, clean};
use crate::compare::claimed;
use crate::view::View;
use crate::words::{NOTHING, bad_outcomes, count, seconds};

/// Whether a run used the device that it asked for. `cuda:*` asks for any CUDA devices.
fn is_as_asked(used: &str, asked: &str) -> bool {
    let is_cuda = |device: &str| device.trim().starts_with("cuda:");
    used == asked || asked == "cuda:*" && used.split(',').all(is_cuda)
}

/// Facts in two columns, a name and its value.
pub(super) fn environment(view: &View) -> Vec<Block> {
    let run = &view.run;
    let state = match run.state.is_running() {
        true => "running for",
        false => "took",
    };
    let device = match is_as_asked(&run.device, &run.device_asked) {
        true => run.device.clone(),
        false => format!("{} (requested: {})", run.device, run.device_asked),
    };
    let mut table = Table::default().texts(["fact", "value"]);
    let mut fact = |name: &str, value: &str| table.row([Text::plain(name), Text::long(value)]);
    let time = run.secs.map_or_else(|| NOTHING.to_owned(), seconds);
    fact("date", &format!("{}, {state} {time}", run.started));
    fact("device", &device);
    for (name, value) in run.versions.iter().chain(&run.machine) {
        fact(name, value);
    }
    if let Some(seed) = run.seed {
        fact("seed", &seed.to_string());
    }
    if let Some(jobs) = run.jobs {
        fact("jobs", &jobs.to_string());
    }
    if let Some(retries @ 1..) = run.retries {
        fact("retries", &retries.to_string());
    }
    fact("counted in the crash rate", &bad_outcomes(&run.bad));
    fact("run", &run.id);
    vec![Block::Table(table)]
}

/// What makes measurements doubtful or impossible here, the worst first.
pub(super) fn bad_findings(view: &View) -> Vec<&Finding> {
    let all = view.run.findings.iter();
    let mut bad: Vec<_> = all.filter(|finding| finding.level != Level::Ok).collect();
    bad.sort_by_key(|finding| Reverse(finding.level));
    bad
}

/// What the check of the machine found, with advice.
pub(super) fn warnings(view: &View) -> Vec<Block> {
    let mut table = Table::default().texts(["what", "level", "found", "advice"]);
    for finding in bad_findings(view) {
        let tone = match finding.level {
            Level::Ok => Tone::Plain,
            Level::Warning => Tone::Doubtful,
            Level::Blocker => Tone::Bad,
        };
        table.row([
            Text::plain(&finding.name),
            Text::new(finding.level.word(), tone),
            Text::long(&finding.found),
            Text::long(finding.advice.as_deref().unwrap_or("")),
        ]);
    }
    match view.run.findings.len() {
        n if n > 0 && table.rows.is_empty() => {
            let n = count(n as u64);
            vec![Block::line(format!("None in {n} checks before the run."))]
        }
        _ => Block::table(table),
    }
}

/// The claims of an imported report with what its rounds show, and its own findings.
pub(super) fn claims(view: &View) -> Vec<Block> {
    if view.run.imported.is_none() {
        return Vec::new();
    }
    // Those of other levels are among the warnings.
    let own = view.run.findings.iter().filter(|f| f.level == Level::Ok);
    let own = own.map(|finding| {
        let [name, found] = [&finding.name, &finding.found].map(|text| clean(text, SENTENCE));
        format!("{name}: {found}")
    });
    let claims = view.claims().iter().map(claimed);
    Block::list(claims.chain(own).collect())
}

/// The command that repeats the run.
pub(super) fn command(view: &View) -> Vec<Block> {
    let command = view.command.iter();
    let command = command.map(|command| Block::Command(clean(command, 10 * SENTENCE)));
    command.collect()
}
