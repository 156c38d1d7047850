//! The runs of a suite, and each chapter's rate over them.

use super::{Block, Document, Plot, Section, Shown, Table, Text, Tone, TrendPlot};
use crate::clean::{NAME, SENTENCE, clean};
use crate::compare::{
    History, Point, Trend, history_intro, look_in_short, number, rises, trend_name, trend_sentences,
};
use crate::view::{InShort, RunLine, RunState};
use crate::words::{NOTHING, count, date, out_of, share, short_estimate};

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

fn state_of(known: &InShort) -> String {
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

/// The runs of a history, with what differs between each and the one before.
fn past_runs(history: &History) -> Table {
    let mut table = Table::default()
        .texts(["run", "date", "device", "state"])
        .numbers(["rounds"])
        .texts(["changed since the run before"]);
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
    }
    table
}

/// How many differences are named.
const DIFFERENCES: usize = 6;

/// The histories of a name as a document. Several are of commands, and each has its own section.
pub(crate) fn history_document(histories: &[History]) -> Document {
    match histories {
        [history] => one_history(history),
        _ => Document {
            title: format!(
                "History of {}",
                clean(histories.first().map_or("", |one| &one.suite), NAME)
            ),
            tab: None,
            facts: "Runs of this name that run different things. They are not compared with each \
                    other."
                .to_owned(),
            sections: histories.iter().map(|one| apart(histories, one)).collect(),
        },
    }
}

/// One of several histories of a name.
fn apart(histories: &[History], history: &History) -> Section {
    let same_line = |other: &&History| line(other) == line(history);
    let heading = match &history.given {
        None => format!("suite {}", clean(&history.suite, NAME)),
        Some(given) if histories.iter().filter(same_line).count() > 1 => {
            let directory = clean(&given.directory, SENTENCE);
            format!("{} (in {directory})", clean(&given.line, SENTENCE))
        }
        Some(given) => clean(&given.line, SENTENCE),
    };
    let mut blocks = vec![
        Block::line(history_intro(history)),
        Block::Table(past_runs(history)),
    ];
    for trend in listed(history) {
        let said = trend_sentences(history, trend).join(" ");
        blocks.push(Block::line(format!(
            "{}: {said}",
            trend_name(history, trend)
        )));
        blocks.push(Block::Trend(plot(history, trend)));
    }
    Section::new(heading, Shown::Always, blocks)
}

fn line(history: &History) -> Option<&String> {
    history.given.as_ref().map(|given| &given.line)
}

fn listed(history: &History) -> impl Iterator<Item = &Trend> {
    let trends = history.trends.iter();
    trends.filter(|trend| history.listed_points(trend).next().is_some())
}

/// The history of a suite or of a command: its runs, then each chapter over the runs that have it.
fn one_history(history: &History) -> Document {
    let intro = vec![Block::line(history_intro(history))];
    let runs = vec![Block::Table(past_runs(history))];
    let mut sections = vec![
        Section::new("", Shown::Always, intro),
        Section::new("Runs", Shown::Always, runs),
    ];
    for trend in listed(history) {
        let said = Block::line(trend_sentences(history, trend).join(" "));
        let blocks = vec![said, Block::Trend(plot(history, trend))];
        sections.push(Section::new(
            trend_name(history, trend),
            Shown::Always,
            blocks,
        ));
    }
    Document {
        title: format!("History of {}", clean(&history.suite, NAME)),
        tab: None,
        facts: line(history).map_or_else(String::new, |line| clean(line, SENTENCE)),
        sections,
    }
}

fn plot(history: &History, trend: &Trend) -> TrendPlot {
    let mut table = Table::default()
        .texts(["run", "date"])
        .numbers(["crash rate (95%)"])
        .texts(["change"]);
    let points: Vec<&Point> = history.listed_points(trend).collect();
    for point in &points {
        let tone = match point.look.filter(|_| point.holds).map(rises) {
            Some(true) => Tone::Bad,
            Some(false) => Tone::Good,
            None => Tone::Plain,
        };
        let rate = short_estimate(point.share, point.optional_stopping);
        table.row([
            Text::plain(number(history, point.run)),
            Text::plain(date(&history.runs[point.run].started)),
            Text::rate(rate, point.share.bad),
            Text {
                tone,
                ..Text::long(look_in_short(history, point))
            },
        ]);
    }
    // The scale holds the widest interval.
    let optional_stopping = points.iter().map(|point| point.optional_stopping).max();
    let shares: Vec<_> = points.iter().map(|point| point.share).collect();
    let turns = trend.turns();
    let runs = points.iter().map(|point| {
        let turn = turns.iter().find(|(run, _)| *run == point.run);
        (history.runs[point.run].number, turn.map(|(_, rose)| *rose))
    });
    TrendPlot {
        name: trend_name(history, trend),
        plot: Plot::of_shares(table, &shares, optional_stopping.unwrap_or_default()),
        runs: runs.collect(),
    }
}
