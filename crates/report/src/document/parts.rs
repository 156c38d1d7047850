//! What the built-in chapters of the worker measured, in tables of the shape that suits each.
//!
//! Which shape a chapter has is decided by the worker's chapter that it runs, whatever its own id
//! is.

use crashrate_model::{Mode, Outcome};
use crashrate_protocol::chapters::{BuiltIn, Figure, Figures, MODEL_PARAMS, built_in};
use serde_json::{Map, Value};

use super::measures::{Heads, tables};
use super::sequences::{legend, letters};
use super::source::Source;
use super::{Block, Table, Text};
use crate::clean::{NAME, clean};
use crate::view::{ByChapter, ChapterRow, MeasureStat, Outcomes, Spread, View};
use crate::words::{
    count, measured, of_chapter, of_unit, parameter, rate, seconds, shown_unit, signals, sums,
};

/// The built-in chapter that the chapter of this id runs.
fn kind(view: &View, chapter: &str) -> Option<&'static BuiltIn> {
    built_in(view.run.chapter(chapter)?.worker.as_deref()?)
}

/// Whether the chapter's measures are shown here.
pub(super) fn has_part(view: &View, row: &ChapterRow) -> bool {
    kind(view, &row.chapter).is_some()
}

/// A heading and tables for each built-in chapter, in the order of the suite.
pub(super) fn parts(source: &Source) -> Vec<Block> {
    let view = source.view;
    let mut parts: Vec<(&str, Vec<Block>)> = Vec::new();
    let by_chapter = ByChapter::of(view);
    for id in by_chapter.ids() {
        let Some(kind) = kind(view, id) else {
            continue;
        };
        let blocks = blocks(view, kind, id, by_chapter.rows(id));
        match parts
            .iter_mut()
            .find(|(heading, _)| *heading == kind.heading)
        {
            Some((_, part)) => part.extend(blocks),
            None => parts.push((kind.heading, blocks)),
        }
    }
    let blocks = parts.into_iter().flat_map(|(heading, blocks)| {
        std::iter::once(Block::Heading(heading.to_owned())).chain(blocks)
    });
    blocks.collect()
}

/// The tables of one chapter in all its modes, sequences and variants.
fn blocks(view: &View, kind: &BuiltIn, id: &str, rows: &[&ChapterRow]) -> Vec<Block> {
    let params = view.run.chapter(id).map(|facts| &facts.params);
    let about = params.and_then(about);
    let name = clean(id, NAME);
    let title = match about {
        Some(about) => format!("{name}: {about}"),
        None => name,
    };
    match kind.figures {
        Figures::Sheet(figures) => {
            let retries = view.run.retries > Some(0);
            let (sheet, rest) = sheet(figures, rows, params, retries);
            let several = rows.iter().flat_map(|row| &row.results.measures);
            let title = match several.clone().any(|stat| stat.spread.n > 1) {
                true => format!("{title}; medians (smallest to largest)"),
                false => title,
            };
            let sheet = Block::Table(Table { title, ..sheet });
            std::iter::once(sheet).chain(rest).collect()
        }
        Figures::ByLabel => {
            let by_label = rows.iter().flat_map(|row| by_label(row));
            std::iter::once(Block::line(title))
                .chain(by_label)
                .collect()
        }
    }
}

fn by_label(row: &ChapterRow) -> Vec<Block> {
    let name = format!("{}, {}", of_chapter(row), sums(&row.results));
    let stats: Vec<_> = row.results.measures.iter().collect();
    if stats.is_empty() {
        return vec![Block::line(format!("{name}: nothing was measured"))];
    }
    tables(&name, &stats, Heads::Short)
        .into_iter()
        .map(Block::Table)
        .collect()
}

/// The parameters that describe what was computed, such as `d_model 256, heads 4`.
fn about(params: &Map<String, Value>) -> Option<String> {
    let mut words: Vec<String> = MODEL_PARAMS
        .iter()
        .filter_map(|name| Some(format!("{name} {}", parameter(params.get(*name)?))))
        .collect();
    // 0 is the default: no limit.
    let limit = params.get("max_in_flight").and_then(Value::as_u64);
    if let Some(limit) = limit.filter(|limit| *limit > 0) {
        words.push(format!("max_in_flight {}", count(limit)));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// A row for each figure, and tables of the other measures.
fn sheet(
    figures: &[Figure],
    rows: &[&ChapterRow],
    params: Option<&Map<String, Value>>,
    retries: bool,
) -> (Table, Vec<Block>) {
    let mut table = Table::default().text("figure");
    for row in rows {
        table = table.number(&column(row));
    }
    for figure in figures {
        let head = match figure {
            Figure::Param { head, .. }
            | Figure::Times { head, .. }
            | Figure::Measure { head, .. }
            | Figure::Of { head, .. } => (*head).to_owned(),
            Figure::Order => order_head(rows),
        };
        let cells = rows.iter().map(|row| cell(figure, row, params));
        push(&mut table, &head, cells.collect());
    }
    ends(&mut table, rows, retries);
    let rest = rows.iter().flat_map(|row| rest(figures, row)).collect();
    (table, rest)
}

/// Adds a row, unless all its cells are empty.
fn push(table: &mut Table, head: &str, cells: Vec<Option<String>>) {
    if cells.iter().any(Option::is_some) {
        let cells = cells.iter().map(|cell| cell.as_deref().unwrap_or("-"));
        let cells = std::iter::once(head).chain(cells);
        // Letters for many rounds are longer than a name.
        table.rows.push(cells.map(Text::long).collect());
    }
}

fn column(row: &ChapterRow) -> String {
    match &row.sequence {
        None => of_unit(Mode::Isolated.word(), None, &row.variant),
        Some(sequence) => format!("in {}", of_unit(sequence, None, &row.variant)),
    }
}

fn cell(figure: &Figure, row: &ChapterRow, params: Option<&Map<String, Value>>) -> Option<String> {
    let param = |key: &str| params.and_then(|params| params.get(key)).map(parameter);
    match figure {
        Figure::Param { key, .. } => param(key),
        Figure::Times { keys, .. } => Some(format!("{} x {}", param(keys[0])?, param(keys[1])?)),
        Figure::Measure { name, .. } => Some(value_of(stat(row, name)?)),
        Figure::Of { done, expected, .. } => {
            let done = value_of(stat(row, done)?);
            Some(match stat(row, expected) {
                Some(expected) => format!("{done} of {}", value_of(expected)),
                None => done,
            })
        }
        Figure::Order => letters(&row.results),
    }
}

fn order_head(rows: &[&ChapterRow]) -> String {
    let ordered = rows.iter().filter(|row| row.results.order.is_known());
    let cells = ordered.flat_map(|row| &row.results.cells);
    format!("order ({})", legend(cells))
}

/// The measure of a figure.
fn stat<'a>(row: &'a ChapterRow, name: &str) -> Option<&'a MeasureStat> {
    let measures = &row.results.measures;
    measures
        .iter()
        .find(|m| m.name == name && m.label.is_empty())
}

/// The median with its unit, and the range of the values.
fn value_of(stat: &MeasureStat) -> String {
    let Spread {
        min, median, max, ..
    } = stat.spread;
    let whole = [min, median, max].iter().all(|v| v.fract() == 0.0);
    let value = |value: f64| match stat.unit.as_str() {
        "s" => seconds(value),
        unit => measured(&stat.name, unit, value, whole),
    };
    let unit = match stat.unit.as_str() {
        "s" => "",
        unit => shown_unit(&stat.name, unit),
    };
    let spread = match (value(min), value(max)) {
        (least, most) if least == most => String::new(),
        (least, most) => format!("({least} to {most})"),
    };
    let words = [value(median), unit.to_owned(), spread];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// How the rounds ended.
fn ends(table: &mut Table, rows: &[&ChapterRow], retries: bool) {
    let each = |f: &dyn Fn(&ChapterRow) -> Option<String>| rows.iter().map(|r| f(r)).collect();
    let of = |n: u32, planned: u32| match n == planned {
        true => count(n.into()),
        false => format!("{} of {}", count(n.into()), count(planned.into())),
    };
    let rounds = |row: &ChapterRow| Some(of(row.results.rounds, row.results.planned));
    push(table, "rounds", each(&rounds));
    let measured = rows
        .iter()
        .any(|row| measured_n(row) != row.results.reached());
    if measured {
        let n = |row: &ChapterRow| Some(count(measured_n(row).into()));
        push(table, "rounds that measured", each(&n));
    }
    let passed = |row: &ChapterRow| Some(rate(row.results.passed(), row.results.reached()));
    push(table, "passed", each(&passed));
    let mut all = Outcomes::default();
    for row in rows {
        all.add_all(&row.results.outcomes);
    }
    for (outcome, _) in all.occurred().filter(|(o, _)| *o != Outcome::Passed) {
        let n = |row: &ChapterRow| Some(count(row.results.outcomes.get(outcome).into()));
        push(table, outcome.word(), each(&n));
    }
    push(table, "signals", each(&|row| signals(&row.results)));
    if retries {
        let after = |row: &ChapterRow| {
            let results = &row.results;
            Some(rate(results.passed_after_retries, results.after_retries.n))
        };
        push(table, "passed after retries", each(&after));
    }
}

/// The number of rounds that measured something.
fn measured_n(row: &ChapterRow) -> u32 {
    let n = row.results.measures.iter().map(|stat| stat.spread.n);
    n.max().unwrap_or(0)
}

/// Measures without a figure: a newer worker may measure more.
fn rest(figures: &[Figure], row: &ChapterRow) -> Vec<Block> {
    let shown = |other: &MeasureStat| {
        let is = |name: &str| stat(row, name).is_some_and(|shown| std::ptr::eq(shown, other));
        figures.iter().any(|figure| match figure {
            Figure::Measure { name, .. } => is(name),
            Figure::Of { done, expected, .. } => is(done) || is(expected),
            Figure::Param { .. } | Figure::Times { .. } | Figure::Order => false,
        })
    };
    let rest: Vec<_> = row.results.measures.iter().filter(|s| !shown(s)).collect();
    let tables = tables(&of_chapter(row), &rest, Heads::Full);
    tables.into_iter().map(Block::Table).collect()
}
