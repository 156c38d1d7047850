//! Writes attempts as CSV, one line per chapter and attempt, for the user's own plots.

use std::io::Write;

use crashrate_model::{Exit, Mode, Outcome, Unit};

use super::listed::{Ends, ListError, attempt};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Attempt, RunFacts, View, is_death};

/// A chapter of an attempt, or a sequence as a whole.
struct Line<'a> {
    run: &'a RunFacts,
    unit: &'a Unit,
    attempt: &'a Attempt,
    /// Empty for a whole sequence.
    chapter: &'a str,
    position: Option<u32>,
    outcome: Outcome,
    secs: Option<f64>,
    reason: Option<&'a str>,
}

/// The head of a column, and its value in a line.
type Column = (&'static str, fn(&Line) -> String);

/// The columns. `in_rate` marks lines that count in the first-attempt rate, `bad` those that count
/// as bad, and `missing` first attempts without a result, which may or may not have been bad.
const COLUMNS: [Column; 21] = [
    ("number", |line| line.run.number.to_string()),
    ("run", |line| text(&line.run.id, NAME)),
    ("suite", |line| text(&line.run.suite, NAME)),
    ("device", |line| text(&line.run.device, NAME)),
    ("mode", |line| line.unit.mode.to_string()),
    ("sequence", |line| match line.unit.mode {
        Mode::Isolated => String::new(),
        Mode::Sequential => text(&line.unit.name, NAME),
    }),
    ("variant", |line| text(&line.unit.variant, NAME)),
    ("chapter", |line| text(line.chapter, NAME)),
    ("position", |line| known(line.position)),
    ("round", |line| known(line.round())),
    ("attempt", |line| line.attempt.attempt.to_string()),
    ("outcome", |line| line.outcome.to_string()),
    ("in_rate", |line| line.in_rate().to_string()),
    ("bad", |line| {
        let is_bad = line.in_rate() && line.run.bad.contains(line.outcome);
        is_bad.to_string()
    }),
    ("missing", |line| line.is_missing().to_string()),
    ("seconds", |line| known(line.secs)),
    ("signal", |line| match line.exit() {
        Some(Exit::Signal(name)) => text(name, NAME),
        _ => String::new(),
    }),
    ("exit_code", |line| match line.exit() {
        Some(Exit::Code(code)) => code.to_string(),
        _ => String::new(),
    }),
    ("signature", |line| {
        let signature = line.attempt.signature_of(line.outcome);
        text(signature.unwrap_or_default(), SENTENCE)
    }),
    ("reason", |line| {
        text(line.reason.unwrap_or_default(), SENTENCE)
    }),
    ("output", |line| {
        let output = line.attempt.output.as_deref();
        text(output.unwrap_or_default(), NAME)
    }),
];

impl Line<'_> {
    /// Nothing if the order of rounds is unknown.
    fn round(&self) -> Option<u32> {
        let imported = self.run.imported.as_ref();
        let unknown = imported.is_some_and(|it| it.order_unknown.contains(&self.attempt.unit));
        (!unknown).then_some(self.attempt.round)
    }

    fn in_rate(&self) -> bool {
        self.attempt.in_rate(self.outcome)
    }

    fn is_missing(&self) -> bool {
        let missing = [Outcome::Lost, Outcome::Interrupted, Outcome::NotStarted];
        self.attempt.attempt == 1 && missing.contains(&self.outcome)
    }

    /// The process's exit belongs to the chapter in which it ended, and to the whole sequence.
    fn exit(&self) -> Option<&Exit> {
        let ended_here =
            self.chapter.is_empty() || self.unit.mode == Mode::Isolated || is_death(self.outcome);
        self.attempt.own_exit().filter(|_| ended_here)
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
        let Some(unit) = view.units.get(at.unit as usize) else {
            continue;
        };
        let attempt = &attempt(unit, at, ends)?;
        let whole = Line {
            run: &view.run,
            unit,
            attempt,
            chapter: "",
            position: None,
            outcome: attempt.outcome,
            secs: attempt.secs,
            reason: attempt.reason.as_deref(),
        };
        let is_sequence = unit.mode == Mode::Sequential;
        if is_sequence {
            out.write_record(COLUMNS.map(|(_, value)| value(&whole)))?;
        }
        for (place, (id, chapter)) in (1..).zip(unit.chapters.iter().zip(&attempt.chapters)) {
            let line = Line {
                chapter: id,
                position: is_sequence.then_some(place),
                outcome: chapter.outcome,
                secs: chapter.secs,
                reason: chapter.reason.as_deref(),
                ..whole
            };
            out.write_record(COLUMNS.map(|(_, value)| value(&line)))?;
        }
    }
    Ok(out.flush()?)
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
