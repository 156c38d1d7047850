//! The chapters with all their counts: a table for each mode, sequence and variant.

use crashrate_model::{Mode, Outcome};

use super::source::Source;
use super::{Block, Table, Text, Tone};
use crate::view::{ChapterRow, Outcomes, Results, View};
use crate::words::{count, of_unit, percent, rate, seconds, short_rate_of};

/// A table for each mode, sequence and variant.
pub(super) fn chapters(source: &Source) -> Vec<Block> {
    let view = source.view;
    let same = |a: &ChapterRow, b: &ChapterRow| {
        (a.mode, &a.sequence, &a.variant) == (b.mode, &b.sequence, &b.variant)
    };
    let mut groups: Vec<Vec<&ChapterRow>> = Vec::new();
    for row in &view.chapters {
        match groups.iter_mut().find(|group| same(group[0], row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let tables = groups.iter().map(|group| table(view, group));
    tables.map(Block::Table).collect()
}

fn table(view: &View, rows: &[&ChapterRow]) -> Table {
    let mut all = Outcomes::default();
    for row in rows {
        all.add_all(&row.results.outcomes);
    }
    let results = ResultColumns::new(view, all, true);
    let name = match &rows[0].sequence {
        None => Mode::Isolated.word().to_owned(),
        Some(sequence) => format!("{}: {sequence}", Mode::Sequential),
    };
    let title = of_unit(&name, None, &rows[0].variant);
    let table = Table::titled(&title).text("chapter");
    let mut table = results.heads(table).number("median time");
    for row in rows {
        let mut cells = vec![Text::plain(&row.chapter)];
        cells.extend(results.cells(&row.results));
        let median = row.results.secs.map(|secs| seconds(secs.median));
        cells.push(Text::plain(median.as_deref().unwrap_or("-")));
        table.rows.push(cells);
    }
    table
}

/// The columns of counts and rates, the same for chapters and sequences.
pub(super) struct ResultColumns {
    kinds: Vec<Outcome>,
    reached: bool,
    retries: bool,
}

impl ResultColumns {
    /// A column for each outcome that occurs among `all`, and for retries if there are any.
    pub(super) fn new(view: &View, all: Outcomes, reached: bool) -> Self {
        let occurs = |o: &Outcome| *o == Outcome::Passed || all.get(*o) > 0;
        ResultColumns {
            kinds: Outcome::ALL.into_iter().filter(occurs).collect(),
            reached,
            retries: view.run.retries > Some(0),
        }
    }

    pub(super) fn heads(&self, table: Table) -> Table {
        let mut table = table.number("rounds");
        if self.reached {
            table = table.number("reached");
        }
        for kind in &self.kinds {
            table = table.number(kind.word());
        }
        table = table.number("pass rate").number("crash rate (95%)");
        if self.retries {
            table = table.number("after retries").number("flaky");
        }
        table
    }

    pub(super) fn cells(&self, results: &Results) -> Vec<Text> {
        let number = |n: u32| Text::plain(&count(n.into()));
        let first = results.first_attempt;
        let mut cells = vec![number(results.rounds)];
        if self.reached {
            cells.push(number(results.reached()));
        }
        for kind in &self.kinds {
            let n = results.outcomes.get(*kind);
            cells.push(Text::new(&count(n.into()), tone(*kind, n)));
        }
        let all_passed = first.n > 0 && results.passed() == first.n;
        cells.push(Text::new(
            &percent(results.passed(), first.n),
            if all_passed { Tone::Good } else { Tone::Plain },
        ));
        cells.push(Text::new(&short_rate_of(results), Tone::of_bad(first.bad)));
        if self.retries {
            let flaky = results.flaky_rounds.len() as u32;
            let after = rate(results.passed_after_retries, results.after_retries.n);
            cells.push(Text::plain(&after));
            let tone = if flaky > 0 {
                Tone::Doubtful
            } else {
                Tone::Plain
            };
            cells.push(Text::new(&count(flaky.into()), tone));
        }
        cells
    }
}

fn tone(outcome: Outcome, n: u32) -> Tone {
    match outcome {
        _ if n == 0 => Tone::Plain,
        Outcome::Passed | Outcome::Unreached => Tone::Plain,
        Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory => Tone::Bad,
        _ => Tone::Doubtful,
    }
}
