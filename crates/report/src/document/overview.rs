//! The results on one screen: how often each chapter crashed and how long it took, and one figure
//! that it measured.

use std::cmp::Reverse;

use crashrate_model::Outcome;
use crashrate_protocol::chapters::{Headline, built_in};

use super::lines::{
    ALL_LISTED, Group, Line, What, bad_head, by_mode, failed, in_lines, lines, modes_of, time,
};
use super::measures::{label_pairs, rounded};
use super::{Block, Table, Text, devices};
use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, MeasureStat, Results, View};
use crate::words::{count, counts, joined, of_unit, outcomes_of, share, short_bounds};

/// The narrowest first column on a terminal.
const NAMES: usize = 20;
const FIGURES: usize = 27;

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
    let ended_words = match ended {
        1 => "more chapter did not pass",
        _ => "more chapters did not pass",
    };
    let rest = [
        (ended, ended_words),
        (left.len() - ended, "without a result"),
        (passed.len(), passed_words),
        (left_sequences.len(), "more sequences"),
    ];
    let rest = counts(rest.map(|(n, what)| (n as u64, what)));
    chapters.extend(sequences);
    let mut blocks = Block::table(table(view, &chapters));
    blocks.extend(joined(rest, "; ").map(Block::line));
    blocks.extend(devices::disturbed_in_short(view));
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

fn bad(results: &&Results) -> Text {
    let of = results.first_attempt;
    Text::rate(
        share(of.bad, of.n) + &short_bounds(results.telling_bounds()),
        of.bad,
    )
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
