//! What a page says of single attempts: how each ended, and what it printed.

use crashrate_model::{ChapterEnd, DiedIn, Ended, Mode, Outcome, Unit};

use super::anchors::Anchors;
use super::crashes::SHOWN;
use super::lines::ALL_LISTED;
use super::{Attempt, Block, UnitAttempts};
use crate::clean::{NAME, SENTENCE, clean, one_line};
use crate::view::{AttemptDetail, CrashRow, End, View, is_hang};
use crate::words::{count, counts, joined, more_lines, of_unit, plural, seconds};

/// Chapters of a sequence that an attempt names.
const CHAPTERS: usize = 20;
/// Lines of each stream: the first and the last ones.
const LINES: (usize, usize) = (5, 15);

/// The described attempts by unit.
pub(super) fn attempts(view: &View) -> Vec<Block> {
    let anchors = Anchors::of(view);
    let units = view
        .details
        .chunk_by(|a, b| a.ended.unit == b.ended.unit)
        .filter_map(|details| {
            let place = details[0].ended.unit;
            let unit = view.units.get(place as usize)?;
            let mut all = UnitAttempts {
                name: of_unit(&unit.name, Some(unit.mode), &unit.variant),
                summary: String::new(),
                passed: Vec::new(),
                others: Vec::new(),
            };
            let rounds = details.chunk_by(|a, b| a.ended.round == b.ended.round);
            for attempts in rounds {
                let anchor = anchors.round(place, attempts[0].ended.round);
                match attempts {
                    [one] if one.ended.outcome == Outcome::Passed => {
                        all.passed.push((anchor, passed(one)));
                    }
                    _ => all.others.push(other(view, unit, attempts, anchor)),
                }
            }
            all.summary = summary(view, unit, &all);
            Some(all)
        });
    let units: Vec<UnitAttempts> = units.collect();
    let (shown, folded) = match units.len() > ALL_LISTED {
        true => units.into_iter().partition(|unit| !unit.others.is_empty()),
        false => (units, Vec::new()),
    };
    let block = |unit| Block::Attempts(unit);
    let mut blocks: Vec<Block> = shown.into_iter().map(block).collect();
    if !folded.is_empty() {
        let title = format!("{} that only passed", plural(folded.len() as u64, "other"));
        blocks.push(Block::Fold(title, folded.into_iter().map(block).collect()));
    }
    blocks
}

/// How many rounds there are, and how many are described if those are not all.
fn summary(view: &View, unit: &Unit, all: &UnitAttempts) -> String {
    let (others, passed) = (all.others.len() as u64, all.passed.len() as u64);
    let cells = view.results_of(&unit.name, unit.mode, &unit.variant);
    let cells = cells.map_or(&[][..], |results| &results.cells);
    let remarkable = cells.iter().filter(|cell| cell.is_remarkable()).count() as u64;
    match (others, passed) {
        (0, passed) => format!("{} passed", plural(passed, "round")),
        (others, 0) if others < remarkable => format!(
            "{} of the {} that did not pass",
            count(others),
            plural(remarkable, "round")
        ),
        (others, 0) => format!("{} that did not pass", plural(others, "round")),
        (others, passed) => format!(
            "{} that did not pass, {} that did",
            plural(others, "round"),
            count(passed)
        ),
    }
}

/// `12 passed, 1.20 s, seed 7`.
fn passed(one: &AttemptDetail) -> String {
    let time = one.ended.secs.map(|secs| format!(", {}", seconds(secs)));
    let seed = one.seed.map(|seed| format!(", seed {seed}"));
    let [time, seed] = [time, seed].map(Option::unwrap_or_default);
    format!("{} passed{time}{seed}", one.ended.round)
}

fn other(view: &View, unit: &Unit, attempts: &[AttemptDetail], anchor: String) -> Attempt {
    let first = &attempts[0];
    let ended = &first.ended;
    let mut facts = Vec::new();
    facts.extend(first.seed.map(|seed| format!("seed {seed}")));
    facts.extend(died_in(ended));
    facts.extend(chapters(unit, ended));
    let reason = ended.reason.as_deref().unwrap_or_default();
    let whole = more_lines(reason);
    let title = format!("round {} {}", count(ended.round.into()), in_words(ended));
    if whole.is_empty() && !title.contains(reason) {
        facts.push(clean(reason, SENTENCE));
    }
    for later in &attempts[1..] {
        let attempt = later.ended.attempt;
        facts.push(match attempt {
            1 => format!("run again: {}", in_words(&later.ended)),
            _ => format!("attempt {attempt} {}", in_words(&later.ended)),
        });
    }
    facts.extend(ended.notes.iter().map(|note| clean(note, SENTENCE)));
    let crash = ended.crash.as_ref();
    let files = [&ended.output, &crash.and_then(|crash| crash.file.clone())];
    let signature = End::whole(ended).signature();
    let mut crashes = view.crashes.iter().take(SHOWN);
    let number = signature.and_then(|own| crashes.position(|row| row.signature == own));
    Attempt {
        anchor,
        outcome: ended.outcome,
        similar: match number {
            None if ended.outcome == Outcome::Crashed => similar(view, unit),
            _ => Vec::new(),
        },
        title,
        facts,
        reason: whole,
        output: output(first),
        crash: number.map(|place| place + 1),
        files: files
            .into_iter()
            .flatten()
            .map(|file| one_line(file))
            .collect(),
    }
}

/// The signatures of this unit that only evidence rounds had, if there are few.
fn similar(view: &View, unit: &Unit) -> Vec<usize> {
    let is_seen = |row: &CrashRow| {
        let mut places = row
            .places
            .iter()
            .filter(|place| place.role.in_evidence_rounds);
        places.any(|place| place.is_of(unit)) && !is_hang(&row.signature)
    };
    let rows = (1..).zip(&view.crashes).take(SHOWN);
    let seen = rows.filter(|(_, row)| is_seen(row));
    seen.map(|(number, _)| number).collect()
}

/// `crashed (SIGSEGV) after 1.2 s`.
fn in_words(ended: &Ended) -> String {
    let end = End::whole(ended);
    let exit = end.exit_words(end.own_exit());
    let exit = exit.map(|exit| format!(" ({})", clean(&exit, NAME)));
    let time = ended.secs.map(|secs| format!(" after {}", seconds(secs)));
    let [exit, time] = [exit, time].map(Option::unwrap_or_default);
    format!("{}{exit}{time}", ended.outcome)
}

fn died_in(ended: &Ended) -> Option<String> {
    Some(match ended.died_in.as_ref()? {
        DiedIn::Chapter(chapter) => format!("died in {}", clean(chapter, NAME)),
        DiedIn::Between => "died between chapters".to_owned(),
        DiedIn::Exit => "died at exit, after the last verdict".to_owned(),
    })
}

/// The chapters of a sequence: those that did not pass by name, the others as a count.
fn chapters(unit: &Unit, ended: &Ended) -> Option<String> {
    if unit.mode != Mode::Sequential {
        return None;
    }
    let all = unit.chapters.iter().zip(&ended.chapters);
    let not = |(_, end): &(&String, &ChapterEnd)| {
        !matches!(end.outcome, Outcome::Passed | Outcome::Unreached)
    };
    let named = all.clone().filter(not).take(CHAPTERS);
    let named = named.map(|(id, end)| format!("{} {}", clean(id, NAME), end.outcome));
    let of = |outcome| {
        all.clone()
            .filter(|(_, end)| end.outcome == outcome)
            .count() as u64
    };
    let rest = [Outcome::Passed, Outcome::Unreached].map(|outcome| (of(outcome), outcome.word()));
    let words = joined(named.chain(counts(rest)), ", ")?;
    Some(format!("chapters: {words}"))
}

/// The beginning and the end of each stream that has any.
fn output(detail: &AttemptDetail) -> Vec<(String, Vec<String>)> {
    let names = ["standard output", "standard error"];
    let streams = detail.output.iter().flat_map(|both| both.iter().zip(names));
    let streams = streams.filter(|(text, _)| !text.trim().is_empty());
    let streams = streams.map(|(text, name)| (name.to_owned(), ends_of(text)));
    streams.collect()
}

/// The first and the last lines of a text.
fn ends_of(text: &str) -> Vec<String> {
    let all: Vec<&str> = text.trim_end().lines().collect();
    let clean = |lines: &[&str]| -> Vec<String> {
        let lines = lines.iter().map(|line| line.replace('\t', "    "));
        lines.map(|line| clean(&line, SENTENCE)).collect()
    };
    let (head, tail) = LINES;
    if all.len() <= head + tail {
        return clean(&all);
    }
    let left = count((all.len() - head - tail) as u64);
    let mut lines = clean(&all[..head]);
    lines.push(format!("... ({left} lines left out)"));
    lines.extend(clean(&all[all.len() - tail..]));
    lines
}
