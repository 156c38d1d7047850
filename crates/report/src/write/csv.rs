//! Writes attempts as CSV, one line per chapter and attempt, for the user's own plots.

use std::io::Write;

use crashrate_model::{Exit, Mode, Outcome};

use super::listed::{Ends, ListError, attempt};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Attempt, View, is_death};

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
        let whole = is_sequence.then(|| Line {
            chapter: "",
            position: None,
            outcome: attempt.outcome,
            secs: attempt.secs,
            reason: attempt.reason.as_deref(),
        });
        let chapters = (1..).zip(unit.chapters.iter().zip(&attempt.chapters));
        let chapters = chapters.map(|(place, (id, chapter))| Line {
            chapter: id,
            position: is_sequence.then_some(place),
            outcome: chapter.outcome,
            secs: chapter.secs,
            reason: chapter.reason.as_deref(),
        });
        for line in whole.into_iter().chain(chapters) {
            out.write_record(fields(view, attempt, &line))?;
        }
    }
    Ok(out.flush()?)
}

struct Line<'a> {
    chapter: &'a str,
    position: Option<u32>,
    outcome: Outcome,
    secs: Option<f64>,
    reason: Option<&'a str>,
}

fn fields(view: &View, attempt: &Attempt, line: &Line<'_>) -> [String; HEAD.len()] {
    let run = &view.run;
    let unit = &view.units[attempt.unit as usize];
    let in_rate = attempt.in_rate(line.outcome);
    // The process's exit belongs to the chapter in which it ended, and to the whole sequence.
    let ended_here =
        line.chapter.is_empty() || unit.mode == Mode::Isolated || is_death(line.outcome);
    let exit = attempt.own_exit().filter(|_| ended_here);
    let [signal, code] = match exit {
        Some(Exit::Signal(name)) => [name.clone(), String::new()],
        Some(Exit::Code(code)) => [String::new(), code.to_string()],
        None => Default::default(),
    };
    let signature = attempt.signature_of(line.outcome);
    let sequence = match unit.mode {
        Mode::Isolated => "",
        Mode::Sequential => &unit.name,
    };
    let imported = run.imported.as_ref();
    let has_order = imported.is_none_or(|it| !it.order_unknown.contains(&attempt.unit));
    let is_missing = attempt.attempt == 1
        && matches!(
            line.outcome,
            Outcome::Lost | Outcome::Interrupted | Outcome::NotStarted
        );
    let known = |value: Option<String>| value.unwrap_or_default();
    [
        run.number.to_string(),
        text(&run.id, NAME),
        text(&run.suite, NAME),
        text(&run.device, NAME),
        unit.mode.word().to_owned(),
        text(sequence, NAME),
        text(&unit.variant, NAME),
        text(line.chapter, NAME),
        known(line.position.map(|n| n.to_string())),
        known(has_order.then(|| attempt.round.to_string())),
        attempt.attempt.to_string(),
        line.outcome.word().to_owned(),
        in_rate.to_string(),
        (in_rate && run.bad.contains(line.outcome)).to_string(),
        is_missing.to_string(),
        known(line.secs.map(|secs| secs.to_string())),
        text(&signal, NAME),
        code,
        text(signature.unwrap_or_default(), SENTENCE),
        text(line.reason.unwrap_or_default(), SENTENCE),
        text(attempt.output.as_deref().unwrap_or_default(), NAME),
    ]
}

/// Escapes text. A leading quote keeps spreadsheets from reading such text as a formula.
fn text(text: &str, limit: usize) -> String {
    let text = clean(text, limit);
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    }
}
