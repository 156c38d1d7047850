//! The runs of a suite, and each chapter's rate over them.

use super::matrix::{PastRunRow, PastRuns};
use super::trends::matrix;
use super::{Block, Document, RunPages, Section, Shown, Table, Text, Tone};
use crate::clean::{NAME, SENTENCE, clean};
use crate::compare::{History, history_intro};
use crate::view::{InShort, RunLine, RunState};
use crate::words::{NOTHING, count, date, out_of, share};

/// A table of runs, the last one last.
pub(crate) fn runs(lines: &[RunLine]) -> Table {
    let mut table = Table::default()
        .numbers(["N"])
        .texts(["date", "suite", "device", "state"])
        .numbers(["rounds", "passed", "bad"])
        .texts(["run"]);
    for line in lines {
        let mut cells = vec![Text::known(None); 8];
        match &line.known {
            None => cells[4] = Text::new("its journal cannot be read", Tone::Bad),
            Some(known) => {
                cells = vec![
                    Text::plain(known.number.to_string()),
                    Text::plain(date(&known.started)),
                    Text::plain(&known.suite),
                    Text::plain(&known.device),
                    Text::plain(state_of(known)),
                    Text::plain(out_of(known.rounds.0, known.rounds.1)),
                    Text::plain(share(known.passed, known.bad.n)),
                    Text::rate(share(known.bad.bad, known.bad.n), known.bad.bad),
                ];
            }
        }
        cells.push(Text::long(&line.id));
        table.row(cells);
    }
    table
}

/// The state of a run in words.
pub(crate) fn state_of(known: &InShort) -> String {
    match (known.calibrating, known.state) {
        (false, run) => state(run, known.complete, known.imported),
        (true, RunState::Running) => "calibrating".to_owned(),
        (true, RunState::Ended) => "calibration only".to_owned(),
    }
}

fn state(run: RunState, complete: bool, imported: bool) -> String {
    let state = match (run, complete) {
        (RunState::Running, _) => "running",
        (RunState::Ended, true) => "complete",
        (RunState::Ended, false) => "incomplete",
    };
    match imported {
        true => format!("imported, {state}"),
        false => state.to_owned(),
    }
}

/// The listed runs.
fn past_runs(history: &History, pages: &RunPages) -> PastRuns {
    let mut table = Table::default()
        .texts(["run", "date", "device", "state"])
        .numbers(["rounds"])
        .texts(["changed since the run before"]);
    let mut runs = Vec::new();
    for run in history.listed() {
        let named = run.differs.iter().take(DIFFERENCES);
        let mut differs: Vec<_> = named.map(ToString::to_string).collect();
        match run.differs.len().saturating_sub(DIFFERENCES) {
            0 if differs.is_empty() => differs.push(NOTHING.to_owned()),
            0 => {}
            more => differs.push(format!("and {} more", count(more as u64))),
        }
        table.row([
            Text::plain(format!("N={}", run.number)),
            Text::plain(date(&run.started)),
            Text::plain(&run.device),
            Text::plain(state(run.state, run.complete, run.imported)),
            Text::plain(out_of(run.rounds, run.planned)),
            Text::long(differs.join("; ")),
        ]);
        let differs = run.differs.iter().map(|one| {
            let [before, now] = one.in_short();
            [clean(&one.what, NAME), before, now]
        });
        runs.push(PastRunRow {
            link: pages.link(&run.id),
            differs: differs.collect(),
        });
    }
    PastRuns { table, runs }
}

/// How many differences are named.
pub(crate) const DIFFERENCES: usize = 6;

/// The histories of a name as a document. Several are of commands, and each has its own section.
pub(crate) fn history_document(histories: &[History], pages: &RunPages) -> Document {
    match histories {
        [history] => one_history(history, pages),
        _ => Document {
            title: format!(
                "History of {}",
                clean(histories.first().map_or("", |one| &one.suite), NAME)
            ),
            tab: None,
            facts: "Runs of this name that run different things. They are not compared with each \
                    other."
                .to_owned(),
            sections: (1..)
                .zip(histories)
                .map(|(key, one)| apart(histories, one, pages, key))
                .collect(),
        },
    }
}

/// One of several histories of a name.
fn apart(histories: &[History], history: &History, pages: &RunPages, key: usize) -> Section {
    let same_line = |other: &&History| line(other) == line(history);
    let heading = match &history.given {
        None => format!("suite {}", clean(&history.suite, NAME)),
        Some(given) if histories.iter().filter(same_line).count() > 1 => {
            let directory = clean(&given.directory, SENTENCE);
            format!("{} (in {directory})", clean(&given.line, SENTENCE))
        }
        Some(given) => clean(&given.line, SENTENCE),
    };
    let blocks = vec![
        Block::line(history_intro(history)),
        Block::PastRuns(past_runs(history, pages)),
        Block::Matrix(Box::new(matrix(history, pages, key))),
    ];
    Section::new(heading, Shown::Always, blocks)
}

fn line(history: &History) -> Option<&String> {
    history.given.as_ref().map(|given| &given.line)
}

/// The history of a suite or of a command: its runs, then each chapter over the runs that have it.
fn one_history(history: &History, pages: &RunPages) -> Document {
    let sections = [
        ("", Block::line(history_intro(history))),
        ("Runs", Block::PastRuns(past_runs(history, pages))),
        ("Rates", Block::Matrix(Box::new(matrix(history, pages, 1)))),
    ];
    let section = |(heading, block)| Section::new(heading, Shown::Always, vec![block]);
    Document {
        title: format!("History of {}", clean(&history.suite, NAME)),
        tab: None,
        facts: line(history).map_or_else(String::new, |line| clean(line, SENTENCE)),
        sections: sections.map(section).into(),
    }
}
