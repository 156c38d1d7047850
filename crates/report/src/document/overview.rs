//! The results on one screen: how often each chapter crashed and how long it took, and one figure
//! that it measured.

use std::collections::HashMap;

use crashrate_model::Outcome;
use crashrate_protocol::chapters::{Headline, built_in};

use super::measures::{label_pairs, rounded};
use super::source::Source;
use super::{Block, Table, Text, Tone};
use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, MeasureStat, Outcomes, Results, View};
use crate::words::{count, of_chapter, of_unit, seconds, share};

/// More chapters than these are listed only if they did not pass.
const ALL_LISTED: usize = 20;
/// The narrowest first column on a terminal.
const NAMES: usize = 20;
const FIGURES: usize = 27;

/// A chapter with the two ways in which it ran, or a sequence.
struct Line<'a> {
    name: String,
    isolated: Option<&'a Results>,
    in_sequence: Option<&'a Results>,
}

impl Line<'_> {
    fn results(&self) -> impl Iterator<Item = &Results> {
        self.isolated.into_iter().chain(self.in_sequence)
    }

    /// Whether every round that has a result passed, and there is one.
    fn passed(&self) -> bool {
        let clean = |r: &Results| r.passed() == r.first_attempt.n && r.bounds.is_none();
        self.results().any(|r| r.first_attempt.n > 0) && self.results().all(clean)
    }
}

/// Chapters with their results, then sequences as a whole.
fn lines(view: &View) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let one_sequence = view.sequences.iter().all(|row| {
        let first = view.sequences.first();
        first.is_some_and(|first| first.sequence == row.sequence)
    });
    for row in &view.chapters {
        let key = (row.chapter.as_str(), row.variant.as_str());
        let line = match places.get(&key) {
            Some(place) if one_sequence => &mut lines[*place],
            _ => {
                places.entry(key).or_insert(lines.len());
                lines.push(Line {
                    name: match row.sequence.is_none() || one_sequence {
                        true => of_unit(&row.chapter, None, &row.variant),
                        false => of_chapter(row),
                    },
                    isolated: None,
                    in_sequence: None,
                });
                let last = lines.len() - 1;
                &mut lines[last]
            }
        };
        match row.sequence {
            None => line.isolated = Some(&row.results),
            Some(_) => line.in_sequence = Some(&row.results),
        }
    }
    lines.extend(view.sequences.iter().map(|row| Line {
        name: of_unit(&row.sequence, None, &row.variant),
        isolated: None,
        in_sequence: Some(&row.results),
    }));
    lines
}

/// The table of chapters. Of many, only those that did not pass, and a count of the others.
pub(super) fn overview(source: &Source) -> Vec<Block> {
    let view = source.view;
    let all = lines(view);
    if all.is_empty() {
        return Vec::new();
    }
    let n = all.len();
    let (mut listed, passed): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|line| n <= ALL_LISTED || !line.passed());
    let mut rest = Vec::new();
    if listed.len() > ALL_LISTED {
        listed.sort_by_key(|line| std::cmp::Reverse(not_passed(line)));
        let left = listed.split_off(ALL_LISTED);
        let (ended, none): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|line| not_passed(line) > 0);
        if !ended.is_empty() {
            rest.push(format!("{} more did not pass", count(ended.len() as u64)));
        }
        if !none.is_empty() {
            rest.push(format!("{} without a result", count(none.len() as u64)));
        }
    }
    if !passed.is_empty() {
        rest.push(match listed.is_empty() {
            true => format!("{} chapters: no crash", count(passed.len() as u64)),
            false => format!("{} others: no crash", count(passed.len() as u64)),
        });
    }
    let mut blocks = Vec::new();
    if !listed.is_empty() {
        blocks.push(Block::Table(table(view, &listed)));
    }
    if !rest.is_empty() {
        blocks.push(Block::line(rest.join("; ")));
    }
    blocks
}

/// Rounds that have a result and did not pass.
fn not_passed(line: &Line) -> u32 {
    let not = |r: &Results| r.first_attempt.n.saturating_sub(r.passed());
    line.results().map(not).sum()
}

/// What a group of columns shows of the results of one mode.
type Cell = fn(&Results) -> Text;

fn table(view: &View, lines: &[Line]) -> Table {
    let mut all = Outcomes::default();
    for results in lines.iter().flat_map(Line::results) {
        all.add_all(&results.outcomes);
    }
    let mut groups: Vec<(String, Cell)> = vec![(bad_head(view, &all), bad)];
    if all.get(Outcome::Failed) > 0 && !view.run.bad.contains(Outcome::Failed) {
        groups.push(("failed".to_owned(), failed));
    }
    if lines
        .iter()
        .flat_map(Line::results)
        .any(|r| r.secs.is_some())
    {
        groups.push(("median time".to_owned(), time));
    }
    let modes = [
        lines.iter().any(|line| line.isolated.is_some()),
        lines.iter().any(|line| line.in_sequence.is_some()),
    ];
    let mut table = Table {
        wide: true,
        ..Table::default()
    }
    .text("chapter");
    table.columns[0].least = NAMES;
    for (head, _) in &groups {
        table = match modes {
            [true, true] => table.grouped(head, "isolated").grouped(head, "in sequence"),
            _ => table.grouped("", head),
        };
    }
    for line in lines {
        let mut cells = vec![Text::long(&line.name)];
        for (_, cell) in &groups {
            let both = [line.isolated, line.in_sequence].into_iter().zip(modes);
            let shown = both.filter(|(_, shown)| *shown);
            cells.extend(shown.map(|(results, _)| results.map_or_else(|| Text::plain(""), cell)));
        }
        table.rows.push(cells);
    }
    table
}

/// What the suite counts as bad, of what occurred.
fn bad_head(view: &View, all: &Outcomes) -> String {
    let words = |occurred: bool| {
        let bad = view.run.bad.iter();
        let shown = bad.filter(|outcome| !occurred || all.get(*outcome) > 0);
        shown.map(Outcome::word).collect::<Vec<_>>().join(", ")
    };
    match words(true) {
        none if none.is_empty() && view.run.bad.contains(Outcome::Crashed) => "crashed".to_owned(),
        none if none.is_empty() => words(false),
        some => some,
    }
}

fn bad(results: &Results) -> Text {
    let of = results.first_attempt;
    let bounds = results.bounds.map_or_else(String::new, |bounds| {
        let [best, worst] = [bounds.best, bounds.worst].map(|of| share(of.bad, of.n));
        format!(" [{best}..{worst}]")
    });
    Text::new(&(share(of.bad, of.n) + &bounds), Tone::of_bad(of.bad))
}

fn failed(results: &Results) -> Text {
    let failed = results.failed();
    let tone = match failed {
        0 => Tone::Plain,
        _ => Tone::Doubtful,
    };
    Text::new(&share(failed, results.first_attempt.n), tone)
}

fn time(results: &Results) -> Text {
    let median = results.secs.map(|secs| seconds(secs.median));
    Text::plain(median.as_deref().unwrap_or("-"))
}

/// Chapters whose figures are shown.
const MEASURED: usize = 12;

/// One figure of each chapter that measured something.
pub(super) fn measured(source: &Source) -> Vec<Block> {
    let view = source.view;
    let mut rows: Vec<(String, [Option<Text>; 2])> = Vec::new();
    for row in &view.chapters {
        let Some((name, value)) = figure(view, row) else {
            continue;
        };
        let mode = usize::from(row.sequence.is_some());
        let free = |(known, cells): &&mut (String, [Option<Text>; 2])| {
            *known == name && cells[mode].is_none()
        };
        match rows.iter_mut().find(free) {
            Some((_, cells)) => cells[mode] = Some(value),
            None => {
                let mut cells = [None, None];
                cells[mode] = Some(value);
                rows.push((name, cells));
            }
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let left = rows.len().saturating_sub(MEASURED);
    rows.truncate(MEASURED);
    let modes = [0, 1].map(|mode| rows.iter().any(|(_, cells)| cells[mode].is_some()));
    let heads = match modes {
        [true, true] => ["isolated", "in sequence"],
        _ => ["median", "median"],
    };
    let mut table = Table {
        wide: true,
        ..Table::default()
    }
    .text("measured");
    table.columns[0].least = FIGURES;
    for (head, _) in heads.iter().zip(modes).filter(|(_, shown)| *shown) {
        table = table.text(head);
    }
    for (name, cells) in rows {
        let cells = cells.into_iter().zip(modes).filter(|(_, shown)| *shown);
        let cells = cells.map(|(cell, _)| cell.unwrap_or_else(|| Text::plain("")));
        table
            .rows
            .push(std::iter::once(Text::long(&name)).chain(cells).collect());
    }
    let mut blocks = vec![Block::Table(table)];
    if left > 0 {
        let left = count(left as u64);
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
    Some((name, Text::plain(&rounded(stat))))
}

fn headline<'a>(headline: &Headline, measures: &'a [MeasureStat]) -> Option<&'a MeasureStat> {
    let threads = |stat: &MeasureStat| match label_pairs(&stat.label).as_deref() {
        Some([("threads", threads)]) => threads.parse().unwrap_or(0u64),
        _ => 0,
    };
    let mut stats = measures.iter().filter(|stat| stat.name == headline.measure);
    let first = stats.next()?;
    Some(stats.fold(first, |best, stat| {
        if threads(stat) > threads(best) {
            stat
        } else {
            best
        }
    }))
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
