//! The `[fault]` section of a suite file.

use crashrate_model::CalibrationRule;
use crashrate_protocol::{Fault, FaultKind};
use serde::Deserialize;
use toml::Spanned;

use super::{MAX_DOSE, PASS, ROUNDS, SuiteFault};
use crate::suite::{Action, Chapter, Sequence, Source, SuiteError};

/// Largest number of calibration rounds.
const MAX_ROUNDS: i64 = 1_000;
/// Default first dose of a calibration: about right on two cores.
const START: u32 = 8;
/// In place of a number: the dose is found before the run.
const CALIBRATED: &str = "calibrated";

/// `[fault]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    kind: Spanned<String>,
    dose: Spanned<Dose>,
    calibrate: Option<Spanned<Calibrate>>,
    carry_over: Option<bool>,
    on: Option<Vec<Spanned<String>>>,
}

/// A number, or `calibrated`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Dose {
    Number(i64),
    Word(String),
    Other(serde::de::IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calibrate {
    pass: Option<Spanned<f64>>,
    rounds: Option<Spanned<i64>>,
    start: Option<Spanned<i64>>,
}

impl Source<'_> {
    pub(crate) fn fault(
        &self,
        raw: Option<Spanned<Section>>,
        chapters: &[Chapter],
        sequences: &[Sequence],
    ) -> Result<Option<SuiteFault>, SuiteError> {
        let Some(raw) = raw.map(Spanned::into_inner) else {
            return Ok(None);
        };
        let kind = match raw.kind.get_ref().as_str() {
            "tensor-lifetime" => FaultKind::TensorLifetime,
            other => {
                let problem = format!(
                    "fault.kind: `{}` is no kind of fault; use tensor-lifetime",
                    other.escape_debug()
                );
                return Err(self.error(raw.kind.span(), problem));
            }
        };
        let (dose, calibrate) = self.dose(&raw.dose, raw.calibrate)?;
        if calibrate.is_some() && !can_calibrate(chapters, sequences) {
            let problem = "fault.dose: calibrated needs a [[sequence]] that the worker runs; add one, or give a number";
            return Err(self.error(raw.dose.span(), problem));
        }
        Ok(Some(SuiteFault {
            injected: Fault {
                kind,
                dose,
                carry_over: raw.carry_over.unwrap_or(true),
                on: self.fault_devices(raw.on)?,
            },
            calibrate,
            calibration: None,
        }))
    }

    /// The dose, or those to try first and the rule by which the right ones are found.
    fn dose(
        &self,
        dose: &Spanned<Dose>,
        calibrate: Option<Spanned<Calibrate>>,
    ) -> Result<(u32, Option<CalibrationRule>), SuiteError> {
        let is_word = |word: &String| word == CALIBRATED;
        match (dose.get_ref(), calibrate) {
            (Dose::Number(_), Some(calibrate)) => Err(self.error(
                calibrate.span(),
                "fault.calibrate: the dose is given; take it away, or set dose = \"calibrated\"",
            )),
            (Dose::Number(given), None) => {
                let given = self.whole("fault.dose", *given, 0..=i64::from(MAX_DOSE));
                Ok((
                    given.map_err(|problem| self.error(dose.span(), problem))?,
                    None,
                ))
            }
            (Dose::Word(word), calibrate) if is_word(word) => {
                let (start, rule) =
                    self.rule(calibrate.map(Spanned::into_inner).unwrap_or_default())?;
                Ok((start, Some(rule)))
            }
            (Dose::Word(_) | Dose::Other(_), _) => Err(self.error(
                dose.span(),
                format!(
                    "fault.dose: must be a whole number from 0 to {MAX_DOSE}, or \"calibrated\""
                ),
            )),
        }
    }

    fn rule(&self, raw: Calibrate) -> Result<(u32, CalibrationRule), SuiteError> {
        let number = |key: &str, given: Option<Spanned<i64>>, most, default| match given {
            None => Ok(default),
            Some(given) => self
                .whole(
                    &format!("fault.calibrate.{key}"),
                    *given.get_ref(),
                    1..=most,
                )
                .map_err(|problem| self.error(given.span(), problem)),
        };
        let pass = match raw.pass {
            Some(pass) if !(*pass.get_ref() > 0.0 && *pass.get_ref() < 1.0) => {
                let problem =
                    "fault.calibrate.pass: must be a share of rounds between 0 and 1, such as 0.4";
                return Err(self.error(pass.span(), problem));
            }
            Some(pass) => pass.into_inner(),
            None => PASS,
        };
        let start = number("start", raw.start, i64::from(MAX_DOSE), START)?;
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
    fn fault_devices(&self, on: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, SuiteError> {
        let Some(on) = on else {
            return Ok(vec!["cpu".to_owned()]);
        };
        if let Some(other) = on.iter().find(|device| device.get_ref() != "cpu") {
            let problem = format!(
                "fault.on: tensor-lifetime cannot be injected on `{}`; use cpu",
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
