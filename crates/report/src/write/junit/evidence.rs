//! The evidence of an attempt that did not pass: the failure text, and the output.

use std::io;

use crashrate_model::Outcome;

use super::head::Head;
use crate::clean::{NAME, SENTENCE, clean, lines};
use crate::view::Attempt;
use crate::write::listed::Ends;
use crate::write::xml::Xml;

/// Where an attempt's evidence is stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    unit: u32,
    round: u32,
    attempt: u32,
    signature: Option<String>,
    crash: Option<String>,
    output: Option<String>,
}

impl Evidence {
    pub(super) fn of(attempt: &Attempt, outcome: Outcome) -> Evidence {
        let signature = attempt.signature_of(outcome).map(str::to_owned);
        Evidence {
            unit: attempt.unit,
            round: attempt.round,
            attempt: attempt.attempt,
            crash: (attempt.crash.clone()).filter(|_| signature.is_some()),
            signature,
            output: attempt.output.clone(),
        }
    }

    /// The text below a message: the message, the stored files, the stack, and the command to
    /// repeat it.
    pub(super) fn text(&self, message: &str, head: &Head<'_>, ends: &mut dyn Ends) -> String {
        let mut text = format!("{message}\n\n");
        text += &format!("round {}, attempt {}", self.round, self.attempt);
        if let Some(output) = &self.output {
            text += &format!(", output: {}", clean(output, NAME));
        }
        let stack_is_missing = self.crash.is_none();
        let stack = self.crash.as_ref().map(|file| ends.stack(file));
        for (at, frame) in stack.into_iter().flatten().enumerate() {
            text += match at {
                0 => "\n\nstack:",
                _ => "",
            };
            text += &format!("\n  #{at} {}", clean(&frame, SENTENCE));
        }
        if stack_is_missing {
            text += &self.in_evidence_rounds(head, ends);
        }
        let crashes = &head.view.crashes;
        let row = crashes
            .iter()
            .find(|row| Some(&row.signature) == self.signature.as_ref());
        if let Some(repeat) = row.and_then(|row| row.repeat.as_ref()) {
            text += &format!("\n\nagain: {}", clean(repeat, SENTENCE));
        }
        text.push('\n');
        text
    }
}

impl Evidence {
    /// Crashes of the unit that were seen in evidence rounds.
    fn in_evidence_rounds(&self, head: &Head<'_>, ends: &mut dyn Ends) -> String {
        let Some(unit) = head.view.units.get(self.unit as usize) else {
            return String::new();
        };
        let mut text = String::new();
        for row in &head.view.crashes {
            let seen = row.places.iter().any(|place| {
                place.role.in_evidence_rounds
                    && (&place.name, place.mode, &place.variant)
                        == (&unit.name, unit.mode, &unit.variant)
            });
            if !seen {
                continue;
            }
            let signature = clean(&row.signature, SENTENCE);
            text += &format!("\n\nseen in evidence rounds, not counted: {signature}\nstack:");
            let stack = row.file.as_ref().map(|file| ends.stack(file));
            for (at, frame) in stack.into_iter().flatten().enumerate() {
                text += &format!("\n  #{at} {}", clean(&frame, SENTENCE));
            }
            if let Some(repeat) = &row.repeat {
                text += &format!("\n\nagain: {}", clean(repeat, SENTENCE));
            }
        }
        text
    }
}

/// Writes the attempt's kept output.
pub(super) fn write_output(
    xml: &mut Xml<'_>,
    evidence: &Evidence,
    ends: &mut dyn Ends,
) -> io::Result<()> {
    let printed = evidence.output.as_ref().and_then(|file| ends.output(file));
    let [out, err] = printed.unwrap_or_default();
    for (element, text) in [("system-out", out), ("system-err", err)] {
        if !text.is_empty() {
            xml.text(element, &[], &lines(&text, false))?;
        }
    }
    Ok(())
}
