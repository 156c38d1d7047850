//! The evidence of an attempt that did not pass: the text of a failure.

use crashrate_model::Unit;

use crate::clean::{SENTENCE, clean, one_line};
use crate::view::Ends;
use crate::view::{End, View};
use crate::words::more_lines;

/// The text below a message: the message, the stored files, the stack, and the command to repeat
/// it.
pub(super) fn text(end: &End<'_>, message: &str, view: &View, ends: &mut dyn Ends) -> String {
    let (attempt, signature) = (end.attempt, end.signature());
    let mut text = format!("{message}\n\n");
    let whole = more_lines(end.reason.unwrap_or_default());
    if !whole.is_empty() {
        text += &format!("{}\n\n", whole.join("\n"));
    }
    text += &format!("round {}, attempt {}", attempt.round, attempt.attempt);
    if let Some(output) = &attempt.output {
        text += &format!(", output: {}", clean(output, SENTENCE));
    }
    let crash = attempt.crash.as_ref().filter(|_| signature.is_some());
    match crash.and_then(|crash| crash.file.as_deref()) {
        Some(file) => match frames(file, ends) {
            frames if frames.is_empty() => {}
            frames => text += &format!("\n\nstack:{frames}"),
        },
        None => text += &in_evidence_rounds(&view.units[attempt.unit as usize], view, ends),
    }
    let mut crashes = view.crashes.iter();
    let row = crashes.find(|row| Some(row.signature.as_str()) == signature);
    text += &again(row.and_then(|row| row.repeat.as_deref()));
    text + "\n"
}

/// Crashes of the unit that were seen in evidence rounds.
fn in_evidence_rounds(unit: &Unit, view: &View, ends: &mut dyn Ends) -> String {
    let mut text = String::new();
    for row in &view.crashes {
        let seen = row.places.iter().any(|place| {
            place.role.in_evidence_rounds
                && (&place.name, place.mode, &place.variant)
                    == (&unit.name, unit.mode, &unit.variant)
        });
        if !seen {
            continue;
        }
        let signature = clean(&row.signature, SENTENCE);
        let frames = row.file.as_ref().map(|file| frames(file, ends));
        text += &format!(
            "\n\nseen in evidence rounds, not counted: {signature}\nstack:{}{}",
            frames.unwrap_or_default(),
            again(row.repeat.as_deref())
        );
    }
    text
}

/// The frames of the crashed thread, a line each.
fn frames(file: &str, ends: &mut dyn Ends) -> String {
    let frames = ends.stack(file).into_iter().enumerate();
    frames
        .map(|(at, frame)| format!("\n  #{at} {}", clean(&frame, SENTENCE)))
        .collect()
}

/// The command to repeat a crash, as a paragraph.
fn again(command: Option<&str>) -> String {
    command.map_or_else(String::new, |command| {
        format!("\n\nagain: {}", one_line(command))
    })
}
