//! Why rounds did not pass, with the last lines that they printed.

use crashrate_model::{Mode, Outcome};

use super::Block;
use crate::clean::{SENTENCE, clean};
use crate::view::{Reason, Results, View, is_hang};
use crate::words::{count, of_chapter, of_sequence, of_unit};
use crate::words::{first_line, more_lines};

/// Reasons that a row names before it counts the rest.
const REASONS: usize = 5;
/// Reasons in the summary.
const SHOWN: usize = 5;
/// Reasons with output in full.
const TAILS: usize = 10;
/// Lines of output in the summary, of a single reason and of each of several.
const LINES: [usize; 2] = [5, 2];

/// Reasons without a signature, with the last lines that the attempts printed.
pub(super) fn failures(view: &View) -> Vec<Block> {
    sentences(&unexplained(view))
}

/// The first of these reasons, a sentence each with the last lines of output.
pub(super) fn sentences(all: &[(Row<'_>, &Reason)]) -> Vec<Block> {
    let lines = LINES[usize::from(all.len() > 1)];
    let mut blocks = Vec::new();
    for (row, reason) in all.iter().take(SHOWN) {
        blocks.push(Block::line(sentence(&row.short, reason)));
        let tail = &reason.tail[reason.tail.len().saturating_sub(lines)..];
        if !tail.is_empty() {
            let lines = tail.iter().map(|line| clean(line, SENTENCE));
            blocks.push(Block::Output(lines.collect()));
        }
    }
    if all.len() > SHOWN {
        let left = count((all.len() - SHOWN) as u64);
        blocks.push(Block::line(format!("{left} more reasons")));
    }
    blocks
}

/// Crashes without a signature, as reasons.
pub(super) fn unexplained_crashes(view: &View) -> Vec<(Row<'_>, &Reason)> {
    let all = unexplained(view).into_iter();
    all.filter(|(_, reason)| reason.outcome == Outcome::Crashed)
        .collect()
}

/// Why attempts that count did not pass: a sentence each, and the whole reason if it has more lines.
/// Crashes have a section of their own, which names the first ones without a signature.
pub(super) fn reasons(view: &View) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = Vec::new();
    let mut tails = 0;
    let more_crashes: Vec<_> = unexplained_crashes(view).into_iter().skip(SHOWN).collect();
    let is_shown = |reason: &&Reason| {
        let mut more = more_crashes.iter();
        let is_in_crashes = reason.outcome == Outcome::Crashed
            && more_lines(&reason.text).is_empty()
            && !more.any(|(_, more)| std::ptr::eq(*more, *reason));
        reason.outcome.counts() && !is_in_crashes
    };
    for Row { name, results, .. } in rows(view) {
        let counting = results.reasons.iter().filter(is_shown);
        for reason in counting.clone().take(REASONS) {
            lines.push(sentence(&name, reason));
            let mut whole = more_lines(&reason.text);
            if tails < TAILS && !reason.tail.is_empty() {
                tails += 1;
                let tail = reason.tail.iter().map(|line| clean(line, SENTENCE));
                whole.extend(tail);
            }
            if !whole.is_empty() {
                blocks.push(Block::List(std::mem::take(&mut lines)));
                blocks.push(Block::Output(whole));
            }
        }
        let more: u32 = counting.skip(REASONS).map(|reason| reason.count).sum();
        if more > 0 {
            let more = count(more.into());
            lines.push(format!("{name}: {more} for other reasons"));
        }
    }
    blocks.extend(Block::list(lines));
    blocks
}

/// `exit-3 (isolated): 9 failed: exit code 3 (first in round 1, output/exit-3-1-1.txt)`.
fn sentence(name: &str, reason: &Reason) -> String {
    let text = first_line(&reason.text);
    let place = first_seen(reason);
    let times = count(reason.count.into());
    format!("{name}: {times} {}: {text}{place}", reason.outcome)
}

/// Where a reason was first seen: ` (first in round 1, output/a-1-1.txt)`. Empty where the order of
/// rounds is unknown.
pub(crate) fn first_seen(reason: &Reason) -> String {
    let output = (reason.output.as_ref()).map(|output| format!(", {}", clean(output, SENTENCE)));
    let output = output.unwrap_or_default();
    let place = (reason.round).map(|round| format!(" (first in round {round}{output})"));
    place.unwrap_or_default()
}

/// A chapter or a sequence.
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    /// Without its mode, if all rows have the same.
    short: String,
    results: &'a Results,
    /// Its unit, with mode and variant.
    unit: (&'a str, Mode, &'a str),
}

fn rows(view: &View) -> impl Iterator<Item = Row<'_>> {
    let chapters = view.chapters.iter().map(|row| {
        let unit = row.sequence.as_ref().unwrap_or(&row.chapter);
        let name = of_chapter(row);
        Row {
            short: match view.sequences.is_empty() {
                true => of_unit(&row.chapter, None, &row.variant),
                false => name.clone(),
            },
            name,
            results: &row.results,
            unit: (unit, row.mode, &row.variant),
        }
    });
    let sequences = view.sequences.iter().map(|row| Row {
        short: of_sequence(row),
        name: of_sequence(row),
        results: &row.results,
        unit: (&row.sequence, Mode::Sequential, &row.variant),
    });
    chapters.chain(sequences)
}

/// Reasons without a signature, each with its row.
pub(crate) fn unexplained(view: &View) -> Vec<(Row<'_>, &Reason)> {
    let mut all = Vec::new();
    for row in rows(view) {
        // Whether the unit has signatures of crashes, and of hangs.
        let [has_crashes, has_hangs] = [false, true].map(|hangs| {
            let crashes = (view.crashes.iter()).filter(|c| is_hang(&c.signature) == hangs);
            let mut places = crashes.flat_map(|crash| &crash.places);
            places.any(|p| (p.name.as_str(), p.mode, p.variant.as_str()) == row.unit)
        });
        let explained = |reason: &Reason| match reason.outcome {
            Outcome::Crashed => has_crashes,
            Outcome::TimedOut => has_hangs,
            _ => false,
        };
        let own = row.results.reasons.iter().filter(|r| !explained(r));
        all.extend(own.map(|reason| (row.clone(), reason)));
    }
    all
}
