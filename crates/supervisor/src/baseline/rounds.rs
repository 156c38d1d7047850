//! The rounds of a chapter or sequence of a report, as the ends of attempts.

use crate::toml_file::Spanned;
use crashrate_model::{ChapterEnd, DiedIn, Ended, Exit, Measure, Mode, Outcome, OutcomeSet, Unit};

use super::raw;
use crate::toml_file::{Result, Source};

/// Largest number of rounds of a unit; each becomes a line of the journal.
const MAX_ROUNDS: u32 = 100_000;

/// The rounds of one unit.
pub(super) struct Rounds {
    pub(super) unit: Unit,
    /// Only counts are known, not the order.
    pub(super) order_unknown: bool,
    pub(super) ended: Vec<Ended>,
}

impl Source<'_> {
    /// The rounds of a unit; `None` if the report has none.
    pub(super) fn rounds(
        &self,
        mut unit: Unit,
        place: usize,
        in_order: bool,
        raw: &[Spanned<raw::Rounds>],
        bad: Option<&OutcomeSet>,
    ) -> Result<Option<Rounds>> {
        let mut ended = Vec::new();
        for alike in raw {
            let (one, count) = (self.ended(&unit, alike, bad)?, self.count(&unit, alike)?);
            for _ in 0..count {
                unit.rounds += 1;
                if unit.rounds > MAX_ROUNDS {
                    let problem = format!("rounds: a unit can have at most {MAX_ROUNDS}");
                    return self.refuse_of(&unit, alike, &problem);
                }
                ended.push(Ended {
                    unit: place as u32,
                    round: unit.rounds,
                    ..one.clone()
                });
            }
        }
        Ok((!ended.is_empty()).then_some(Rounds {
            // A single round has an order.
            order_unknown: !in_order && unit.rounds > 1,
            unit,
            ended,
        }))
    }

    fn ended(
        &self,
        unit: &Unit,
        alike: &Spanned<raw::Rounds>,
        bad: Option<&OutcomeSet>,
    ) -> Result<Ended> {
        let raw = alike.get_ref();
        let outcome = self.outcome(unit, &raw.outcome)?;
        let is_death = outcome.is_death();
        let wrong = |problem: &str| self.refuse_of(unit, alike, problem);
        if raw.signal.is_some() && !is_death {
            return wrong("signal: only for rounds that died");
        }
        // Otherwise a failed round would not be in any rate of the report.
        if outcome == Outcome::Failed && bad.is_none() {
            return wrong("outcome: state in report.bad whether `failed` is bad");
        }
        let died_in = match (unit.mode, is_death, &raw.died_in) {
            (Mode::Isolated, _, None) | (Mode::Sequential, false, None) => None,
            (Mode::Sequential, true, Some(place)) => Some(self.died_in(unit, place)?),
            (Mode::Sequential, true, None) => {
                return wrong("died_in: missing; name the chapter in which it died, or `exit`");
            }
            (_, _, Some(_)) => {
                return wrong("died_in: only for rounds of a sequence that died");
            }
        };
        if unit.mode == Mode::Sequential && !is_death && outcome != Outcome::Passed {
            return wrong("outcome: a sequence in a report must have passed or died");
        }
        Ok(Ended {
            exit: raw.signal.clone().map(Exit::Signal),
            secs: self.seconds(unit, raw.seconds.as_ref())?,
            reason: raw.reason.clone(),
            chapters: match unit.mode {
                Mode::Isolated => Vec::new(),
                Mode::Sequential => ends(unit, outcome, died_in.as_ref()),
            },
            died_in,
            measures: self.measures(unit, &raw.measures)?,
            ..Ended::of(0, 0, 1, outcome)
        })
    }

    fn outcome(&self, unit: &Unit, word: &Spanned<String>) -> Result<Outcome> {
        let outcome = Outcome::from_word(word.get_ref()).filter(|outcome| outcome.counts());
        let expected = "passed, failed, crashed, timed-out or out-of-memory";
        self.valid(outcome, &key_of(unit, "outcome"), word, "outcome", expected)
    }

    fn count(&self, unit: &Unit, alike: &Spanned<raw::Rounds>) -> Result<u32> {
        let Some(count) = &alike.get_ref().count else {
            return Ok(1);
        };
        let given = *count.get_ref();
        match u32::try_from(given) {
            Ok(count @ 1..=MAX_ROUNDS) => Ok(count),
            _ => {
                let problem = format!(
                    "count: {given} is no number of rounds; it must be from 1 to {MAX_ROUNDS}"
                );
                self.refuse_of(unit, count, &problem)
            }
        }
    }

    fn died_in(&self, unit: &Unit, place: &Spanned<String>) -> Result<DiedIn> {
        let id = place.get_ref();
        let chapters = unit.chapters.iter().cloned().map(DiedIn::Chapter);
        let mut places = chapters.chain([DiedIn::Exit]);
        if let Some(place) = places.find(|place| place.key() == *id) {
            return Ok(place);
        }
        let problem = format!(
            "died_in: `{}` is not a chapter of the sequence: expected {} or exit",
            id.escape_debug(),
            unit.chapters.join(", ")
        );
        self.refuse_of(unit, place, &problem)
    }

    fn seconds(&self, unit: &Unit, seconds: Option<&Spanned<f64>>) -> Result<Option<f64>> {
        let Some(seconds) = seconds else {
            return Ok(None);
        };
        let given = *seconds.get_ref();
        if given.is_finite() && given >= 0.0 {
            return Ok(Some(given));
        }
        let problem =
            format!("seconds: {given} is not a valid duration; leave it out if it is unknown");
        self.refuse_of(unit, seconds, &problem)
    }

    fn measures(&self, unit: &Unit, raw: &[Spanned<Measure>]) -> Result<Vec<Measure>> {
        if unit.mode == Mode::Sequential
            && let Some(first) = raw.first()
        {
            let problem = "measures: only for isolated rounds; remove them";
            return self.refuse_of(unit, first, problem);
        }
        if let Some(infinite) = raw.iter().find(|m| !m.get_ref().value.is_finite()) {
            let name = &infinite.get_ref().name;
            let problem = format!("measures: the value of `{name}` must be a finite number");
            return self.refuse_of(unit, infinite, &problem);
        }
        Ok(raw
            .iter()
            .map(|measure| measure.get_ref().clone())
            .collect())
    }

    fn refuse_of<T, V>(&self, unit: &Unit, value: &Spanned<V>, problem: &str) -> Result<T> {
        self.refuse(value, key_of(unit, problem))
    }
}

/// A key of a unit, or a problem with it.
fn key_of(unit: &Unit, key: &str) -> String {
    let kind = match unit.mode {
        Mode::Isolated => "chapter",
        Mode::Sequential => "sequence",
    };
    format!("{kind} `{}`: {key}", unit.name)
}

/// The ends of a sequence's chapters: passed before a death, unreached after it.
fn ends(unit: &Unit, outcome: Outcome, died_in: Option<&DiedIn>) -> Vec<ChapterEnd> {
    let place = match died_in {
        Some(DiedIn::Chapter(id)) => unit.chapters.iter().position(|chapter| chapter == id),
        _ => None,
    };
    let end = |at: usize| match place {
        Some(place) if at == place => outcome,
        Some(place) if at > place => Outcome::Unreached,
        _ => Outcome::Passed,
    };
    (0..unit.chapters.len())
        .map(|at| ChapterEnd {
            outcome: end(at),
            ..ChapterEnd::default()
        })
        .collect()
}
