//! The evidence of an attempt that did not pass: the text of a failure.

use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{End, View};
use crate::write::listed::Ends;

/// Where an attempt's evidence is stored.
pub(super) struct Evidence {
    unit: u32,
    round: u32,
    attempt: u32,
    signature: Option<String>,
    crash: Option<String>,
    pub(super) output: Option<String>,
}

impl Evidence {
    pub(super) fn of(end: &End<'_>) -> Evidence {
        let attempt = end.attempt;
        let signature = end.signature().map(str::to_owned);
        let crash = attempt.crash.as_ref().filter(|_| signature.is_some());
        Evidence {
            unit: attempt.unit,
            round: attempt.round,
            attempt: attempt.attempt,
            crash: crash.and_then(|crash| crash.file.clone()),
            signature,
            output: attempt.output.clone(),
        }
    }

    /// The text below a message: the message, the stored files, the stack, and the command to
    /// repeat it.
    pub(super) fn text(&self, message: &str, view: &View, ends: &mut dyn Ends) -> String {
        let mut text = format!("{message}\n\n");
        text += &format!("round {}, attempt {}", self.round, self.attempt);
        if let Some(output) = &self.output {
            text += &format!(", output: {}", clean(output, NAME));
        }
        match self.crash.as_deref().map(|file| frames(file, ends)) {
            Some(frames) if frames.is_empty() => {}
            Some(frames) => text += &format!("\n\nstack:{frames}"),
            None => text += &self.in_evidence_rounds(view, ends),
        }
        let mut crashes = view.crashes.iter();
        let row = crashes.find(|row| Some(&row.signature) == self.signature.as_ref());
        text += &again(row.and_then(|row| row.repeat.as_deref()));
        text.push('\n');
        text
    }

    /// Crashes of the unit that were seen in evidence rounds.
    fn in_evidence_rounds(&self, view: &View, ends: &mut dyn Ends) -> String {
        let Some(unit) = view.units.get(self.unit as usize) else {
            return String::new();
        };
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
        format!("\n\nagain: {}", clean(command, SENTENCE))
    })
}
