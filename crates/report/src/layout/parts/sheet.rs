//! A sheet: a line for each figure of a chapter, and a column for each mode, sequence and variant it ran in.

use crashrate_model::{Mode, Outcome};
use serde_json::{Map, Value};

use crate::layout::measures::{Heads, tables};
use crate::layout::sequences::{legend, letters};
use crate::layout::{Block, Table, Text};
use crate::view::{ChapterRow, MeasureStat, Outcomes, Spread};
use crate::words::{
    count, measured, of_chapter, of_unit, parameter, rate, seconds, shown_unit, signals,
};

/// One figure.
pub(super) enum Line {
    /// A parameter.
    Param {
        head: &'static str,
        key: &'static str,
    },
    /// Two parameters of which one is done as often as the other says.
    Times {
        head: &'static str,
        keys: [&'static str; 2],
    },
    /// A measure.
    Measure {
        head: &'static str,
        name: &'static str,
    },
    /// A measure that should be as large as another.
    Of {
        head: &'static str,
        done: &'static str,
        expected: &'static str,
    },
    /// How each round ended, in their order.
    Order,
}

use Line::{Measure, Of, Order, Param, Times};

const THREADS: Line = Param {
    head: "threads",
    key: "threads",
};
const THREADS_X_ITERATIONS: Line = Times {
    head: "threads x iterations",
    keys: ["threads", "iterations"],
};
const COMPLETED: Line = Of {
    head: "completed",
    done: "operations",
    expected: "operations_expected",
};
const TIME: Line = Measure {
    head: "time",
    name: "elapsed",
};
const THROUGHPUT: Line = Measure {
    head: "throughput",
    name: "throughput",
};
const ERRORS: Line = Measure {
    head: "errors",
    name: "errors",
};
const LARGEST: Line = Measure {
    head: "largest difference",
    name: "difference_max",
};
const TOLERANCE: Line = Param {
    head: "tolerance",
    key: "tolerance",
};

pub(super) const SOAK: &[Line] = &[
    THREADS,
    Times {
        head: "matrices",
        keys: ["size", "size"],
    },
    Param {
        head: "duration asked for",
        key: "duration",
    },
    Measure {
        head: "duration",
        name: "elapsed",
    },
    Measure {
        head: "ops",
        name: "operations",
    },
    THROUGHPUT,
    ERRORS,
];

pub(super) const STRESS: &[Line] = &[
    THREADS_X_ITERATIONS,
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
];

pub(super) const ENCODER_LAYER: &[Line] = &[
    THREADS_X_ITERATIONS,
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
    Order,
];

pub(super) const MULTI_MODEL: &[Line] = &[
    Param {
        head: "models",
        key: "models",
    },
    THREADS,
    Param {
        head: "iterations",
        key: "iterations",
    },
    COMPLETED,
    TIME,
    THROUGHPUT,
    ERRORS,
    LARGEST,
    TOLERANCE,
];

pub(super) const CORRECTNESS: &[Line] = &[
    Param {
        head: "inputs",
        key: "inputs",
    },
    Measure {
        head: "mean difference from the CPU",
        name: "difference_mean",
    },
    Measure {
        head: "largest difference from the CPU",
        name: "difference_max",
    },
    TOLERANCE,
];

/// The sheet, and what the chapter measured besides the figures that it has.
pub(super) fn draw(
    lines: &[Line],
    rows: &[&ChapterRow],
    params: Option<&Map<String, Value>>,
    retries: bool,
) -> (Table, Vec<Block>) {
    let mut table = Table::default().text("figure");
    for row in rows {
        table = table.number(&column(row));
    }
    for line in lines {
        let head = match line {
            Param { head, .. } | Times { head, .. } | Measure { head, .. } | Of { head, .. } => {
                (*head).to_owned()
            }
            Order => order_head(rows),
        };
        let cells = rows.iter().map(|row| cell(line, row, params));
        push(&mut table, &head, cells.collect());
    }
    ends(&mut table, rows, retries);
    let rest = rows.iter().flat_map(|row| rest(lines, row)).collect();
    (table, rest)
}

/// A line, unless there is nothing for it in any column.
fn push(table: &mut Table, head: &str, cells: Vec<Option<String>>) {
    if cells.iter().any(Option::is_some) {
        let cells = cells.iter().map(|cell| cell.as_deref().unwrap_or("-"));
        let cells = std::iter::once(head).chain(cells);
        // The order of many rounds is longer than a name: it is of letters, so nothing in it can do harm.
        table.rows.push(cells.map(Text::long).collect());
    }
}

fn column(row: &ChapterRow) -> String {
    match &row.sequence {
        None => of_unit(Mode::Isolated.word(), None, &row.variant),
        Some(sequence) => format!("in {}", of_unit(sequence, None, &row.variant)),
    }
}

fn cell(line: &Line, row: &ChapterRow, params: Option<&Map<String, Value>>) -> Option<String> {
    let param = |key: &str| params.and_then(|params| params.get(key)).map(parameter);
    match line {
        Param { key, .. } => param(key),
        Times { keys, .. } => Some(format!("{} x {}", param(keys[0])?, param(keys[1])?)),
        Measure { name, .. } => Some(said(stat(row, name)?)),
        Of { done, expected, .. } => {
            let done = said(stat(row, done)?);
            Some(match stat(row, expected) {
                Some(expected) => format!("{done} of {}", said(expected)),
                None => done,
            })
        }
        Order => letters(&row.results),
    }
}

fn order_head(rows: &[&ChapterRow]) -> String {
    let ordered = rows.iter().filter(|row| !row.results.unordered);
    let cells = ordered.flat_map(|row| &row.results.cells);
    format!("order ({})", legend(cells))
}

/// The measure that a line shows.
fn stat<'a>(row: &'a ChapterRow, name: &str) -> Option<&'a MeasureStat> {
    let measures = &row.results.measures;
    measures
        .iter()
        .find(|m| m.name == name && m.label.is_empty())
}

/// The median with its unit, and from where to where the values went if they did.
fn said(stat: &MeasureStat) -> String {
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

/// How the rounds ended, the same for every sheet.
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

/// In how many rounds the figures were measured, at most.
fn measured_n(row: &ChapterRow) -> u32 {
    let n = row.results.measures.iter().map(|stat| stat.spread.n);
    n.max().unwrap_or(0)
}

/// What the lines do not show: a later worker may measure more.
fn rest(lines: &[Line], row: &ChapterRow) -> Vec<Block> {
    let shown = |other: &MeasureStat| {
        let is = |name: &str| stat(row, name).is_some_and(|shown| std::ptr::eq(shown, other));
        lines.iter().any(|line| match line {
            Measure { name, .. } => is(name),
            Of { done, expected, .. } => is(done) || is(expected),
            Param { .. } | Times { .. } | Order => false,
        })
    };
    let rest: Vec<_> = row.results.measures.iter().filter(|s| !shown(s)).collect();
    let tables = tables(&of_chapter(row), &rest, Heads::Full);
    tables.into_iter().map(Block::Table).collect()
}
