//! Writes attempts as CSV, one line per chapter and attempt, for the user's own plots.

use std::io::Write;

use crashrate_model::{Ended, Exit, Mode};

use super::listed::{Ends, ListError, attempt};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{End, View, is_death};

/// The columns. `in_rate` marks lines that count in the first-attempt rate, `bad` those that count
/// as bad, and `missing` first attempts without a result, which may or may not have been bad. A
/// line for a whole sequence has no chapter.
const HEAD: [&str; 21] = [
    "number",
    "run",
    "suite",
    "device",
    "mode",
    "sequence",
    "variant",
    "chapter",
    "position",
    "round",
    "attempt",
    "outcome",
    "in_rate",
    "bad",
    "missing",
    "seconds",
    "signal",
    "exit_code",
    "signature",
    "reason",
    "output",
];

/// Writes the attempts one by one, reading each record again. The view must be built with attempts.
///
/// # Errors
/// A record cannot be read again, or the output cannot be written.
pub fn csv(view: &View, ends: &mut dyn Ends, out: &mut dyn Write) -> Result<(), ListError> {
    let mut out = ::csv::Writer::from_writer(out);
    out.write_record(HEAD)?;
    for at in &view.attempts {
        let Some(unit) = view.units.get(at.unit as usize) else {
            continue;
        };
        let attempt = &attempt(unit, at, ends)?;
        let is_sequence = unit.mode == Mode::Sequential;
        if is_sequence {
            out.write_record(fields(view, "", None, &End::whole(attempt)))?;
        }
        for (place, (id, end)) in (1..).zip(unit.chapters.iter().zip(&attempt.chapters)) {
            let position = is_sequence.then_some(place);
            out.write_record(fields(view, id, position, &End::chapter(attempt, end)))?;
        }
    }
    Ok(out.flush()?)
}

fn fields(
    view: &View,
    chapter: &str,
    position: Option<u32>,
    end: &End<'_>,
) -> [String; HEAD.len()] {
    let (run, attempt) = (&view.run, end.attempt);
    let unit = &view.units[attempt.unit as usize];
    let in_rate = attempt.attempt == 1 && end.outcome.counts();
    // The process's exit belongs to the chapter in which it ended, and to the whole sequence.
    let ended_here = chapter.is_empty() || unit.mode == Mode::Isolated || is_death(end.outcome);
    let [signal, code] = match end.own_exit().filter(|_| ended_here) {
        Some(Exit::Signal(name)) => [name.clone(), String::new()],
        Some(Exit::Code(code)) => [String::new(), code.to_string()],
        None => Default::default(),
    };
    let sequence = match unit.mode {
        Mode::Isolated => "",
        Mode::Sequential => &unit.name,
    };
    [
        run.number.to_string(),
        text(&run.id, NAME),
        text(&run.suite, NAME),
        text(&run.device, NAME),
        unit.mode.word().to_owned(),
        text(sequence, NAME),
        text(&unit.variant, NAME),
        text(chapter, NAME),
        position.map_or_else(String::new, |n| n.to_string()),
        round(view, attempt),
        attempt.attempt.to_string(),
        end.outcome.word().to_owned(),
        in_rate.to_string(),
        (in_rate && run.bad.contains(end.outcome)).to_string(),
        (attempt.attempt == 1 && !end.outcome.is_measured()).to_string(),
        end.secs.map_or_else(String::new, |secs| secs.to_string()),
        text(&signal, NAME),
        code,
        text(end.signature().unwrap_or_default(), SENTENCE),
        text(end.reason.unwrap_or_default(), SENTENCE),
        text(attempt.output.as_deref().unwrap_or_default(), NAME),
    ]
}

/// Empty if the order of rounds is unknown.
fn round(view: &View, attempt: &Ended) -> String {
    let imported = view.run.imported.as_ref();
    match imported.is_some_and(|imported| imported.order_unknown.contains(&attempt.unit)) {
        true => String::new(),
        false => attempt.round.to_string(),
    }
}

/// Escapes text. A leading quote keeps spreadsheets from reading such text as a formula.
fn text(text: &str, limit: usize) -> String {
    let text = clean(text, limit);
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    }
}
