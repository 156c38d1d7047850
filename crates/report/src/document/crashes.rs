//! Crashes by signature: how often, where, how to see them again, and the innermost frames.

use std::iter::once;

use super::{Block, Signature, Table, Text, Tone};
use crate::clean::{NAME, SENTENCE, clean, one_line};
use crate::view::{CrashPlace, CrashRow, View};
use crate::words::{count, of_unit, share, short_estimate};

/// Signatures that are shown in full, and in the summary; `crashrate crashes` lists them all.
const SHOWN: usize = 10;
const IN_SHORT: usize = 3;
/// Callers of the innermost frame in the summary.
const CALLERS: usize = 2;
/// Python frames in the summary.
const PYTHON_IN_SHORT: usize = 2;

/// The most frequent signatures, each with its innermost frames.
pub(super) fn in_short(view: &View) -> Vec<Block> {
    let rows = (1..).zip(&view.crashes).take(IN_SHORT);
    let rows = rows.flat_map(|(number, row)| {
        let signature = Block::Signature(signature(view, number, row));
        once(signature).chain(python(row, PYTHON_IN_SHORT).map(Block::line))
    });
    rows.chain(more(view, IN_SHORT)).collect()
}

/// The innermost Python frames: `Python: test_crash (test_a.py:11) < ...`.
fn python(row: &CrashRow, most: usize) -> Option<String> {
    let frames = row.python.iter().take(most).map(|frame| clean(frame, NAME));
    let frames: Vec<_> = frames.collect();
    (!frames.is_empty()).then(|| format!("Python: {}", frames.join(" < ")))
}

/// The parts of `v1 | SIGSEGV | libtorch_cpu.so!at::native::f < libtorch_cpu.so!g`.
fn signature(view: &View, number: usize, row: &CrashRow) -> Signature {
    let text = clean(&row.signature, SENTENCE);
    let mut parts = text.split(" | ").skip(1);
    let class = parts.next().unwrap_or(&text);
    let frames: Vec<_> = parts.next().unwrap_or_default().split(" < ").collect();
    let first = frames[0];
    // A signature may leave out callers that the stack has.
    let stack: Vec<_> = row.excerpt.iter().map(|frame| clean(frame, NAME)).collect();
    let callers: Vec<&str> = match stack.iter().position(|frame| frame == first) {
        Some(place) => stack[place + 1..].iter().map(String::as_str).collect(),
        None => frames[1..].to_vec(),
    };
    let callers = callers.into_iter().take(CALLERS).map(|frame| {
        let function = frame
            .split_once('!')
            .map_or(frame, |(_, function)| function);
        format!("< {function}")
    });
    let times = match row.count() {
        0 => {
            let seen: u32 = row.places.iter().map(|place| place.share.bad).sum();
            format!("{}x in evidence rounds,", count(seen.into()))
        }
        n => format!("{}x", count(n.into())),
    };
    Signature {
        what: format!("{times} {class}"),
        at: match first.split_once('!') {
            Some((module, function)) => format!("{function}  ({module})"),
            None => first.to_owned(),
        },
        callers: callers.collect::<Vec<_>>().join(" "),
        command: format!("crashrate crashes {} {number}", view.run.number),
    }
}

fn more(view: &View, shown: usize) -> Option<Block> {
    let left = view.crashes.len().saturating_sub(shown);
    (left > 0).then(|| {
        let (left, run) = (count(left as u64), view.run.number);
        Block::line(format!("{left} more signatures: crashrate crashes {run}"))
    })
}

/// The table of signatures, and the stack of each.
pub(super) fn crashes(view: &View) -> Vec<Block> {
    let mut table = Table::default()
        .numbers(["no."])
        .texts(["in"])
        .numbers(["rate (95%)"])
        .texts(["rounds", "signature"]);
    let mut below = Vec::new();
    for (number, row) in (1..).zip(&view.crashes).take(SHOWN) {
        add(&mut table, number, row);
        if let Some(repeat) = &row.repeat {
            // Whole, so that it can be pasted into a shell.
            below.push(Block::line(format!("{number} again:")));
            below.push(Block::Command(one_line(repeat)));
        }
        below.extend(stack(number, row));
        let python = python(row, usize::MAX).map(|python| format!("{number} {python}"));
        below.extend(python.map(|python| Block::line(clean(&python, SENTENCE))));
    }
    let mut blocks = Block::table(table);
    blocks.extend(below);
    blocks.extend(more(view, SHOWN));
    blocks
}

/// The innermost frames in one line, or a line each if they have source lines.
fn stack(number: usize, row: &CrashRow) -> Vec<Block> {
    if row.source.iter().any(|lines| !lines.is_empty()) {
        let frames = row.excerpt.iter().zip(&row.source);
        let frames = frames.map(|(frame, lines)| {
            let lines = lines.join(", inlined at ");
            clean(format!("{frame}  {lines}").trim_end(), SENTENCE)
        });
        let head = Block::line(format!("{number} stack:"));
        return vec![head, Block::Output(frames.collect())];
    }
    let line = format!("{number} stack: {}", row.excerpt.join(" < "));
    let line = (!row.excerpt.is_empty()).then(|| Block::line(clean(&line, SENTENCE)));
    Vec::from_iter(line)
}

/// A row for each place of a crash. Only the first has the number and the signature.
fn add(table: &mut Table, number: usize, row: &CrashRow) {
    let mut number = number.to_string();
    let mut signature = row.signature.as_str();
    for place in &row.places {
        let rounds = match place.first == place.last {
            true => place.first.to_string(),
            false => format!("{} to {}", place.first, place.last),
        };
        table.row([
            Text::plain(std::mem::take(&mut number)),
            Text::plain(name(place)),
            Text::new(rate(place), Tone::Bad),
            Text::plain(rounds),
            Text::long(std::mem::take(&mut signature)),
        ]);
    }
}

/// `a (isolated), its descendant `cc1``.
fn name(place: &CrashPlace) -> String {
    let unit = of_unit(&place.name, Some(place.mode), &place.variant);
    match &place.role.descendant {
        Some(program) => format!("{unit}, its descendant `{}`", clean(program, NAME)),
        None => unit,
    }
}

/// The crash rate. Evidence rounds have none.
fn rate(place: &CrashPlace) -> String {
    let of = place.share;
    match place.role.in_evidence_rounds {
        true => format!("in evidence rounds only ({})", share(of.bad, of.n)),
        false => short_estimate(of, place.optional_stopping),
    }
}
