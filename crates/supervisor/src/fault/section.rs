//! The `[fault]` section of a suite file.

use crate::toml_file::Spanned;
use crashrate_model::CalibrationRule;
use crashrate_protocol::{Fault, FaultKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{MAX_DOSE, PASS, ROUNDS, SuiteFault};
use crate::toml_file::{Result, Source};

/// Largest number of calibration rounds.
const MAX_ROUNDS: u32 = 1_000;
/// Default first dose of a calibration: about right on two cores.
const START: u32 = 8;
/// The value of `dose` that asks for a calibration before the run.
const CALIBRATED: &str = "calibrated";

/// The defect that the worker injects.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    /// The defect.
    #[schemars(extend("enum" = ["tensor-lifetime"]))]
    kind: Spanned<String>,
    /// How much of it is injected: a number, or `calibrated`.
    pub(crate) dose: Spanned<Dose>,
    /// How a calibrated dose is found.
    calibrate: Option<Spanned<Calibrate>>,
    /// Whether the damage of one chapter remains for the next.
    carry_over: Option<bool>,
    /// The kinds of device on which it is injected.
    on: Option<Vec<Spanned<String>>>,
}

/// A dose.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Dose {
    /// From 0.
    Number(#[schemars(range(min = 0, max = MAX_DOSE))] i64),
    /// Found by a calibration before the run.
    Word(#[schemars(extend("enum" = [CALIBRATED]))] String),
    #[schemars(skip)]
    Other(serde::de::IgnoredAny),
}

/// How a calibrated dose is found.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Calibrate {
    /// The share of rounds that should pass, between 0 and 1.
    #[schemars(range(min = 0, max = 1))]
    pass: Option<Spanned<f64>>,
    /// Rounds at each dose.
    #[schemars(range(min = 1))]
    rounds: Option<Spanned<i64>>,
    /// The first dose to try.
    #[schemars(range(min = 1))]
    start: Option<Spanned<i64>>,
}

impl Section {
    pub(crate) fn resolve(&self, source: &Source<'_>) -> Result<SuiteFault> {
        source.one_of(
            "fault.kind",
            "kind of fault",
            &self.kind,
            &["tensor-lifetime"],
        )?;
        let (dose, calibrate) = self.dose(source)?;
        Ok(SuiteFault {
            injected: Fault {
                kind: FaultKind::TensorLifetime,
                dose,
                carry_over: self.carry_over.unwrap_or(true),
                on: self.devices(source)?,
            },
            calibrate,
            calibration: None,
        })
    }

    /// The dose, or the first one to try and the rule by which the right one is found.
    fn dose(&self, source: &Source<'_>) -> Result<(u32, Option<CalibrationRule>)> {
        match (self.dose.get_ref(), &self.calibrate) {
            (Dose::Number(_), Some(calibrate)) => source.refuse(
                calibrate,
                "fault.calibrate: the dose is given; remove it, or set dose = \"calibrated\"",
            ),
            (Dose::Number(given), None) => {
                let given = Spanned::new(self.dose.span(), *given);
                Ok((source.integer("fault.dose", &given, 0..=MAX_DOSE)?, None))
            }
            (Dose::Word(word), calibrate) if word == CALIBRATED => {
                let default = Calibrate::default();
                let calibrate = calibrate.as_ref().map_or(&default, Spanned::get_ref);
                let (start, rule) = calibrate.rule(source)?;
                Ok((start, Some(rule)))
            }
            (Dose::Word(_) | Dose::Other(_), _) => source.refuse(
                &self.dose,
                format!("fault.dose: must be an integer from 0 to {MAX_DOSE}, or \"calibrated\""),
            ),
        }
    }

    /// The race is in the memory of the CPU; on other devices there is nothing to inject.
    fn devices(&self, source: &Source<'_>) -> Result<Vec<String>> {
        let Some(on) = &self.on else {
            return Ok(vec!["cpu".to_owned()]);
        };
        let device = |on| source.one_of("fault.on", "device for tensor-lifetime", on, &["cpu"]);
        on.iter().map(|on| Ok(device(on)?.to_owned())).collect()
    }
}

impl Calibrate {
    /// The first dose to try, and the rule.
    fn rule(&self, source: &Source<'_>) -> Result<(u32, CalibrationRule)> {
        let integer = |key: &str, given: &Option<Spanned<i64>>, most, default| match given {
            None => Ok(default),
            Some(given) => source.integer(&format!("fault.calibrate.{key}"), given, 1..=most),
        };
        let pass = match &self.pass {
            Some(pass) if !(*pass.get_ref() > 0.0 && *pass.get_ref() < 1.0) => {
                let problem = "fault.calibrate.pass: must be a share of rounds between 0 and 1, \
                               such as 0.4";
                return source.refuse(pass, problem);
            }
            Some(pass) => *pass.get_ref(),
            None => PASS,
        };
        let start = integer("start", &self.start, MAX_DOSE, START)?;
        let rounds = integer("rounds", &self.rounds, MAX_ROUNDS, ROUNDS)?;
        Ok((start, CalibrationRule { pass, rounds }))
    }
}
