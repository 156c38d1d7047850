//! The tables and the picture of a search for a commit.

use crashrate_model::PointKind;

use super::many;
use crate::clean::{NAME, SENTENCE, clean};
use crate::document::plot::Commits;
use crate::document::{Block, Table, Text};
use crate::view::{Bisection, CommitSeen, View};
use crate::words::{date, percent_of, share};

/// What names a commit on a command line: the first digits of its hash, a version or an item.
fn point_name(search: &Bisection, index: u32) -> &str {
    let point = search.rule.points.get(index as usize);
    point.map_or("", |point| match &point.date {
        Some(_) => point.name.get(..10).unwrap_or(&point.name),
        None => &point.name,
    })
}

/// How to see the difference again.
pub(in crate::document) fn rise(view: &View) -> Vec<Block> {
    let Some(search) = &view.bisection else {
        return Vec::new();
    };
    let Some(found) = search.found.as_ref().filter(|_| search.rise().is_some()) else {
        return Vec::new();
    };
    let Some(pair) = &found.suspect else {
        return Vec::new();
    };
    let mut table = Table::default()
        .texts([search.noun()])
        .numbers(["crashed"])
        .texts(["date", "subject"]);
    for index in pair.commits {
        let seen = search.commits.iter().find(|seen| seen.index == index);
        let point = search
            .rule
            .points
            .get(index as usize)
            .cloned()
            .unwrap_or_default();
        let seen = seen.map(CommitSeen::share).unwrap_or_default();
        let date = point.date.as_deref().map(date).unwrap_or_default();
        table.row([
            Text::long(search.label(index)),
            Text::rate(share(seen.bad, seen.n), seen.bad),
            Text::plain(date),
            Text::long(point.subject.unwrap_or_default()),
        ]);
    }
    let has_subject = search
        .rule
        .points
        .iter()
        .any(|point| point.subject.is_some());
    table.keep(&[true, true, has_subject, has_subject]);
    let mut blocks = Block::table(table);
    if let Some(again) = &search.rule.again {
        let [parent, suspect] = pair.commits.map(|index| point_name(search, index));
        let again = again
            .replace("{parent}", parent)
            .replace("{suspect}", suspect);
        blocks.push(Block::line("See it again:".to_owned()));
        blocks.push(Block::Command(clean(&again, 10 * SENTENCE)));
    }
    blocks
}

/// The heading of [`commits`].
pub(in crate::document) fn heading(view: &View) -> &'static str {
    match view.bisection.as_ref().map(|search| search.rule.kind) {
        Some(PointKind::Version) => "Versions",
        Some(PointKind::Item) => "Items",
        Some(PointKind::Commit) | None => "Commits",
    }
}

/// What was run at each commit, and how probable each one is.
pub(in crate::document) fn commits(view: &View) -> Vec<Block> {
    let Some(search) = &view.bisection else {
        return Vec::new();
    };
    let title = format!(
        "{}: the {}s that were built or run, the oldest first",
        clean(&search.unit, NAME),
        search.noun()
    );
    let mut table = Table::titled(title)
        .numbers(["number"])
        .texts([search.noun()])
        .numbers(["crashed", "otherwise bad", "probability"])
        .texts(["subject"]);
    for seen in &search.commits {
        let point = search
            .rule
            .points
            .get(seen.index as usize)
            .cloned()
            .unwrap_or_default();
        let problem = seen.problem.as_deref().and_then(|text| text.lines().next());
        table.row([
            Text::count(seen.index),
            Text::long(search.label(seen.index)),
            match problem {
                Some(problem) => Text::long(clean(problem, NAME)),
                None => Text::rate(share(seen.deaths, seen.rounds), seen.deaths),
            },
            Text::count(seen.others),
            Text::plain(probability(search, seen.index)),
            Text::long(point.subject.unwrap_or_default()),
        ]);
    }
    let has_others = search.commits.iter().any(|seen| seen.others > 0);
    let has_subject = search
        .rule
        .points
        .iter()
        .any(|point| point.subject.is_some());
    table.keep(&[true, true, true, has_others, true, has_subject]);
    vec![Block::Commits(picture(search, table))]
}

/// The probability that a commit raised the rate.
fn probability(search: &Bisection, index: u32) -> String {
    let found = search.found.as_ref().filter(|_| index > 0);
    let ranges = found.map_or(&[][..], |found| &found.posterior);
    let range = ranges
        .iter()
        .find(|range| (range.first..=range.last).contains(&index));
    range.map_or_else(String::new, |range| {
        let each = range.probability / f64::from(range.last - range.first + 1);
        match each {
            0.0001.. => percent_of((each * 1e4).round() / 1e4),
            _ => "<0.01%".to_owned(),
        }
    })
}

fn picture(search: &Bisection, table: Table) -> Commits {
    let found = search.found.as_ref();
    let ranges = found.map_or(&[][..], |found| &found.posterior);
    let each = ranges.iter().map(|range| {
        let commits = f64::from(range.last - range.first + 1);
        (range.first, range.last, range.probability / commits)
    });
    let each: Vec<_> = each.collect();
    let highest = each
        .iter()
        .map(|one| one.2)
        .fold(f64::MIN_POSITIVE, f64::max);
    let heights = each
        .into_iter()
        .map(|(first, last, one)| (first, last, one / highest));
    let run = search.commits.iter().filter(|seen| seen.rounds > 0);
    let rate = |seen: &CommitSeen| f64::from(seen.deaths) / f64::from(seen.rounds);
    let commits = search.labels.len() as u32;
    Commits {
        words: format!(
            "{}: bars show how probable it is that each raised the rate, dots the crash rate of \
             those that were run",
            many(search, commits.saturating_sub(1))
        ),
        table,
        commits,
        heights: heights.collect(),
        rates: run.map(|seen| (seen.index, rate(seen))).collect(),
        confidence: found
            .map(|found| found.confidence.clone())
            .unwrap_or_default(),
    }
}
