//! What the chapters measured. The built-in chapters of the worker have tables of the shape that
//! suits each, whatever their own ids are.

use crashrate_model::Outcome;
use crashrate_protocol::chapters::{BuiltIn, Figure, Figures, MODEL_PARAMS, built_in};
use serde_json::{Map, Value};

use super::measures::{Heads, tables, with_range};
use super::sequences::{legend, letters};
use super::table::grouped;
use super::{Block, Table, Text};
use crate::clean::{NAME, clean};
use crate::view::{ByChapter, ChapterRow, MeasureStat, View};
use crate::words::{
    NOTHING, count, joined, of_chapter, of_mode, out_of, outcomes_of, parameter, rate, signals,
    sums,
};

/// The built-in chapter that the chapter of this id runs.
fn kind(view: &View, chapter: &str) -> Option<&'static BuiltIn> {
    built_in(view.run.chapter(chapter)?.worker.as_deref()?)
}

/// A heading and tables for each built-in chapter, in the order of the suite.
pub(super) fn parts(view: &View) -> Vec<Block> {
    let by_chapter = ByChapter::of(view);
    let chapters = by_chapter.ids().filter_map(|id| {
        let kind = kind(view, id)?;
        let blocks = built_in_chapter(view, kind, id, by_chapter.rows(id));
        Some((kind.heading, blocks))
    });
    let parts = grouped(chapters).into_iter().flat_map(|(heading, blocks)| {
        let heading = Block::Heading(heading.to_owned());
        std::iter::once(heading).chain(blocks.into_iter().flatten())
    });
    parts.collect()
}

/// The measures of the other chapters.
pub(super) fn others(view: &View) -> Vec<Block> {
    let mut blocks = Vec::new();
    for row in &view.chapters {
        if kind(view, &row.chapter).is_none() {
            let stats: Vec<_> = row.results.measures.iter().collect();
            blocks.extend(tables(&of_chapter(row), &stats, Heads::Full));
        }
    }
    blocks
}

/// The tables of one chapter in all its modes, sequences and variants.
fn built_in_chapter(view: &View, kind: &BuiltIn, id: &str, rows: &[&ChapterRow]) -> Vec<Block> {
    let params = view.run.chapter(id).map(|facts| &facts.params);
    let mut title = clean(id, NAME);
    if let Some(about) = params.and_then(about) {
        title = format!("{title}: {about}");
    }
    let mut blocks = Vec::new();
    match kind.figures {
        Figures::Sheet(figures) => {
            let mut stats = rows.iter().flat_map(|row| &row.results.measures);
            if stats.any(|stat| stat.spread.n > 1) {
                title += "; medians (smallest to largest)";
            }
            blocks.push(Block::Table(sheet(view, title, figures, rows, params)));
            blocks.extend(rows.iter().flat_map(|row| rest(figures, row)));
        }
        Figures::ByLabel => {
            blocks.push(Block::line(title));
            blocks.extend(rows.iter().flat_map(|row| by_label(row)));
        }
    }
    blocks
}

fn by_label(row: &ChapterRow) -> Vec<Block> {
    let name = format!("{}, {}", of_chapter(row), sums(&row.results));
    let stats: Vec<_> = row.results.measures.iter().collect();
    match stats.is_empty() {
        true => vec![Block::line(format!("{name}: nothing was measured"))],
        false => tables(&name, &stats, Heads::Short),
    }
}

/// The parameters that describe what was computed, such as `d_model 256, heads 4`.
fn about(params: &Map<String, Value>) -> Option<String> {
    let word = |name: &&str| Some(format!("{name} {}", parameter(params.get(*name)?)));
    // 0 is the default: no limit.
    let limit = params.get("max_in_flight").and_then(Value::as_u64);
    let limit = limit.filter(|limit| *limit > 0);
    let limit = limit.map(|limit| format!("max_in_flight {}", count(limit)));
    joined(MODEL_PARAMS.iter().filter_map(word).chain(limit), ", ")
}

/// A line for each figure, and how the rounds ended.
fn sheet(
    view: &View,
    title: String,
    figures: &[Figure],
    rows: &[&ChapterRow],
    params: Option<&Map<String, Value>>,
) -> Table {
    let mut table = Table::titled(title).texts(["figure"]);
    for row in rows {
        table = table.numbers([&of_mode(row)]);
    }
    // A line is left out if all its cells are empty.
    let mut push = |head: &str, cell: &dyn Fn(&ChapterRow) -> Option<String>| {
        let cells: Vec<_> = rows.iter().map(|row| cell(row)).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.iter().map(|cell| cell.as_deref().unwrap_or(NOTHING));
            // Letters for many rounds are longer than a name.
            table.row(std::iter::once(head).chain(cells).map(Text::long));
        }
    };
    for figure in figures {
        let head = match figure {
            Figure::Param { head, .. }
            | Figure::Times { head, .. }
            | Figure::Measure { head, .. }
            | Figure::Of { head, .. } => (*head).to_owned(),
            Figure::Order => {
                let legend = legend(rows.iter().map(|row| &row.results));
                format!("order ({legend})")
            }
        };
        push(&head, &|row| cell(figure, row, params));
    }
    let rounds = |row: &ChapterRow| Some(out_of(row.results.rounds, row.results.planned));
    push("rounds", &rounds);
    let mut measured = rows
        .iter()
        .map(|row| (measured_n(row), row.results.reached()));
    if measured.any(|(measured, reached)| measured != reached) {
        push("rounds that measured", &|row| {
            Some(count(measured_n(row).into()))
        });
    }
    let passed = |row: &ChapterRow| Some(rate(row.results.passed(), row.results.reached()));
    push("passed", &passed);
    let all = outcomes_of(rows.iter().map(|row| &row.results));
    for (outcome, _) in all.occurred().filter(|(o, _)| *o != Outcome::Passed) {
        let n = |row: &ChapterRow| row.results.outcomes.get(outcome);
        push(outcome.word(), &|row| Some(count(n(row).into())));
    }
    push("signals", &|row| signals(&row.results));
    if view.run.retries > Some(0) {
        push("passed after retries", &|row| {
            let results = &row.results;
            Some(rate(results.passed_after_retries, results.after_retries.n))
        });
    }
    table
}

fn cell(figure: &Figure, row: &ChapterRow, params: Option<&Map<String, Value>>) -> Option<String> {
    let param = |key: &str| params.and_then(|params| params.get(key)).map(parameter);
    match figure {
        Figure::Param { key, .. } => param(key),
        Figure::Times { keys, .. } => Some(format!("{} x {}", param(keys[0])?, param(keys[1])?)),
        Figure::Measure { name, .. } => stat(row, name).map(with_range),
        Figure::Of { done, expected, .. } => {
            let done = with_range(stat(row, done)?);
            Some(match stat(row, expected) {
                Some(expected) => format!("{done} of {}", with_range(expected)),
                None => done,
            })
        }
        Figure::Order => letters(&row.results),
    }
}

/// The measure of a figure.
fn stat<'a>(row: &'a ChapterRow, name: &str) -> Option<&'a MeasureStat> {
    let mut measures = row.results.measures.iter();
    measures.find(|stat| stat.name == name && stat.label.is_empty())
}

/// The number of rounds that measured something.
fn measured_n(row: &ChapterRow) -> u32 {
    let n = row.results.measures.iter().map(|stat| stat.spread.n);
    n.max().unwrap_or(0)
}

/// Measures without a figure: a newer worker may measure more.
fn rest(figures: &[Figure], row: &ChapterRow) -> Vec<Block> {
    let shown = figures.iter().flat_map(|figure| match figure {
        Figure::Measure { name, .. } => vec![stat(row, name)],
        Figure::Of { done, expected, .. } => vec![stat(row, done), stat(row, expected)],
        Figure::Param { .. } | Figure::Times { .. } | Figure::Order => Vec::new(),
    });
    let shown: Vec<_> = shown.flatten().collect();
    let is_shown = |other: &&MeasureStat| shown.iter().any(|one| std::ptr::eq(*one, *other));
    let rest: Vec<_> = row
        .results
        .measures
        .iter()
        .filter(|s| !is_shown(s))
        .collect();
    tables(&of_chapter(row), &rest, Heads::Full)
}
