//! The search for the smallest part of a sequence that still crashes: its answer, and the parts that
//! it tried.

use std::ops::RangeInclusive;

use crashrate_model::{Certificate, Minimized, Part};

use super::plot::{PartRow, Parts};
use super::unfinished::unfinished;
use super::{Block, Table, Text};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{OptionalStopping, PartSeen, Search, Share, View};
use crate::words::{count, interval_words, joined, parameter, percent_of, plural, share};

/// The most chapters that a sentence names.
const NAMED: usize = 8;
/// The most suspects that a sentence names.
const SUSPECTS: usize = 5;
/// The most parts that are shown, from the first ones on.
const PARTS: usize = 300;

/// The answer of a run's search in sentences, or how far it is; empty without a search.
pub fn search_in_words(view: &View) -> Vec<String> {
    view.search
        .as_ref()
        .map_or_else(Vec::new, |search| in_words(view, search))
}

/// The answer in sentences, or how far the search is.
pub(super) fn in_words(view: &View, search: &Search) -> Vec<String> {
    let rounds = plural(view.totals.first_attempt.n, "round");
    let found = search.found.as_ref();
    let certificate = found.and_then(|found| Some((found, found.certificate.as_ref()?)));
    let mut lines = match certificate {
        Some((found, certificate)) => answer(search, found, certificate),
        None => open(search, found),
    };
    let sequence = format!(
        "`{}` ({})",
        clean(&search.sequence, NAME),
        plural(search.chapters.len() as u32, "chapter")
    );
    let verb = match certificate.is_some() {
        true => "Found in",
        false => "Searched",
    };
    let whole = whole(search);
    let whole = match whole.rounds {
        0 => String::new(),
        n => format!("; all of it crashed in {}", of(whole.deaths, n)),
    };
    lines.push(format!("{verb} {rounds} of {sequence}{whole}."));
    lines.extend(signatures(search));
    if !search.is_answered() {
        lines.extend(unfinished(view, "minimize"));
    }
    lines
}

fn answer(search: &Search, found: &Minimized, certificate: &Certificate) -> Vec<String> {
    let Certificate { rounds, deaths, .. } = *certificate;
    let (deaths, rounds) = (small(deaths), small(rounds));
    let share = Share {
        bad: deaths,
        n: rounds,
    };
    // The data decided the number of rounds.
    let interval = interval_words(share, OptionalStopping::Possible).unwrap_or_default();
    let crashes = format!("{}{interval}", of(deaths, rounds));
    // Its rounds had the suite's own numbers.
    let names = names(
        search,
        &Part {
            params: None,
            ..found.part.clone()
        },
    );
    let mut lines = vec![match found.part.chapters.as_slice() {
        [_] => format!("{names} crashes alone, in {crashes}; no other chapter is needed."),
        _ => format!("{names} crash together, in {crashes}."),
    }];
    let without = certificate.without.iter().map(|without| {
        let seen = of(small(without.deaths), small(without.rounds));
        format!("without {} in {seen}", name(search, without.chapter))
    });
    let without = Vec::from_iter(without);
    if let Some(first) = without.first().filter(|_| without.len() <= NAMED) {
        let first = first.replacen('w', "W", 1);
        let rest = without[1..].iter().map(String::as_str);
        let all = joined(std::iter::once(first).chain(rest.map(str::to_owned)), ", ");
        lines.extend(all.map(|all| format!("{all}.")));
    }
    match search.died_in() {
        Some(Some(victim)) if found.part.chapters.len() > 1 => {
            lines.push(format!("{} is the one that dies.", name(search, victim)));
        }
        Some(None) => lines.push("It dies between chapters or at exit.".to_owned()),
        _ => {}
    }
    if let Some(own) = &found.part.params {
        let seen = search.seen(&found.part);
        let chapter = name(search, own.chapter);
        let params = params_of(&found.part, own.chapter).unwrap_or_default();
        lines.push(match seen.rounds {
            0 => format!("There is no crash with smaller numbers of {chapter} than {params}."),
            n => format!(
                "There still is a crash if {chapter} has {params}, in {}.",
                of(seen.deaths, n)
            ),
        });
    }
    lines.push(format!(
        "The answer is wrong with a probability of at most {}.",
        percent_of(certificate.error)
    ));
    lines
}

/// The signature that was searched, and how often any was seen.
fn signatures(search: &Search) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(target) = &search.target {
        lines.push(format!(
            "The signature searched: `{}`.",
            clean(target, SENTENCE)
        ));
    }
    let others = (search.signatures.iter()).filter(|(other, _)| {
        search
            .target
            .as_ref()
            .is_none_or(|target| !other.contains(target))
    });
    let others = others.take(SUSPECTS);
    let others =
        others.map(|(other, n)| format!("`{}` ({}x)", clean(other, SENTENCE), count((*n).into())));
    let seen = match search.target {
        Some(_) => "Others, which counted neither way",
        None => "Seen",
    };
    lines.extend(joined(others, ", ").map(|others| format!("{seen}: {others}.")));
    lines
}

/// Says what is known before there is an answer.
fn open(search: &Search, found: Option<&Minimized>) -> Vec<String> {
    let Some(found) = found else {
        return Vec::new();
    };
    let crashed = search.parts.iter().any(|seen| seen.deaths > 0);
    match &search.target {
        Some(target) if !crashed => {
            let target = clean(target, NAME);
            return vec![format!(
                "No round crashed with `{target}` in its signature."
            )];
        }
        None => return vec!["No signature was seen often enough to search for it.".to_owned()],
        Some(_) => {}
    }
    let part = &found.part;
    let (n, all) = (part.chapters.len() as u32, search.chapters.len() as u32);
    let seen = search.seen(part);
    let mut lines = vec![format!(
        "The smallest part that is known to crash so far has {} of {}: {}, in {}.",
        count(n.into()),
        plural(all, "chapter"),
        names(search, part),
        of(seen.deaths, seen.rounds)
    )];
    let suspects = found.suspects.iter().take(SUSPECTS);
    let suspects = suspects.map(|(chapter, posterior)| {
        format!("{} ({})", name(search, *chapter), percent_of(*posterior))
    });
    if let Some(suspects) = joined(suspects, ", ") {
        lines.push(format!("Most probably needed: {suspects}."));
    }
    lines
}

/// The rounds of all chapters with the suite's own parameters.
fn whole(search: &Search) -> PartSeen {
    search.seen(&Part {
        chapters: (0..).take(search.chapters.len()).collect(),
        params: None,
    })
}

/// The chapters of a part, the first ones by name, and the numbers that replace the suite's.
fn names(search: &Search, part: &Part) -> String {
    let mut names: Vec<String> = (part.chapters.iter())
        .map(|index| match params_of(part, *index) {
            Some(params) => format!("{} with {params}", name(search, *index)),
            None => name(search, *index),
        })
        .collect();
    let left = names.split_off(names.len().min(NAMED)).len();
    if left > 0 {
        names.push(format!("{} more", count(left as u64)));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn params_of(part: &Part, index: u32) -> Option<String> {
    let params = part.params.as_ref().filter(|own| own.chapter == index)?;
    let values = params.values.iter();
    joined(
        values.map(|(name, value)| format!("{name} {}", parameter(value))),
        ", ",
    )
    .map(|text| clean(&text, NAME))
}

fn name(search: &Search, index: u32) -> String {
    format!("`{}`", clean(search.id(index), NAME))
}

fn of(deaths: u32, rounds: u32) -> String {
    format!("{} of {}", count(deaths.into()), plural(rounds, "round"))
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The chapters that crash together, each with the rounds without it.
pub(super) fn smallest(view: &View) -> Vec<Block> {
    let Some((search, found)) = view
        .search
        .as_ref()
        .and_then(|s| Some((s, s.found.as_ref()?)))
    else {
        return Vec::new();
    };
    let Some(certificate) = &found.certificate else {
        return Vec::new();
    };
    let mut table = Table::default()
        .texts(["needed chapter"])
        .numbers(["position", "crashed without it"])
        .texts([""]);
    for index in &found.part.chapters {
        let without = (certificate.without.iter()).find(|without| without.chapter == *index);
        let without = without.map(|w| share(small(w.deaths), small(w.rounds)));
        let dies = search.died_in() == Some(Some(*index));
        let remark = [
            params_of(&found.part, *index),
            dies.then(|| "dies".to_owned()),
        ];
        table.row([
            Text::long(search.id(*index)),
            Text::count(index + 1),
            Text::known(without),
            Text::long(joined(remark.into_iter().flatten(), ", ").unwrap_or_default()),
        ]);
    }
    Block::table(table)
}

/// The parts that were tried, in the order in which they first ran.
pub(super) fn parts(view: &View) -> Vec<Block> {
    let Some(search) = view
        .search
        .as_ref()
        .filter(|search| !search.parts.is_empty())
    else {
        return Vec::new();
    };
    let title = format!(
        "{}: the parts in the order in which they were first tried; chapters by their position",
        clean(&search.sequence, NAME)
    );
    let mut table = Table::titled(title)
        .texts(["chapters"])
        .numbers(["number", "crashed"])
        .texts(["otherwise bad"]);
    let mut rows = Vec::new();
    for seen in search.parts.iter().take(PARTS) {
        let ranges = ranges(&seen.part.chapters);
        let words = ranges
            .iter()
            .map(|range| match range.end() - range.start() {
                0 => range.start().to_string(),
                _ => format!("{}-{}", range.start(), range.end()),
            });
        let mut words = joined(words, ", ").unwrap_or_default();
        if let Some(params) = &seen.part.params {
            let params = params_of(&seen.part, params.chapter).unwrap_or_default();
            words = format!("{words}; {params}");
        }
        let others = (seen.others > 0).then(|| count(seen.others.into()));
        table.row([
            Text::long(words),
            Text::count(seen.part.chapters.len() as u32),
            Text::rate(share(seen.deaths, seen.rounds), seen.deaths),
            Text::plain(others.unwrap_or_default()),
        ]);
        rows.push(PartRow {
            ranges,
            crashed: seen.deaths > 0,
        });
    }
    table.keep(&[true, true, true, search.others() > 0]);
    let mut blocks = vec![Block::Parts(Parts {
        table,
        chapters: search.chapters.len() as u32,
        rows,
    })];
    match search.parts.len().saturating_sub(PARTS) {
        0 => {}
        left => blocks.push(Block::line(format!("{} more parts", count(left as u64)))),
    }
    blocks
}

/// Ascending indices as ranges of positions, from 1.
fn ranges(indices: &[u32]) -> Vec<RangeInclusive<u32>> {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for position in indices.iter().map(|index| index.saturating_add(1)) {
        match ranges.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(position) => {
                *last = *last.start()..=position;
            }
            _ => ranges.push(position..=position),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[]), []);
        assert_eq!(ranges(&[0, 1, 2, 6, 8, 9]), [1..=3, 7..=7, 9..=10]);
    }
}
