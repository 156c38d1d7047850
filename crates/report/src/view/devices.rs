//! The devices of a run, and what else happened on the machine.

use crashrate_model::Device;
use schemars::JsonSchema;
use serde::Serialize;

use super::Share;

/// A device of a run that has several, with the first attempts of its rounds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DeviceRow {
    /// Its machine, in a merged run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The device.
    #[serde(flatten)]
    pub device: Device,
    /// Bad first attempts over those that count, of all units.
    pub first_attempt: Share,
    /// The same for each unit that has any, in the order of the plan.
    pub units: Vec<DeviceUnit>,
}

/// A unit on one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeviceUnit {
    /// Index of the unit.
    pub unit: u32,
    /// Bad first attempts over those that count.
    pub first_attempt: Share,
}

impl DeviceRow {
    /// The first attempts of the unit with this index.
    pub fn of_unit(&self, unit: u32) -> Share {
        let found = self.units.iter().find(|one| one.unit == unit);
        found.map_or_else(Share::default, |one| one.first_attempt)
    }
}

/// First attempts during which something else happened on the machine. They are in every rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Disturbances {
    /// Those that count, over all units; the rate of those that were disturbed.
    pub disturbed: Share,
    /// The others.
    pub undisturbed: Share,
    /// How many ran beside other processes on their GPU.
    pub processes: u32,
    /// How many ran while the machine had more to do than it has cores.
    pub load: u32,
    /// How many slept with the machine.
    pub slept: u32,
    /// The units that have disturbed rounds, in the order of the plan.
    pub units: Vec<UnitDisturbances>,
}

/// The disturbed first attempts of one unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct UnitDisturbances {
    /// Index of the unit.
    pub unit: u32,
    /// The rate of those that were disturbed.
    pub disturbed: Share,
    /// The rate of the others.
    pub undisturbed: Share,
}
