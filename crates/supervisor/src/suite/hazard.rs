//! The `[hazard]` section: which fault the worker is told to inject, and how much of it.

use crashrate_model::{Calibration, CalibrationRule};
use crashrate_protocol::{Hazard, HazardKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;

use super::error::Source;
use super::{Action, Chapter, Sequence, SuiteError, raw};

/// The most writes that are taken: beyond it a worker would do little else.
pub const MAX_WRITES: u32 = 1_000_000;
/// The most rounds of a calibration.
const MAX_ROUNDS: i64 = 1_000;
/// The rounds of a calibration where the suite does not say.
pub const ROUNDS: u32 = 20;
/// The share that passes where the suite does not say: that of the report N=1972.
pub const PASS: f64 = 0.4;
/// The writes that a calibration tries first where the suite does not say: about right on two cores.
const START: u32 = 8;
/// The word for writes that are found out before the run.
const CALIBRATED: &str = "calibrated";

/// What a suite's worker chapters are told to inject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteHazard {
    /// The hazard; of one that is to be calibrated, with the writes to try first.
    pub injected: Hazard,
    /// Its writes are still to be found out, by this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrate: Option<CalibrationRule>,
    /// How its writes were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl SuiteHazard {
    /// As a task has it.
    pub(crate) fn task(&self) -> Value {
        json(&self.injected)
    }

    /// As the run's record has it: with its calibration.
    pub(crate) fn record(&self) -> Value {
        let mut value = self.task();
        if let (Some(calibration), Some(fields)) = (&self.calibration, value.as_object_mut()) {
            fields.insert("calibration".to_owned(), json(calibration));
        }
        value
    }

    /// So many writes, whatever the suite says.
    pub fn fix(&mut self, writes: u32) {
        self.injected.writes = writes;
        self.calibrate = None;
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a hazard has string keys and finite numbers")
}

impl Source<'_> {
    pub(super) fn hazard(
        &self,
        raw: Option<Spanned<raw::Hazard>>,
        chapters: &[Chapter],
        sequences: &[Sequence],
    ) -> Result<Option<SuiteHazard>, SuiteError> {
        let Some(raw) = raw.map(Spanned::into_inner) else {
            return Ok(None);
        };
        let kind = match raw.kind.get_ref().as_str() {
            "tensor-lifetime" => HazardKind::TensorLifetime,
            other => {
                let problem = format!(
                    "hazard.kind: `{}` is no kind of hazard; use tensor-lifetime",
                    other.escape_debug()
                );
                return Err(self.error(raw.kind.span(), problem));
            }
        };
        let (writes, calibrate) = self.writes(&raw.writes, raw.calibrate)?;
        if calibrate.is_some() && !can_calibrate(chapters, sequences) {
            let problem = "hazard.writes: calibrated needs a [[sequence]] that the worker runs; add one, or give a number";
            return Err(self.error(raw.writes.span(), problem));
        }
        Ok(Some(SuiteHazard {
            injected: Hazard {
                kind,
                writes,
                carry_over: raw.carry_over.unwrap_or(true),
                on: self.hazard_devices(raw.on)?,
            },
            calibrate,
            calibration: None,
        }))
    }

    /// The writes, or those to try first and the rule by which the right ones are found.
    fn writes(
        &self,
        writes: &Spanned<raw::Writes>,
        calibrate: Option<Spanned<raw::Calibrate>>,
    ) -> Result<(u32, Option<CalibrationRule>), SuiteError> {
        let is_word = |word: &String| word == CALIBRATED;
        match (writes.get_ref(), calibrate) {
            (raw::Writes::Number(_), Some(calibrate)) => Err(self.error(
                calibrate.span(),
                "hazard.calibrate: the writes are given; take it away, or set writes = \"calibrated\"",
            )),
            (raw::Writes::Number(given), None) => {
                let given = self.whole("hazard.writes", *given, 0..=i64::from(MAX_WRITES));
                Ok((given.map_err(|problem| self.error(writes.span(), problem))?, None))
            }
            (raw::Writes::Word(word), calibrate) if is_word(word) => {
                let (start, rule) = self.rule(calibrate.map(Spanned::into_inner).unwrap_or_default())?;
                Ok((start, Some(rule)))
            }
            (raw::Writes::Word(_) | raw::Writes::Other(_), _) => Err(self.error(
                writes.span(),
                format!("hazard.writes: must be a whole number from 0 to {MAX_WRITES}, or \"calibrated\""),
            )),
        }
    }

    fn rule(&self, raw: raw::Calibrate) -> Result<(u32, CalibrationRule), SuiteError> {
        let number = |key: &str, given: Option<Spanned<i64>>, most, default| match given {
            None => Ok(default),
            Some(given) => self
                .whole(
                    &format!("hazard.calibrate.{key}"),
                    *given.get_ref(),
                    1..=most,
                )
                .map_err(|problem| self.error(given.span(), problem)),
        };
        let pass = match raw.pass {
            Some(pass) if !(*pass.get_ref() > 0.0 && *pass.get_ref() < 1.0) => {
                let problem =
                    "hazard.calibrate.pass: must be a share of rounds between 0 and 1, such as 0.4";
                return Err(self.error(pass.span(), problem));
            }
            Some(pass) => pass.into_inner(),
            None => PASS,
        };
        let start = number("start", raw.start, i64::from(MAX_WRITES), START)?;
        let rounds = number("rounds", raw.rounds, MAX_ROUNDS, ROUNDS)?;
        Ok((start, CalibrationRule { pass, rounds }))
    }

    fn whole(
        &self,
        key: &str,
        given: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<u32, String> {
        let fits = u32::try_from(given).ok().filter(|_| range.contains(&given));
        fits.ok_or_else(|| {
            format!(
                "{key}: {given} does not do; it must be from {} to {}",
                range.start(),
                range.end()
            )
        })
    }

    /// The race lives in the memory of the CPU; on other devices there is nothing to inject.
    fn hazard_devices(&self, on: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, SuiteError> {
        let Some(on) = on else {
            return Ok(vec!["cpu".to_owned()]);
        };
        if let Some(other) = on.iter().find(|device| device.get_ref() != "cpu") {
            let problem = format!(
                "hazard.on: tensor-lifetime cannot be injected on `{}`; use cpu",
                other.get_ref().escape_debug()
            );
            return Err(self.error(other.span(), problem));
        }
        Ok(on.into_iter().map(Spanned::into_inner).collect())
    }
}

/// Calibration runs the first sequence, which must be one that the worker runs.
fn can_calibrate(chapters: &[Chapter], sequences: &[Sequence]) -> bool {
    let is_worker = |id: &String| {
        let chapter = chapters.iter().find(|chapter| chapter.id == *id);
        chapter.is_some_and(|chapter| matches!(chapter.action, Action::Worker { .. }))
    };
    sequences
        .first()
        .is_some_and(|first| first.command.is_none() && first.chapters.iter().all(is_worker))
}
