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
    let calibration = fault.get("calibration").map(Calibration::deserialize);
    if let Some(Ok(calibration)) = calibration {
        text += &format!(" {}", calibrated(&calibration));
    }
    Some(clean(&text, SENTENCE))
}

/// Its fields without the calibration: `tensor-lifetime, dose 20, carry over true, on cpu`.
pub(crate) fn facts(fault: &Value) -> String {
    let Some(fields) = fault.as_object() else {
        return fault.to_string();
    };
    let kind = fields.get("kind").and_then(Value::as_str);
    let mut facts: Vec<_> = kind.into_iter().map(str::to_owned).collect();
    for (key, value) in fields {
        if key != "kind" && key != "calibration" {
            facts.push(format!("{} {}", key.replace('_', " "), field(value)));
        }
    }
    facts.join(", ")
}

fn field(value: &Value) -> String {
    match value {
        Value::Array(all) => all.iter().map(parameter).collect::<Vec<_>>().join(" "),
        one => parameter(one),
    }
}

fn calibrated(calibration: &Calibration) -> String {
    let steps = calibration.steps.iter().map(|step| {
        let dose = count(step.dose.into());
        format!("dose {dose} {}/{}", step.passed, step.of)
    });
    let steps: Vec<_> = steps.collect();
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
