//! The machines of a merged run in JSON.

use crashrate_model::Mode;
use crashrate_stats::HomogeneityMethod;
use serde_json::{Value, json};

use super::values::crash_rate;
use crate::view::{Machine, Machines, RateTest, ShardState, View};
use crate::words::{machine_differences, missing_blocks, shard_state};

pub(super) fn machines(view: &View, machines: &Machines) -> Value {
    let list = machines.list.iter().map(|one| machine(view, one));
    let tests = machines.tests.iter().map(|test| {
        let unit = &machines.list[0].units[test.unit];
        rate_test((&unit.name, unit.mode, &unit.variant), test)
    });
    json!({
        "shards": machines.shards,
        "missing_shards": machines.missing_shards,
        "missing_by_shard": machines.missing_by_shard,
        "blocks": machines.blocks,
        "missing_blocks": machines.missing_blocks,
        "machines": list.collect::<Vec<_>>(),
        // Whether rates differ between machines, by unit.
        "tests": tests.collect::<Vec<_>>(),
        "said": (missing_blocks(view).into_iter())
            .chain(machine_differences(view))
            .collect::<Vec<_>>(),
    })
}

/// Whether the rates of a unit differ between devices.
pub(super) fn device_test(view: &View, test: &RateTest) -> Option<Value> {
    let unit = view.units.get(test.unit)?;
    Some(rate_test((&unit.name, unit.mode, &unit.variant), test))
}

fn rate_test((name, mode, variant): (&str, Mode, &str), test: &RateTest) -> Value {
    json!({
        "name": name,
        "mode": mode,
        "variant": variant,
        "counted": test.counted,
        "p": test.test.p,
        "p_adjusted": test.p,
        "method": match test.test.method {
            HomogeneityMethod::Exact => "exact",
            HomogeneityMethod::MonteCarlo { .. } => "monte-carlo",
        },
        "draws": match test.test.method {
            HomogeneityMethod::Exact => None,
            HomogeneityMethod::MonteCarlo { draws } => Some(draws),
        },
        "differs": test.differs,
    })
}

fn machine(view: &View, machine: &Machine) -> Value {
    let stopping = view.run.optional_stopping();
    let shards = machine.shards.iter().map(|(index, state)| {
        json!({
            "shard": index,
            "complete": *state == ShardState::Complete,
            "state": shard_state(*state),
        })
    });
    let units = machine.units.iter().map(|unit| {
        json!({
            "name": unit.name,
            "mode": unit.mode,
            "variant": unit.variant,
            "first_attempt": unit.first_attempt,
            "failed": unit.failed,
            "crash_rate": crash_rate(unit.first_attempt, stopping),
        })
    });
    json!({
        "machine": machine.facts,
        "devices": machine.devices,
        "loads": machine.loads,
        "reported_device": machine.reported,
        "shards": shards.collect::<Vec<_>>(),
        "planned": machine.planned,
        "ended": machine.ended,
        "first_attempt": machine.first_attempt,
        "units": units.collect::<Vec<_>>(),
    })
}
