//! The search for a perturbation, as JSON.

use crashrate_model::{ProvokeAnswer, ProvokedArm};
use serde_json::{Value, json};

use crate::view::Provocation;

pub(super) fn provocation(search: &Provocation) -> Value {
    let found = search.found.as_ref();
    let answer = match search.answer() {
        None => Value::Null,
        Some(ProvokeAnswer::Shown { .. }) => json!("shown"),
        Some(ProvokeAnswer::NothingShown) => json!("nothing-shown"),
    };
    json!({
        "unit": search.unit,
        // Null while it is unknown.
        "target": search.target,
        "answer": answer,
        // The perturbation that is shown to help; null without one.
        "shown": search.shown().map(|arm| arm_of(search, arm)),
        "gain_asked": search.rule.gain,
        "error": search.rule.error,
        "seconds": found.map(|found| found.secs),
        // Kinds of bad ends that no unperturbed round has shown.
        "only_perturbed": search.only_perturbed.iter().map(|(kind, times)| json!({
            "kind": kind,
            "count": times,
        })).collect::<Vec<_>>(),
        "arms": found.map(|found| {
            found.arms.iter().map(|arm| arm_of(search, arm)).collect::<Vec<_>>()
        }).unwrap_or_default(),
    })
}

fn arm_of(search: &Provocation, arm: &ProvokedArm) -> Value {
    let signatures = search.signatures.get(arm.unit as usize);
    json!({
        "perturb": search.perturbation(arm),
        // Whether it ambushes places that were learned from crashes.
        "learned_places": arm.learned,
        "seconds": arm.secs,
        "rounds": arm.rounds,
        "crashes": arm.crashes,
        "others": arm.others,
        // Null while the unperturbed program has no crash, and for that program.
        "gain": arm.gain,
        // The upper end is null if there is no limit.
        "gain_interval": [arm.gain_from, arm.gain_to],
        // Of all rounds with this perturbation.
        "signatures": signatures.into_iter().flatten().map(|(signature, times)| json!({
            "signature": signature,
            "count": times,
        })).collect::<Vec<_>>(),
    })
}
