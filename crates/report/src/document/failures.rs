//! Why rounds did not pass, with the last lines that they printed.

use crashrate_model::{Mode, Outcome};

use super::Block;
use super::sections::Source;
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Reason, Results, View, is_hang};
use crate::words::{count, of_chapter, of_unit};

/// Reasons that a row names before it counts the rest.
const REASONS: usize = 5;
/// Reasons in the summary.
const SHOWN: usize = 5;
/// Lines of output of the first reason in the summary, and of each of the others.
const LINES: [usize; 2] = [5, 2];

/// Reasons that no signature of a crash stands for, with the end of what the attempts printed.
pub(super) fn failures(source: &Source) -> Vec<Block> {
    let view = source.view;
    let all = unexplained(view);
    let mut blocks = Vec::new();
    let mut outputs = 0;
    for (name, results, reason) in all.iter().take(SHOWN) {
        blocks.push(Block::line(sentence(name, results, reason)));
        let most = LINES[usize::from(outputs > 0)];
        let tail = &reason.tail[reason.tail.len().saturating_sub(most)..];
        if !tail.is_empty() {
            outputs += 1;
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

/// Why attempts that count did not pass, a line each.
pub(super) fn reasons(source: &Source) -> Vec<Block> {
    let mut lines = Vec::new();
    for (name, results, _) in rows(source.view) {
        let counting = results.reasons.iter().filter(|r| r.outcome.counts());
        lines.extend(
            counting
                .clone()
                .take(REASONS)
                .map(|reason| sentence(&name, results, reason)),
        );
        let more: u32 = counting.skip(REASONS).map(|reason| reason.count).sum();
        if more > 0 {
            let more = count(more.into());
            lines.push(format!("{name}: {more} for other reasons"));
        }
    }
    Block::list(lines)
}

/// `exit-3 (isolated): 9 failed: exit code 3 (first in round 1, output/exit-3-1-1.txt)`.
fn sentence(name: &str, results: &Results, reason: &Reason) -> String {
    let text = clean(&reason.text, SENTENCE);
    let output = match &reason.output {
        Some(output) => format!(", {}", clean(output, NAME)),
        None => String::new(),
    };
    let place = match results.unordered {
        true => String::new(),
        false => format!(" (first in round {}{output})", reason.round),
    };
    let times = count(reason.count.into());
    format!("{name}: {times} {}: {text}{place}", reason.outcome)
}

/// The rows of a view: name, results, and the unit with its mode and variant.
fn rows(view: &View) -> impl Iterator<Item = (String, &Results, (&str, Mode, &str))> {
    let chapters = view.chapters.iter().map(|row| {
        let unit = row.sequence.as_ref().unwrap_or(&row.chapter);
        let key = (unit.as_str(), row.mode, row.variant.as_str());
        (of_chapter(row), &row.results, key)
    });
    let sequences = view.sequences.iter().map(|row| {
        let name = of_unit(&row.sequence, None, &row.variant);
        let key = (
            row.sequence.as_str(),
            Mode::Sequential,
            row.variant.as_str(),
        );
        (name, &row.results, key)
    });
    chapters.chain(sequences)
}

/// Reasons that no signature stands for, with the row that each is of.
pub(crate) fn unexplained(view: &View) -> Vec<(String, &Results, &Reason)> {
    let mut all = Vec::new();
    for (name, results, key) in rows(view) {
        // Whether the unit has signatures of crashes, and of hangs.
        let [has_crashes, has_hangs] = [false, true].map(|hangs| {
            let rows = (view.crashes.iter()).filter(|row| is_hang(&row.signature) == hangs);
            let mut places = rows.flat_map(|row| &row.places);
            places.any(|p| (p.name.as_str(), p.mode, p.variant.as_str()) == key)
        });
        let explained = |reason: &Reason| match reason.outcome {
            Outcome::Crashed => has_crashes,
            Outcome::TimedOut => has_hangs,
            _ => false,
        };
        let own = results.reasons.iter().filter(|reason| !explained(reason));
        all.extend(own.map(|reason| (name.clone(), results, reason)));
    }
    all
}
