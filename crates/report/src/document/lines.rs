//! What is shown of each chapter in both modes, and of each sequence: a line, and its cells.

use std::collections::{HashMap, HashSet};

use crashrate_model::Outcome;

use super::{Table, Text, Tone};
use crate::view::{ChapterRow, Outcomes, Results, View};
use crate::words::{bad_outcomes, joined, of_chapter, of_sequence, of_unit, seconds, share};

/// Of more chapters than these, those that only passed are left out of a summary, and folded on a
/// page.
pub(super) const ALL_LISTED: usize = 20;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    Chapter,
    Sequence,
}

/// What is shown of a chapter isolated and in sequence, or of a sequence.
pub(super) struct Line<T> {
    pub(super) what: What,
    pub(super) name: String,
    pub(super) modes: [Option<T>; 2],
}

impl Line<&Results> {
    pub(super) fn results(&self) -> impl Iterator<Item = &Results> {
        self.modes.into_iter().flatten()
    }

    /// Whether every round that has a result passed, and there is one.
    pub(super) fn passed(&self) -> bool {
        let clean = |r: &Results| r.passed() == r.first_attempt.n && r.bounds.is_none();
        self.results().any(|r| r.first_attempt.n > 0) && self.results().all(clean)
    }

    /// Rounds that have a result and did not pass.
    pub(super) fn not_passed(&self) -> u32 {
        let not = |r: &Results| r.first_attempt.n.saturating_sub(r.passed());
        self.results().map(not).sum()
    }
}

/// Chapters with their results, then sequences as a whole.
pub(super) fn lines(view: &View) -> Vec<Line<&Results>> {
    let ids = view.sequences.iter().map(|row| &row.sequence);
    let one_sequence = ids.collect::<HashSet<_>>().len() <= 1;
    let chapters = view.chapters.iter().map(|row| {
        let name = match row.sequence.is_none() || one_sequence {
            true => of_unit(&row.chapter, None, &row.variant),
            false => of_chapter(row),
        };
        (name, row, &row.results)
    });
    let mut lines = in_lines(chapters);
    lines.extend(view.sequences.iter().map(|row| Line {
        what: What::Sequence,
        name: of_sequence(row),
        modes: [None, Some(&row.results)],
    }));
    lines
}

/// A line for each name; another one where the first has the row's mode already.
pub(super) fn in_lines<'a, T>(
    all: impl Iterator<Item = (String, &'a ChapterRow, T)>,
) -> Vec<Line<T>> {
    let mut lines: Vec<Line<T>> = Vec::new();
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (name, row, value) in all {
        let mode = usize::from(row.sequence.is_some());
        let known = places.entry(name.clone()).or_default();
        let is_free = |place: &usize| lines[*place].modes[mode].is_none();
        let place = known.iter().copied().find(is_free).unwrap_or(lines.len());
        if place == lines.len() {
            known.push(place);
            let modes = [None, None];
            let what = What::Chapter;
            lines.push(Line { what, name, modes });
        }
        lines[place].modes[mode] = Some(value);
    }
    lines
}

/// Whether any line has the first mode, and the second.
pub(super) fn modes_of<T>(lines: &[Line<T>]) -> [bool; 2] {
    [0, 1].map(|mode| lines.iter().any(|line| line.modes[mode].is_some()))
}

/// The head of a group of columns, and what it shows of one mode.
pub(super) type Group<'a, T> = (&'a str, fn(&T) -> Text);

/// A wide table with a column for each group and each mode that a line has.
pub(super) fn by_mode<T>(
    (first, least): (&str, usize),
    lines: &[Line<T>],
    groups: &[Group<T>],
) -> Table {
    let modes = modes_of(lines);
    let mut table = Table::default().texts([first]);
    table.wide = true;
    table.columns[0].least = least;
    for (head, _) in groups {
        table = match modes {
            [true, true] => table.grouped(head, "isolated").grouped(head, "in sequence"),
            _ => table.texts([head, head]),
        };
    }
    for line in lines {
        let cells = groups.iter().flat_map(|(_, cell)| {
            let cells = line.modes.each_ref().map(|value| value.as_ref().map(cell));
            cells.map(Option::unwrap_or_default)
        });
        table.row(std::iter::once(Text::long(&line.name)).chain(cells));
    }
    let mut shown = vec![true];
    shown.extend(groups.iter().flat_map(|_| modes));
    table.keep(&shown);
    table
}

/// What the suite counts as bad, of what occurred.
pub(super) fn bad_head(view: &View, all: &Outcomes) -> String {
    let bad = &view.run.bad;
    let occurred = bad.iter().filter(|outcome| all.get(*outcome) > 0);
    match joined(occurred.map(|outcome| outcome.to_string()), ", ") {
        Some(occurred) => occurred,
        None if bad.contains(Outcome::Crashed) => Outcome::Crashed.to_string(),
        None => bad_outcomes(&view.run.bad),
    }
}

/// The cell of failures.
pub(super) fn failed(results: &&Results) -> Text {
    let failed = results.failed();
    let text = share(failed, results.first_attempt.n);
    Text::new(text, Tone::Doubtful.if_any(failed))
}

/// The cell of the median time.
pub(super) fn time(results: &&Results) -> Text {
    Text::known(results.secs.map(|secs| match secs.median {
        // Its begin and its end were read at the same time.
        0.0 => "< 1 ns".to_owned(),
        median => seconds(median),
    }))
}
