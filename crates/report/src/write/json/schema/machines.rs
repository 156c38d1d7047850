//! The schema of the machines of a merged run.

use std::collections::BTreeMap;

use crashrate_model::{Device, Mode};
use schemars::JsonSchema;

use super::Rate;
use crate::view::{CountedRounds, MissingBlocks, Share};

/// The machines that ran the shards of a merged run.
#[derive(JsonSchema)]
pub(super) struct Machines {
    /// The number of shards of the whole run.
    shards: u32,
    /// The shards that were not merged.
    missing_shards: Vec<u32>,
    /// The missing blocks by shard.
    missing_by_shard: Vec<MissingBlocks>,
    /// All blocks of the run.
    blocks: u32,
    /// The blocks in which a unit has no result; 0 if the rule of the run has decided.
    missing_blocks: u32,
    /// The machines, in the order of their first shard.
    machines: Vec<Machine>,
    /// Whether rates differ between machines, for each unit for which that can be tested.
    tests: Vec<RateTest>,
    /// What is missing and what differs, in words.
    said: Vec<String>,
}

/// A machine, with the shards that it ran.
#[derive(JsonSchema)]
struct Machine {
    /// Properties of the machine.
    machine: BTreeMap<String, String>,
    /// Its devices, where crashrate chose them.
    devices: Vec<Device>,
    /// The load when its runs began; each value once.
    loads: Vec<String>,
    /// The device that children reported.
    reported_device: Option<String>,
    /// Its shards.
    shards: Vec<ShardState>,
    /// The rounds of its shards, without those that another machine ran.
    planned: u32,
    /// Those that have a result, or were skipped or not reached.
    ended: u32,
    /// Bad first attempts of those that count, over all units.
    first_attempt: Share,
    /// The same for each unit.
    units: Vec<MachineUnit>,
}

/// How a shard ended.
#[derive(JsonSchema)]
struct ShardState {
    /// Its index, from 1.
    shard: u32,
    /// Whether all its rounds have a result.
    complete: bool,
    /// How it ended, in words.
    state: String,
}

/// A unit on one machine.
#[derive(JsonSchema)]
struct MachineUnit {
    /// The chapter's or sequence's id.
    name: String,
    /// How it ran.
    mode: Mode,
    /// The variant's id.
    variant: String,
    /// Bad first attempts of those that count.
    first_attempt: Share,
    /// Those that failed, whether or not that is bad.
    failed: u32,
    /// `first_attempt` as a rate; null without rounds.
    crash_rate: Option<Rate>,
}

/// The test of equal rates on all machines or devices (Freeman and Halton).
#[derive(JsonSchema)]
pub(super) struct RateTest {
    /// The chapter's or sequence's id.
    name: String,
    /// How it ran.
    mode: Mode,
    /// The variant's id.
    variant: String,
    /// Which rounds are counted.
    counted: CountedRounds,
    /// The p-value of this test alone.
    p: f64,
    /// The p-value, adjusted for all tests (Holm).
    p_adjusted: f64,
    /// How it was computed.
    method: TestMethod,
    /// The number of random tables; null if it is exact.
    draws: Option<u32>,
    /// Whether a difference is shown.
    differs: bool,
}

/// How a p-value was computed.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TestMethod {
    /// Over all tables.
    Exact,
    /// From random tables.
    MonteCarlo,
}
