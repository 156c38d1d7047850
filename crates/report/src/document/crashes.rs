//! Crashes by signature: how often, where, how to see them again, and the innermost frames.

use super::source::Source;
use super::{Block, Signature, Table, Text, Tone};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::CrashRow;
use crate::words::{count, crash_place, crash_share};

/// Signatures that are shown in full, and in the summary; `crashrate crashes` lists them all.
const SHOWN: usize = 10;
const IN_SHORT: usize = 3;
/// Callers of the innermost frame in the summary.
const CALLERS: usize = 2;

/// The most frequent signatures, each with its innermost frames.
pub(super) fn in_short(source: &Source) -> Vec<Block> {
    let view = source.view;
    let run = view.run.number;
    let rows = (1..).zip(&view.crashes).take(IN_SHORT);
    let mut blocks: Vec<_> = rows
        .map(|(number, row)| {
            Block::Signature(signature(row, &format!("crashrate crashes {run} {number}")))
        })
        .collect();
    blocks.extend(more(source, IN_SHORT));
    blocks
}

/// The parts of `v1 | SIGSEGV | libtorch_cpu.so!at::native::f < libtorch_cpu.so!g`.
fn signature(row: &CrashRow, command: &str) -> Signature {
    let text = clean(&row.signature, SENTENCE);
    let mut parts = text.split(" | ").skip(1);
    let class = parts.next().unwrap_or(&text);
    let frames: Vec<&str> = parts.next().unwrap_or_default().split(" < ").collect();
    let first = frames.first().copied().unwrap_or_default();
    let at = match first.split_once('!') {
        Some((module, function)) => format!("{function}  ({module})"),
        None => first.to_owned(),
    };
    let function = |frame: &str| frame.split_once('!').map_or(frame, |(_, f)| f).to_owned();
    // A signature may leave out callers that the stack has.
    let stack: Vec<String> = row.excerpt.iter().map(|f| clean(f, NAME)).collect();
    let callers: Vec<String> = match stack.iter().position(|frame| frame == first) {
        Some(place) => stack[place + 1..].iter().map(|f| function(f)).collect(),
        None => frames.iter().skip(1).map(|frame| function(frame)).collect(),
    };
    let callers = callers.iter().take(CALLERS).map(|f| format!("< {f}"));
    let callers: Vec<String> = callers.collect();
    let times = match row.count() {
        0 => {
            let seen: u32 = row.places.iter().map(|place| place.share.bad).sum();
            format!("{}x in evidence rounds,", count(seen.into()))
        }
        n => format!("{}x", count(n.into())),
    };
    Signature {
        what: format!("{times} {class}"),
        at,
        callers: callers.join(" "),
        command: command.to_owned(),
    }
}

fn more(source: &Source, shown: usize) -> Option<Block> {
    let left = source.view.crashes.len().saturating_sub(shown);
    (left > 0).then(|| {
        let (left, run) = (count(left as u64), source.view.run.number);
        Block::line(format!("{left} more signatures: crashrate crashes {run}"))
    })
}

/// The table of signatures, and the stack of each.
pub(super) fn crashes(source: &Source) -> Vec<Block> {
    let view = source.view;
    if view.crashes.is_empty() {
        return Vec::new();
    }
    let mut table = Table::default()
        .number("no.")
        .text("in")
        .number("rate (95%)")
        .text("rounds")
        .text("signature");
    for (number, row) in (1..).zip(&view.crashes).take(SHOWN) {
        add(&mut table, number, row);
    }
    let mut blocks = vec![Block::Table(table)];
    for (number, row) in (1..).zip(&view.crashes).take(SHOWN) {
        let repeat = row
            .repeat
            .as_ref()
            .map(|repeat| format!("{number} again: {repeat}"));
        let stack = row.excerpt.join(" < ");
        let stack = (!stack.is_empty()).then(|| format!("{number} stack: {stack}"));
        let lines = repeat.into_iter().chain(stack);
        blocks.extend(lines.map(|line| Block::line(clean(&line, SENTENCE))));
    }
    blocks.extend(more(source, SHOWN));
    blocks
}

fn add(table: &mut Table, number: usize, row: &CrashRow) {
    for (at, place) in row.places.iter().enumerate() {
        let first = at == 0;
        let rounds = match place.first == place.last {
            true => place.first.to_string(),
            false => format!("{} to {}", place.first, place.last),
        };
        let number = if first {
            number.to_string()
        } else {
            String::new()
        };
        table.rows.push(vec![
            Text::plain(&number),
            Text::plain(&crash_place(place)),
            Text::new(&crash_share(place), Tone::Bad),
            Text::plain(&rounds),
            Text::long(if first { &row.signature } else { "" }),
        ]);
    }
}
