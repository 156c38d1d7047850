//! The runs of a suite, and each chapter's rate over them.

use super::pictures::TrendPlot;
use super::rates::marks;
use super::{Block, Detail, Document, Section, Table, Text, Tone};
use crate::clean::{NAME, clean};
use crate::compare::{
    History, Point, Trend, history_intro, look_in_short, number, rises, trend_name, trend_sentences,
};
use crate::view::{InShort, RunLine, RunState};
use crate::words::{count, date, percent_of, share, short_estimate};

/// A table of runs, the last one last.
pub(crate) fn runs(lines: &[RunLine]) -> Table {
    let mut table = Table::default()
        .number("N")
        .text("date")
        .text("suite")
        .text("device")
        .text("state")
        .number("rounds")
        .number("passed")
        .number("bad")
        .text("run");
    for line in lines {
        let id = Text::long(&line.id);
        let Some(known) = &line.known else {
            let none = || Text::plain("-");
            let mut row = vec![none(), none(), none(), none()];
            row.push(Text::new("its journal cannot be read", Tone::Bad));
            row.extend([none(), none(), none(), id]);
            table.rows.push(row);
            continue;
        };
        let bad = Tone::of_bad(known.bad.bad);
        table.rows.push(vec![
            Text::plain(&known.number.to_string()),
            Text::plain(&date(&known.started)),
            Text::plain(&known.suite),
            Text::plain(&known.device),
            Text::plain(&state_of(known)),
            Text::plain(&rounds(known.rounds)),
            Text::plain(&share(known.passed, known.bad.n)),
            Text::new(&share(known.bad.bad, known.bad.n), bad),
            id,
        ]);
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

fn rounds((ended, planned): (u32, u32)) -> String {
    match ended == planned {
        true => count(ended.into()),
        false => format!("{} of {}", count(ended.into()), count(planned.into())),
    }
}

/// The runs of a history, with what differs between each and the one before.
fn past_runs(history: &History) -> Table {
    let mut table = Table::default()
        .text("run")
        .text("date")
        .text("device")
        .text("state")
        .number("rounds")
        .text("changed since the run before");
    for run in history.listed() {
        let differs: Vec<_> = run.differs.iter().map(ToString::to_string).collect();
        let differs = match differs.len() {
            0 => "-".to_owned(),
            n if n > DIFFERENCES => {
                let more = count((n - DIFFERENCES) as u64);
                format!("{}; and {more} more", differs[..DIFFERENCES].join("; "))
            }
            _ => differs.join("; "),
        };
        table.rows.push(vec![
            Text::plain(&format!("N={}", run.number)),
            Text::plain(&date(&run.started)),
            Text::plain(&run.device),
            Text::plain(&state(run.state, run.complete, run.imported)),
            Text::plain(&rounds((run.rounds, run.planned))),
            Text::long(&differs),
        ]);
    }
    table
}

/// How many differences are named.
const DIFFERENCES: usize = 6;

/// The history of a suite as a document: its runs, then each chapter over the runs that have it.
pub(crate) fn history_document(history: &History) -> Document {
    let section = |heading: String, blocks| Section {
        heading,
        detail: Detail::Summary,
        blocks,
    };
    let listed = |trend: &&Trend| history.listed_points(trend).next().is_some();
    let trends = history.trends.iter().filter(listed).map(|trend| {
        let said = Block::line(trend_sentences(history, trend).join(" "));
        let blocks = vec![said, Block::Trend(plot(history, trend))];
        section(trend_name(trend), blocks)
    });
    let intro = section(String::new(), vec![Block::line(history_intro(history))]);
    let runs = section("Runs".to_owned(), vec![Block::Table(past_runs(history))]);
    Document {
        title: format!("History of {}", clean(&history.suite, NAME)),
        facts: String::new(),
        sections: [intro, runs].into_iter().chain(trends).collect(),
    }
}

fn plot(history: &History, trend: &Trend) -> TrendPlot {
    let mut table = Table::default()
        .text("run")
        .text("date")
        .number("crash rate (95%)")
        .text("change");
    let points: Vec<&Point> = history.listed_points(trend).collect();
    let optional_stopping = points.iter().map(|point| point.optional_stopping);
    let optional_stopping = optional_stopping.max().unwrap_or_default();
    for point in &points {
        let known = short_estimate(point.share.bad, point.share.n, point.optional_stopping);
        let tone = Tone::of_bad(point.share.bad);
        let change = Text {
            tone: match point.look.filter(|_| point.holds).map(rises) {
                Some(true) => Tone::Bad,
                Some(false) => Tone::Good,
                None => Tone::Plain,
            },
            ..Text::long(&look_in_short(history, point))
        };
        table.rows.push(vec![
            Text::plain(&number(history, point.run)),
            Text::plain(&date(&history.runs[point.run].started)),
            Text::new(&known, tone),
            change,
        ]);
    }
    let shares: Vec<_> = points.iter().map(|p| (p.share.bad, p.share.n)).collect();
    // The scale holds the widest interval.
    let (scale, marks) = marks(&shares, optional_stopping);
    let turns = trend.turns();
    let marks = points.iter().zip(marks).map(|(point, mark)| {
        let turn = turns.iter().find(|(run, _)| *run == point.run);
        let number = history.runs[point.run].number;
        (number, mark, turn.map(|(_, rose)| *rose))
    });
    TrendPlot {
        name: trend_name(trend),
        table,
        marks: marks.collect(),
        ticks: scale.ticks(percent_of),
    }
}
