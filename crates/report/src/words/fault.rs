//! The injected fault in words.

use crashrate_model::Calibration;
use serde::Deserialize;
use serde_json::Value;

use crate::clean::{SENTENCE, clean};
use crate::view::View;
use crate::words::{count, parameter};

/// The injected fault, if any, and how its dose was found.
pub(crate) fn fault(view: &View) -> Option<String> {
    let fault = view.run.fault.as_ref()?;
    let mut text = format!("Fault injected: {}.", facts(fault));
    if let Some(calibration) = calibration(fault) {
        text.push(' ');
        text.push_str(&calibrated(&calibration));
    }
    Some(clean(&text, SENTENCE))
}

/// Its fields without the calibration: `tensor-lifetime, dose 20, carry over true, on cpu`.
pub(crate) fn facts(fault: &Value) -> String {
    let Some(fields) = fault.as_object() else {
        return fault.to_string();
    };
    let kind = fields
        .get("kind")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let others = fields
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "kind" | "calibration"));
    let others = others.map(|(key, value)| format!("{} {}", key.replace('_', " "), field(value)));
    kind.into_iter()
        .chain(others)
        .collect::<Vec<_>>()
        .join(", ")
}

fn field(value: &Value) -> String {
    match value {
        Value::Array(all) => all.iter().map(parameter).collect::<Vec<_>>().join(" "),
        one => parameter(one),
    }
}

fn calibration(fault: &Value) -> Option<Calibration> {
    Calibration::deserialize(fault.get("calibration")?).ok()
}

fn calibrated(calibration: &Calibration) -> String {
    let steps: Vec<_> = (calibration.steps.iter())
        .map(|step| {
            format!(
                "dose {} {}/{}",
                count(step.dose.into()),
                step.passed,
                step.of
            )
        })
        .collect();
    let rounds: u32 = calibration.steps.iter().map(|step| step.of).sum();
    let found = match calibration.interval {
        Some((low, high)) => format!(
            "so that about {:.0}% of the rounds of {} pass (95%: {:.0}-{:.0}%)",
            calibration.rule.pass * 100.0,
            calibration.sequence,
            low * 100.0,
            high * 100.0
        ),
        None => "without success: it cannot be injected on this device".to_owned(),
    };
    format!(
        "Its dose was calibrated on this machine {found}, in {} rounds before the run that are \
         not counted (passed: {}).",
        count(rounds.into()),
        steps.join(", ")
    )
}
