//! Chapters and sequences with all their counts, where each sequence died, and the order of its
//! rounds.

use std::collections::BTreeSet;

use crashrate_model::{Mode, Outcome};

use super::table::grouped;
use super::{Block, Table, Text, Tone};
use crate::view::{ChapterRow, Results, View};
use crate::words::{
    count, died_in, joined, letter, of_sequence, of_unit, outcomes_of, percent, rate, seconds,
    short_rate_of,
};

/// A table for each mode, sequence and variant.
pub(super) fn chapters(view: &View) -> Vec<Block> {
    let rows = view.chapters.iter();
    let groups = grouped(rows.map(|row| ((row.mode, &row.sequence, &row.variant), row)));
    let tables = groups.iter().map(|(_, rows)| in_one_mode(view, rows));
    tables.map(Block::Table).collect()
}

fn in_one_mode(view: &View, rows: &[&ChapterRow]) -> Table {
    let name = match &rows[0].sequence {
        None => Mode::Isolated.to_string(),
        Some(sequence) => format!("{}: {sequence}", Mode::Sequential),
    };
    let results = rows.iter().map(|row| (row.chapter.clone(), &row.results));
    let mut table = counted(view, "chapter", true, results.collect()).numbers(["median time"]);
    table.title = of_unit(&name, None, &rows[0].variant);
    for (row, cells) in rows.iter().zip(&mut table.rows) {
        let median = row.results.secs.map(|secs| seconds(secs.median));
        cells.push(Text::known(median));
    }
    table
}

/// A row for each sequence, then the order of their rounds.
pub(super) fn sequences(view: &View) -> Vec<Block> {
    let results = view
        .sequences
        .iter()
        .map(|row| (of_sequence(row), &row.results));
    let mut table = counted(view, "sequence", false, results.collect()).texts(["died in"]);
    let mut order = Vec::new();
    for (row, cells) in view.sequences.iter().zip(&mut table.rows) {
        let letters = letters(&row.results);
        order.extend(letters.map(|letters| format!("order of {}: {letters}", of_sequence(row))));
        let died = died_in(&row.died_in);
        cells.push(match died.is_empty() {
            true => Text::known(None),
            // A list of clean names, which may be longer than a name.
            false => Text {
                text: died,
                tone: Tone::Bad,
            },
        });
    }
    let mut blocks = Block::table(table);
    if !order.is_empty() {
        let legend = legend(view.sequences.iter().map(|row| &row.results));
        blocks.extend([Block::List(order), Block::line(legend)]);
    }
    blocks
}

/// The counts and rates of some results, with a column for each outcome that occurs and for retries
/// if there are any.
fn counted(view: &View, head: &str, has_reached: bool, rows: Vec<(String, &Results)>) -> Table {
    let all = outcomes_of(rows.iter().map(|(_, results)| *results));
    let occurs = |outcome: &Outcome| *outcome == Outcome::Passed || all.get(*outcome) > 0;
    let kinds: Vec<_> = Outcome::ALL.into_iter().filter(occurs).collect();
    let mut table = Table::default()
        .texts([head])
        .numbers(["rounds", "reached"]);
    for kind in &kinds {
        table = table.numbers([kind.word()]);
    }
    let rates = ["pass rate", "crash rate (95%)", "after retries", "flaky"];
    let mut table = table.numbers(rates);
    for (name, results) in rows {
        let first = results.first_attempt;
        let mut cells = vec![
            Text::plain(name),
            Text::count(results.rounds),
            Text::count(results.reached()),
        ];
        let outcomes = kinds.iter().map(|kind| of_outcome(*kind, results));
        cells.extend(outcomes);
        let all_passed = first.n > 0 && results.passed() == first.n;
        let flaky = results.flaky_rounds.len() as u32;
        cells.extend([
            Text::new(
                percent(results.passed(), first.n),
                if all_passed { Tone::Good } else { Tone::Plain },
            ),
            Text::rate(short_rate_of(results), first.bad),
            Text::plain(rate(results.passed_after_retries, results.after_retries.n)),
            Text::new(count(flaky.into()), Tone::Doubtful.if_any(flaky)),
        ]);
        table.row(cells);
    }
    let mut shown = vec![true; table.columns.len()];
    shown[2] = has_reached;
    let retries = table.columns.len() - 2;
    shown[retries..].fill(view.run.retries > Some(0));
    table.keep(&shown);
    table
}

fn of_outcome(outcome: Outcome, results: &Results) -> Text {
    let n = results.outcomes.get(outcome);
    let tone = match outcome {
        Outcome::Passed | Outcome::Skipped | Outcome::Unreached => Tone::Plain,
        Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory => Tone::Bad,
        _ => Tone::Doubtful,
    };
    Text::new(count(n.into()), tone.if_any(n))
}

/// Rounds whose letters are shown.
const SHOWN: usize = 200;
/// Letters between two spaces, so that rounds can be counted.
const TOGETHER: usize = 10;

/// The first attempts of rounds, a letter each; nothing if no round has one, or their order is not
/// known.
pub(super) fn letters(results: &Results) -> Option<String> {
    let cells = &results.cells;
    let shown = cells.iter().take(SHOWN).map(|cell| letter(cell.first));
    let shown: Vec<_> = shown.collect();
    let groups: Vec<String> = shown.chunks(TOGETHER).map(String::from_iter).collect();
    let more = match cells.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {} more rounds", count(more as u64)),
    };
    let any = results.order.is_known() && cells.iter().any(|cell| cell.first.is_some());
    any.then(|| groups.join(" ") + &more)
}

/// What the letters of these rounds mean.
pub(super) fn legend<'a>(all: impl Iterator<Item = &'a Results>) -> String {
    let ordered = all.filter(|results| results.order.is_known());
    let cells = ordered.flat_map(|results| &results.cells);
    // `None` sorts before every outcome, but belongs at the end.
    let seen = cells.map(|cell| (cell.first.is_none(), cell.first));
    let seen: BTreeSet<_> = seen.collect();
    let words = seen.iter().map(|(_, first)| {
        let word = first.map_or("no result yet", Outcome::word);
        format!("{} {word}", letter(*first))
    });
    joined(words, ", ").unwrap_or_default()
}
