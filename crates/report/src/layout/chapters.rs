//! The table of chapters, and why their attempts did not pass.

use crashrate_model::{Mode, Outcome};

use super::{Table, Text, Tone};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{ChapterRow, Outcomes, Results, View};
use crate::words::{
    count, estimates_head, of_chapter, of_unit, percent, rate, seconds, short_rate_of,
};

/// Which columns the table of chapters has besides those that it always has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChapterColumns {
    /// The mode, and the sequence if there are several.
    pub(crate) mode: bool,
    /// How long an attempt took.
    pub(crate) time: bool,
}

/// All chapters in one table.
pub(crate) fn chapters(view: &View, columns: ChapterColumns) -> Table {
    let rows: Vec<_> = view.chapters.iter().collect();
    table(view, &rows, columns)
}

/// A table for each mode, sequence and variant, named in its title: for where there is no room for these columns.
pub(crate) fn groups(view: &View) -> Vec<Table> {
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
    let columns = ChapterColumns {
        mode: false,
        time: false,
    };
    groups
        .iter()
        .map(|group| Table {
            title: group_title(group[0]),
            ..table(view, group, columns)
        })
        .collect()
}

fn group_title(row: &ChapterRow) -> String {
    let name = match &row.sequence {
        None => Mode::Isolated.word().to_owned(),
        Some(sequence) => format!("{}: {sequence}", Mode::Sequential),
    };
    of_unit(&name, None, &row.variant)
}

fn table(view: &View, rows: &[&ChapterRow], columns: ChapterColumns) -> Table {
    let sequences = columns.mode && view.sequences.len() > 1;
    let variants = columns.mode && rows.iter().any(|row| row.variant != "default");
    let mut all = Outcomes::default();
    for row in rows {
        all.add_all(&row.results.outcomes);
    }
    let results = ResultColumns::new(view, all, true);
    let mut table = Table::default().text("chapter");
    if columns.mode {
        table = table.text("mode");
    }
    if sequences {
        table = table.text("sequence");
    }
    if variants {
        table = table.text("variant");
    }
    table = results.heads(table);
    if columns.time {
        table = table.number("median time");
    }
    for row in rows {
        let mut cells = vec![Text::plain(&row.chapter)];
        if columns.mode {
            cells.push(Text::plain(row.mode.word()));
        }
        if sequences {
            cells.push(Text::plain(row.sequence.as_deref().unwrap_or("")));
        }
        if variants {
            cells.push(Text::plain(&row.variant));
        }
        cells.extend(results.cells(&row.results));
        if columns.time {
            let median = row.results.secs.map(|secs| seconds(secs.median));
            cells.push(Text::plain(median.as_deref().unwrap_or("-")));
        }
        table.rows.push(cells);
    }
    table
}

/// The columns of counts and rates, the same for chapters and sequences.
pub(super) struct ResultColumns {
    kinds: Vec<Outcome>,
    reached: bool,
    retries: bool,
    by_data: bool,
}

impl ResultColumns {
    /// A column for each kind of end that occurs among `all`; what is after retries only if there are any.
    pub(super) fn new(view: &View, all: Outcomes, reached: bool) -> Self {
        let occurs = |o: &Outcome| *o == Outcome::Passed || all.get(*o) > 0;
        ResultColumns {
            kinds: Outcome::ALL.into_iter().filter(occurs).collect(),
            reached,
            retries: view.run.retries > 0,
            by_data: view.run.is_by_data(),
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
        let crash_rate = estimates_head("crash rate", self.by_data);
        table = table.number("pass rate").number(&crash_rate);
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
        let bad = if first.bad > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let crash_rate = short_rate_of(results);
        cells.push(Text::new(&crash_rate, bad));
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

/// Reasons that a row names before it says how many more attempts there are.
const REASONS: usize = 5;

/// Why attempts that count did not pass, a line each.
pub(crate) fn reasons(view: &View) -> Vec<String> {
    let chapters = view
        .chapters
        .iter()
        .map(|row| (of_chapter(row), &row.results));
    let sequences = view
        .sequences
        .iter()
        .map(|row| (of_unit(&row.sequence, None, &row.variant), &row.results));
    let mut lines = Vec::new();
    for (name, results) in chapters.chain(sequences) {
        let counting = results.reasons.iter().filter(|r| r.outcome.counts());
        for reason in counting.clone().take(REASONS) {
            let text = clean(&reason.text, SENTENCE);
            let output = match &reason.output {
                Some(output) => format!(", {}", clean(output, NAME)),
                None => String::new(),
            };
            let place = match results.unordered {
                true => String::new(),
                false => format!(" (first in round {}{output})", reason.round),
            };
            lines.push(format!(
                "{name}: {} {}: {text}{place}",
                count(reason.count.into()),
                reason.outcome,
            ));
        }
        let more: u32 = counting.skip(REASONS).map(|reason| reason.count).sum();
        if more > 0 {
            let more = count(more.into());
            lines.push(format!("{name}: {more} for other reasons"));
        }
    }
    lines
}
