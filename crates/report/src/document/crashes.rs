//! Crashes by signature: how often, where, how to see them again, and the innermost frames.

use std::iter::once;

use crashrate_model::Outcome;

use super::anchors::Anchors;
use super::{Block, Crash, Signature, failures};
use crate::clean::{NAME, SENTENCE, clean, one_line};
use crate::view::{CrashPlace, CrashRow, Described, Share, View, is_hang};
use crate::words::{count, estimate, of_unit, plural};

/// Signatures that are shown in full, and in the summary; `crashrate crashes` lists them all.
pub(super) const SHOWN: usize = 10;
const IN_SHORT: usize = 3;
/// Callers of the innermost frame in the summary.
const CALLERS: usize = 2;
/// Rounds that a signature names where its own are not known.
const ROUNDS: usize = 40;
/// Bytes of evidence on a page.
const EVIDENCE: usize = 160_000;
/// Python frames in the summary.
const PYTHON_IN_SHORT: usize = 2;

/// The most frequent signatures, each with its innermost frames.
pub(super) fn in_short(view: &View) -> Vec<Block> {
    let rows = (1..).zip(&view.crashes).take(IN_SHORT);
    let rows = rows.flat_map(|(number, row)| {
        let signature = Block::Signature(signature(view, number, row));
        once(signature).chain(python(row, PYTHON_IN_SHORT).map(Block::line))
    });
    rows.chain(more(view, IN_SHORT)).collect()
}

/// The innermost Python frames: `Python: test_crash (test_a.py:11) < ...`.
fn python(row: &CrashRow, most: usize) -> Option<String> {
    let frames = row.python.iter().take(most).map(|frame| clean(frame, NAME));
    let frames: Vec<_> = frames.collect();
    (!frames.is_empty()).then(|| format!("Python: {}", frames.join(" < ")))
}

/// The parts of `v1 | SIGSEGV | libtorch_cpu.so!at::native::f < libtorch_cpu.so!g`.
fn signature(view: &View, number: usize, row: &CrashRow) -> Signature {
    let text = clean(&row.signature, SENTENCE);
    let class = class(&row.signature);
    let mut parts = text.split(" | ").skip(2);
    let frames: Vec<_> = parts.next().unwrap_or_default().split(" < ").collect();
    let first = frames[0];
    // A signature may leave out callers that the stack has.
    let stack: Vec<_> = row.excerpt.iter().map(|frame| clean(frame, NAME)).collect();
    let callers: Vec<&str> = match stack.iter().position(|frame| frame == first) {
        Some(place) => stack[place + 1..].iter().map(String::as_str).collect(),
        None => frames[1..].to_vec(),
    };
    let callers = callers.into_iter().take(CALLERS).map(|frame| {
        let function = frame
            .split_once('!')
            .map_or(frame, |(_, function)| function);
        format!("< {function}")
    });
    let times = match row.count() {
        0 => {
            let seen: u32 = row.places.iter().map(|place| place.share.bad).sum();
            format!("{}x in evidence rounds,", count(seen.into()))
        }
        n => format!("{}x", count(n.into())),
    };
    Signature {
        what: format!("{times} {class}"),
        at: match first.split_once('!') {
            Some((module, function)) => format!("{function}  ({module})"),
            None => first.to_owned(),
        },
        callers: callers.collect::<Vec<_>>().join(" "),
        command: format!("crashrate crashes {} {number}", view.name),
    }
}

/// `SIGSEGV` of `v1 | SIGSEGV | f < g`.
pub(super) fn class(signature: &str) -> String {
    clean(signature.split(" | ").nth(1).unwrap_or(signature), NAME)
}

/// The outcome of rounds with this signature.
fn outcome_of(signature: &str) -> Outcome {
    match is_hang(signature) {
        true => Outcome::TimedOut,
        false => Outcome::Crashed,
    }
}

fn more(view: &View, shown: usize) -> Option<Block> {
    let left = view.crashes.len().saturating_sub(shown);
    (left > 0).then(|| {
        let (left, run) = (count(left as u64), &view.name);
        Block::line(format!("{left} more signatures: crashrate crashes {run}"))
    })
}

impl Crash {
    /// What formats without cards show of it.
    pub(crate) fn plain(&self) -> Vec<Block> {
        let mut blocks = vec![
            Block::Heading(format!("{}  {} at {}", self.number, self.what, self.at)),
            Block::List(self.places.clone()),
        ];
        if !self.frames.is_empty() {
            blocks.push(Block::Output(self.frames.clone()));
        }
        if !self.python.is_empty() {
            blocks.push(Block::line("Python:"));
            blocks.push(Block::Output(self.python.clone()));
        }
        if let Some(again) = &self.again {
            blocks.push(Block::line("again:"));
            blocks.push(Block::Command(again.clone()));
        }
        blocks
    }
}

/// The signatures, the most frequent first.
pub(super) fn crashes(view: &View) -> Vec<Block> {
    let (described, anchors) = (Described::of(view), Anchors::of(view));
    let shown = view.crashes.len().min(SHOWN);
    let mut room = EVIDENCE;
    let crashes = (1..).zip(&view.crashes).take(SHOWN).map(|(number, row)| {
        let short = signature(view, number, row);
        let rounds = row.places.iter().flat_map(|place| {
            let unit = unit_of(view, place);
            let (anchors, described) = (&anchors, &described);
            rounds_of(view, &row.signature, place)
                .into_iter()
                .map(move |round| {
                    let unit = unit.filter(|unit| described.has(*unit, round));
                    let anchor = unit.map(|unit| anchors.round(unit, round));
                    (count(round.into()), anchor)
                })
        });
        let names = row.places.iter().map(|place| place.name.as_str());
        let names: Vec<_> = names.chain([row.signature.as_str()]).collect();
        Block::Crash(Box::new(Crash {
            number,
            what: match row.count() {
                0 => class(&row.signature),
                n => format!("{}x {}", count(n.into()), class(&row.signature)),
            },
            at: short.at,
            places: row
                .places
                .iter()
                .map(|place| place_words(view, &row.signature, place))
                .collect(),
            rounds_label: match row.count() {
                0 => "Rounds that ended in the same way: ",
                _ => "Rounds: ",
            },
            rounds: rounds.collect(),
            frames: frames(row),
            python: clean_all(&row.python),
            // Whole, so that it can be pasted into a shell.
            again: row.repeat.as_deref().map(one_line),
            show: short.command,
            evidence: evidence(row, &mut room, shown),
            file: row.file.as_deref().map(one_line),
            names: clean(&names.join(" "), SENTENCE),
        }))
    });
    let crashes: Vec<_> = crashes.collect();
    let unexplained = failures::sentences(&failures::unexplained_crashes(view));
    crashes
        .into_iter()
        .chain(more(view, SHOWN))
        .chain(unexplained)
        .collect()
}

fn unit_of(view: &View, place: &CrashPlace) -> Option<u32> {
    let mut units = (0..).zip(&view.units);
    let found = units.find(|(_, unit)| place.is_of(unit));
    found.map(|(number, _)| number)
}

/// The rounds that had it. Evidence rounds have numbers of their own: the rounds of the unit that
/// ended in the same way are shown instead.
fn rounds_of(view: &View, signature: &str, place: &CrashPlace) -> Vec<u32> {
    let results = view.results_of(&place.name, place.mode, &place.variant);
    match results.filter(|_| place.role.in_evidence_rounds) {
        None => place.rounds.clone(),
        Some(results) => {
            let cells = (1..).zip(&results.cells);
            let crashed = cells.filter(|(_, cell)| cell.first == Some(outcome_of(signature)));
            crashed.map(|(round, _)| round).take(ROUNDS).collect()
        }
    }
}

/// The evidence of a crash, cut to its part of the room that is left for all.
fn evidence(row: &CrashRow, room: &mut usize, shown: usize) -> Vec<(String, Vec<String>)> {
    let mut own = (EVIDENCE / shown.max(1)).min(*room);
    let mut parts = Vec::new();
    for part in &row.evidence {
        let mut lines = Vec::new();
        for line in &part.lines {
            let line = clean(line, SENTENCE);
            if line.len() >= own {
                own = 0;
                break;
            }
            own -= line.len() + 1;
            *room -= line.len() + 1;
            lines.push(line);
        }
        let left = part.lines.len() - lines.len();
        if left > 0 {
            lines.push(format!("({} left out)", plural(left as u64, "line")));
        }
        parts.push((clean(&part.title, SENTENCE), lines));
    }
    parts
}

fn clean_all(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| clean(line, SENTENCE)).collect()
}

/// The innermost frames, a line each, with their source lines if they are known.
fn frames(row: &CrashRow) -> Vec<String> {
    let frames = row.excerpt.iter().enumerate().map(|(place, frame)| {
        let source = row
            .source
            .get(place)
            .map(|lines| lines.join(", inlined at "));
        let text = format!("{frame}  {}", source.unwrap_or_default());
        clean(text.trim_end(), SENTENCE)
    });
    let frames: Vec<_> = frames.collect();
    match frames.is_empty() {
        true => in_signature(row),
        false => frames,
    }
}

/// The frames that the signature names.
fn in_signature(row: &CrashRow) -> Vec<String> {
    let frames = row.signature.split(" | ").nth(2).unwrap_or_default();
    let frames = frames.split(" < ").filter(|frame| !frame.is_empty());
    frames.map(|frame| clean(frame, SENTENCE)).collect()
}

/// `story (sequential): 7/8 = 87.5% (95%: 47-99%), rounds 1 to 8`. Where the stack is only known
/// from evidence rounds, the unit's own crash rate, too.
fn place_words(view: &View, signature: &str, place: &CrashPlace) -> String {
    let name = name(place);
    let Share { bad, n } = place.share;
    if place.role.in_evidence_rounds {
        let results = view.results_of(&place.name, place.mode, &place.variant);
        let outcome = outcome_of(signature);
        let own = results.map(|results| {
            let (k, n) = (results.outcomes.get(outcome), results.first_attempt.n);
            format!(
                "{outcome} in {}; ",
                estimate(k, n, results.optional_stopping)
            )
        });
        return format!(
            "{name}: {}this stack is not from these rounds, but from {} of {} (not counted)",
            own.unwrap_or_default(),
            count(bad.into()),
            plural(n, "evidence round")
        );
    }
    let rounds = match place.first == place.last {
        true => format!("round {}", count(place.first.into())),
        false => {
            let [first, last] = [place.first, place.last].map(|round| count(round.into()));
            format!("rounds {first} to {last}")
        }
    };
    format!(
        "{name}: {}, {rounds}",
        estimate(bad, n, place.optional_stopping)
    )
}

/// `a (isolated), its descendant `cc1``.
fn name(place: &CrashPlace) -> String {
    let unit = of_unit(&place.name, Some(place.mode), &place.variant);
    match &place.role.descendant {
        Some(program) => format!("{unit}, its descendant `{}`", clean(program, NAME)),
        None => unit,
    }
}
