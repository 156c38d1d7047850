//! From what the user asks for to the rule by which the run stops by itself.

use std::collections::HashMap;

use crashrate_model::{Axis, Gate, Mode, RateBound, Spawn, Stopping, Unit, executed_variant};

use super::{RequestError, Until};
use crate::bisect;
use crate::minimize;
use crate::plan::Plan;
use crate::provoke;

/// The stopping rule, and what it leaves of the plan.
pub(super) fn stopping(plan: Plan, until: &Until) -> Result<(Plan, Stopping), RequestError> {
    if plan.only_round.is_some() {
        // The command line of a repeated run may also name a rule; one round decides nothing.
        return Ok((plan, Stopping::FixedRounds));
    }
    let stopping = match until {
        Until::Gate(limit) => Stopping::Gates(gates_for_all(&plan.units, limit)),
        Until::FirstBad => Stopping::FirstBad,
        Until::Decided => axis(&plan.units).map(Stopping::Decided)?,
        Until::Minimized(options) => {
            let (plan, rule) = minimize::plan(plan, options)?;
            return Ok((plan, Stopping::Minimized(rule)));
        }
        Until::Bisected(options) => {
            let (plan, rule) = bisect::plan(plan, options);
            return Ok((plan, Stopping::Bisected(rule)));
        }
        Until::Provoked(options) => {
            let (plan, rule) = provoke::plan(plan, options)?;
            return Ok((plan, Stopping::Provoked(rule)));
        }
        Until::Suite => match suite_gates(&plan) {
            gates if gates.is_empty() => Stopping::FixedRounds,
            gates => Stopping::Gates(gates),
        },
    };
    Ok((plan, stopping))
}

/// What is compared: several variants, else forked with executed processes, else the two modes.
fn axis(units: &[Unit]) -> Result<Axis, RequestError> {
    let first = executed_variant(&units[0].variant);
    let has_spawn = |spawn| units.iter().any(|u| u.spawn == spawn);
    let has_mode = |mode| units.iter().any(|u| u.mode == mode);
    if units.iter().any(|u| executed_variant(&u.variant) != first) {
        Ok(Axis::Variant)
    } else if has_spawn(Spawn::Exec) && has_spawn(Spawn::Fork) {
        Ok(Axis::Spawn)
    } else if has_mode(Mode::Isolated) && has_mode(Mode::Sequential) {
        Ok(Axis::Mode)
    } else {
        Err(RequestError::NothingToCompare)
    }
}

/// One gate for each unit, with the same limit.
fn gates_for_all(units: &[Unit], limit: &RateBound) -> Vec<Gate> {
    let gate = |unit: &Unit| Gate {
        name: unit.name.clone(),
        mode: unit.mode,
        variant: unit.variant.clone(),
        limit: limit.clone(),
    };
    units.iter().map(gate).collect()
}

/// The suite's gates, under each planned variant.
fn suite_gates(plan: &Plan) -> Vec<Gate> {
    let mut by_unit: HashMap<(&str, Mode), Vec<&Gate>> = HashMap::new();
    for gate in &plan.suite.gates {
        let of_unit = by_unit.entry((&gate.name, gate.mode)).or_default();
        of_unit.push(gate);
    }
    let mut gates = Vec::new();
    for unit in &plan.units {
        let of_unit = by_unit.get(&(unit.name.as_str(), unit.mode));
        for gate in of_unit.into_iter().flatten() {
            gates.push(Gate {
                variant: unit.variant.clone(),
                ..(*gate).clone()
            });
        }
    }
    gates
}
