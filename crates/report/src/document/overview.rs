//! The results on one screen: how often each chapter crashed and how long it took, and one figure
//! that it measured.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crashrate_model::Outcome;
use crashrate_protocol::chapters::{Headline, built_in};

use super::measures::{label_pairs, rounded};
use super::{Block, Table, Text, Tone};
use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, MeasureStat, Outcomes, Results, View};
use crate::words::{
    bad_outcomes, count, counts, joined, of_chapter, of_sequence, of_unit, outcomes_of, seconds,
    share, short_bounds,
};

/// More chapters than these are listed only if they did not pass.
const ALL_LISTED: usize = 20;
/// The narrowest first column on a terminal.
const NAMES: usize = 20;
const FIGURES: usize = 27;

#[derive(Clone, Copy, PartialEq)]
enum What {
    Chapter,
    Sequence,
}

/// What is shown of a chapter isolated and in sequence, or of a sequence.
struct Line<T> {
    what: What,
    name: String,
    modes: [Option<T>; 2],
}

impl Line<&Results> {
    fn results(&self) -> impl Iterator<Item = &Results> {
        self.modes.into_iter().flatten()
    }

    /// Whether every round that has a result passed, and there is one.
    fn passed(&self) -> bool {
        let clean = |r: &Results| r.passed() == r.first_attempt.n && r.bounds.is_none();
        self.results().any(|r| r.first_attempt.n > 0) && self.results().all(clean)
    }

    /// Rounds that have a result and did not pass.
    fn not_passed(&self) -> u32 {
        let not = |r: &Results| r.first_attempt.n.saturating_sub(r.passed());
        self.results().map(not).sum()
    }
}

/// Chapters with their results, then sequences as a whole.
fn lines(view: &View) -> Vec<Line<&Results>> {
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
fn in_lines<'a, T>(all: impl Iterator<Item = (String, &'a ChapterRow, T)>) -> Vec<Line<T>> {
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

/// The table of chapters. Of many chapters, only those that did not pass, and a count of the others.
/// Sequences are always listed.
pub(super) fn overview(view: &View) -> Vec<Block> {
    let (mut chapters, mut sequences): (Vec<_>, Vec<_>) = lines(view)
        .into_iter()
        .partition(|line| line.what == What::Chapter);
    let mut passed = Vec::new();
    if chapters.len() > ALL_LISTED {
        (passed, chapters) = chapters.into_iter().partition(Line::passed);
    }
    let left = worst(&mut chapters);
    let left_sequences = worst(&mut sequences);
    let ended = left.iter().filter(|line| line.not_passed() > 0).count();
    let passed_words = match (chapters.len(), passed.len()) {
        (0, 1) => "chapter: no crash",
        (0, _) => "chapters: no crash",
        (_, 1) => "other: no crash",
        _ => "others: no crash",
    };
    let rest = [
        (ended, "more did not pass"),
        (left.len() - ended, "without a result"),
        (passed.len(), passed_words),
        (left_sequences.len(), "more sequences"),
    ];
    let rest = counts(rest.map(|(n, what)| (n as u64, what)));
    chapters.extend(sequences);
    let mut blocks = Block::table(table(view, &chapters));
    blocks.extend(joined(rest, "; ").map(Block::line));
    blocks
}

/// Keeps as many lines as are listed, of too many the worst ones; returns the others.
fn worst<'a>(lines: &mut Vec<Line<&'a Results>>) -> Vec<Line<&'a Results>> {
    if lines.len() <= ALL_LISTED {
        return Vec::new();
    }
    lines.sort_by_key(|line| Reverse(line.not_passed()));
    lines.split_off(ALL_LISTED)
}

fn table(view: &View, lines: &[Line<&Results>]) -> Table {
    let all = outcomes_of(lines.iter().flat_map(Line::results));
    let bad_head = bad_head(view, &all);
    let mut groups: Vec<Group<&Results>> = vec![(&bad_head, bad)];
    if all.get(Outcome::Failed) > 0 && !view.run.bad.contains(Outcome::Failed) {
        groups.push(("failed", failed));
    }
    let mut results = lines.iter().flat_map(Line::results);
    if results.any(|results| results.secs.is_some()) {
        groups.push(("median time", time));
    }
    let head = match lines.iter().any(|line| line.what == What::Chapter) {
        true => "chapter",
        false => "sequence",
    };
    by_mode((head, NAMES), lines, &groups)
}

/// Whether any line has the first mode, and the second.
fn modes_of<T>(lines: &[Line<T>]) -> [bool; 2] {
    [0, 1].map(|mode| lines.iter().any(|line| line.modes[mode].is_some()))
}

/// The head of a group of columns, and what it shows of one mode.
type Group<'a, T> = (&'a str, fn(&T) -> Text);

/// A wide table with a column for each group and each mode that a line has.
fn by_mode<T>((first, least): (&str, usize), lines: &[Line<T>], groups: &[Group<T>]) -> Table {
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
fn bad_head(view: &View, all: &Outcomes) -> String {
    let bad = &view.run.bad;
    let occurred = bad.iter().filter(|outcome| all.get(*outcome) > 0);
    match joined(occurred.map(|outcome| outcome.to_string()), ", ") {
        Some(occurred) => occurred,
        None if bad.contains(Outcome::Crashed) => Outcome::Crashed.to_string(),
        None => bad_outcomes(&view.run.bad),
    }
}

fn bad(results: &&Results) -> Text {
    let of = results.first_attempt;
    Text::rate(share(of.bad, of.n) + &short_bounds(results.bounds), of.bad)
}

fn failed(results: &&Results) -> Text {
    let failed = results.failed();
    let text = share(failed, results.first_attempt.n);
    Text::new(text, Tone::Doubtful.if_any(failed))
}

fn time(results: &&Results) -> Text {
    Text::known(results.secs.map(|secs| seconds(secs.median)))
}

/// Chapters whose figures are shown.
const MEASURED: usize = 12;

/// One figure of each chapter that measured something.
pub(super) fn measured(view: &View) -> Vec<Block> {
    let figures = view.chapters.iter().filter_map(|row| {
        let (name, value) = figure(view, row)?;
        Some((name, row, value))
    });
    let mut lines = in_lines(figures);
    let left = lines.split_off(lines.len().min(MEASURED)).len() as u64;
    let head = match modes_of(&lines) {
        [true, true] => "",
        _ => "median",
    };
    let groups: [Group<Text>; 1] = [(head, Text::clone)];
    let mut blocks = Block::table(by_mode(("measured", FIGURES), &lines, &groups));
    if left > 0 {
        let left = count(left);
        blocks.push(Block::line(format!(
            "{left} more chapters measured something"
        )));
    }
    blocks
}

/// The figure of a chapter: that of its built-in chapter, or else the first thing that it measured.
fn figure(view: &View, row: &ChapterRow) -> Option<(String, Text)> {
    let facts = view.run.chapter(&row.chapter);
    let worker = facts.and_then(|facts| facts.worker.as_deref());
    let id = of_unit(&row.chapter, None, &row.variant);
    let (name, stat) = match worker.and_then(built_in) {
        Some(chapter) => {
            let stat = headline(&chapter.headline, &row.results.measures)?;
            let name = headline_name(&chapter.headline, &id, &stat.label);
            // Two chapters may run the same built-in one, and a chapter may have variants.
            let same = (view.run.chapters.iter()).filter(|c| c.worker.as_deref() == worker);
            let only = same.count() == 1 && row.variant == "default";
            let tells = only || name.contains(&id);
            (if tells { name } else { format!("{id}: {name}") }, stat)
        }
        None => {
            let stat = row.results.measures.first()?;
            (format!("{id}, {}", clean(&stat.name, NAME)), stat)
        }
    };
    Some((name, Text::plain(rounded(stat))))
}

/// The measure under the label with the most threads.
fn headline<'a>(headline: &Headline, measures: &'a [MeasureStat]) -> Option<&'a MeasureStat> {
    let threads = |stat: &&MeasureStat| match label_pairs(&stat.label).as_deref() {
        Some([("threads", threads)]) => threads.parse().unwrap_or(0u64),
        _ => 0,
    };
    let stats = measures.iter().filter(|stat| stat.name == headline.measure);
    // Of several maxima, `max_by_key` takes the last one, and the first one is wanted.
    stats.rev().max_by_key(threads)
}

fn headline_name(headline: &Headline, id: &str, label: &str) -> String {
    // `threads=1,batch=8 / threads=8,batch=1` becomes `1x8 over 8x1`.
    let values = |side: &str| match label_pairs(side) {
        Some(pairs) => {
            let values: Vec<_> = pairs.into_iter().map(|(_, value)| value).collect();
            values.join("x")
        }
        None => side.to_owned(),
    };
    let sides: Vec<_> = label.split(" / ").map(values).collect();
    let threads = label.strip_prefix("threads=").unwrap_or(label);
    let name = headline.name.replace("{id}", id);
    let name = name.replace("{label}", &sides.join(" over "));
    clean(&name.replace("{threads}", threads), NAME)
}
