//! Writes attempts as CSV, one line per chapter and attempt, for the user's own plots.

use std::io::Write;

use crashrate_model::{Device, Ended, Exit, Mode, Unit};

use super::listed::{ListError, attempt, chapters};
use crate::clean::{ID, NAME, SENTENCE, WHOLE, clean};
use crate::view::Ends;
use crate::view::{End, RunFacts, View};

/// A chapter of an attempt, or a sequence as a whole.
struct Line<'a> {
    run: &'a RunFacts,
    unit: &'a Unit,
    /// Empty for a whole sequence.
    chapter: &'a str,
    position: Option<u32>,
    end: End<'a>,
    /// The device that it ran on, if crashrate chose it.
    device: Option<&'a Device>,
}

/// The head of a column, and its value in a line.
type Column = (&'static str, fn(&Line) -> String);

/// The columns. `in_rate` marks lines that count in the first-attempt rate, `bad` those that count
/// as bad, and `missing` first attempts without a result, which may or may not have been bad.
const COLUMNS: [Column; 22] = [
    ("number", |line| line.run.number.to_string()),
    ("run", |line| text(&line.run.id, NAME)),
    ("suite", |line| text(&line.run.suite, ID)),
    ("device", |line| {
        let own = line.device.map(|device| &device.name);
        text(own.unwrap_or(&line.run.device), NAME)
    }),
    ("mode", |line| line.unit.mode.to_string()),
    ("sequence", |line| match line.unit.mode {
        Mode::Isolated => String::new(),
        Mode::Sequential => text(&line.unit.name, ID),
    }),
    ("variant", |line| text(&line.unit.variant, NAME)),
    ("chapter", |line| text(line.chapter, ID)),
    ("position", |line| known(line.position)),
    ("round", |line| known(line.round())),
    ("attempt", |line| line.end.attempt.attempt.to_string()),
    ("outcome", |line| line.end.outcome.to_string()),
    ("in_rate", |line| line.in_rate().to_string()),
    ("bad", |line| {
        let is_bad = line.in_rate() && line.run.bad.contains(line.end.outcome);
        is_bad.to_string()
    }),
    ("missing", |line| line.is_missing().to_string()),
    ("seconds", |line| known(line.end.secs)),
    ("signal", |line| match line.exit() {
        Some(Exit::Signal(name)) => text(name, NAME),
        _ => String::new(),
    }),
    ("exit_code", |line| match line.exit() {
        Some(Exit::Code(code)) => code.to_string(),
        _ => String::new(),
    }),
    ("signature", |line| {
        text(line.end.signature().unwrap_or_default(), SENTENCE)
    }),
    ("disturbed", |line| disturbed(line.end.attempt)),
    ("reason", |line| {
        text(line.end.reason.unwrap_or_default(), WHOLE)
    }),
    ("output", |line| {
        let output = line.end.attempt.output.as_deref();
        text(output.unwrap_or_default(), SENTENCE)
    }),
];

/// What else happened while an attempt ran, such as `load+processes`.
fn disturbed(attempt: &Ended) -> String {
    let kinds = attempt.disturbance.iter().flat_map(|seen| {
        [
            ("load", seen.load.is_some()),
            ("processes", !seen.processes.is_empty()),
            ("sleep", seen.slept.is_some()),
        ]
    });
    let kinds: Vec<_> = kinds
        .filter_map(|(kind, is_seen)| is_seen.then_some(kind))
        .collect();
    kinds.join("+")
}

impl Line<'_> {
    /// Nothing if the order of rounds is unknown.
    fn round(&self) -> Option<u32> {
        let (imported, attempt) = (self.run.imported.as_ref(), self.end.attempt);
        let unknown = imported.is_some_and(|it| it.order_unknown.contains(&attempt.unit));
        (!unknown).then_some(attempt.round)
    }

    fn in_rate(&self) -> bool {
        self.end.attempt.attempt == 1 && self.end.outcome.counts()
    }

    fn is_missing(&self) -> bool {
        self.end.attempt.attempt == 1 && !self.end.outcome.is_measured()
    }

    /// The process's exit belongs to the chapter in which it ended, and to the whole sequence.
    fn exit(&self) -> Option<&Exit> {
        let ended_here = self.chapter.is_empty()
            || self.unit.mode == Mode::Isolated
            || self.end.outcome.is_death();
        self.end.own_exit().filter(|_| ended_here)
    }
}

/// Writes the attempts one by one, reading each record again. The view must be built with attempts.
///
/// # Errors
/// A record cannot be read again, or the output cannot be written.
pub fn csv(view: &View, ends: &mut dyn Ends, out: &mut dyn Write) -> Result<(), ListError> {
    let mut out = ::csv::Writer::from_writer(out);
    out.write_record(COLUMNS.map(|(head, _)| head))?;
    for at in &view.attempts {
        let unit = &view.units[at.unit as usize];
        let attempt = &attempt(unit, at, ends)?;
        let whole = Line {
            run: &view.run,
            unit,
            chapter: "",
            position: None,
            end: End::whole(attempt),
            device: at.end.and_then(|end| view.run.device_of(attempt, end)),
        };
        let is_sequence = unit.mode == Mode::Sequential;
        if is_sequence {
            out.write_record(COLUMNS.map(|(_, value)| value(&whole)))?;
        }
        let positions = positions(unit, attempt);
        let chapters = chapters(unit, attempt).into_iter();
        for (place, (id, end)) in chapters.zip(&attempt.chapters).enumerate() {
            let line = Line {
                chapter: id,
                position: positions.get(place).copied().flatten(),
                end: End::chapter(attempt, end),
                ..whole
            };
            out.write_record(COLUMNS.map(|(_, value)| value(&line)))?;
        }
    }
    Ok(out.flush()?)
}

/// The position of each chapter of a sequence in this attempt, from 1; `None` where another order
/// was used and the chapter did not start. Empty in isolated mode.
fn positions(unit: &Unit, attempt: &Ended) -> Vec<Option<u32>> {
    let chapters = attempt.chapters.len();
    match (unit.mode, attempt.order.is_empty()) {
        (Mode::Isolated, _) => Vec::new(),
        (Mode::Sequential, true) => (1..).take(chapters).map(Some).collect(),
        (Mode::Sequential, false) => {
            let mut positions = vec![None; chapters];
            for (position, index) in (1..).zip(&attempt.order) {
                if let Some(place) = positions.get_mut(*index as usize) {
                    *place = Some(position);
                }
            }
            positions
        }
    }
}

fn known(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Escapes text. A leading quote keeps spreadsheets from reading such text as a formula.
fn text(text: &str, limit: usize) -> String {
    let text = clean(text, limit);
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    }
}
