//! The machines that ran the shards of a merged run.

use std::collections::BTreeMap;

use crashrate_model::{Device, Mode, StopReason};
use schemars::JsonSchema;
use serde::Serialize;

use super::{CountedRounds, RateTest, Share};

/// The machines of a merged run, and what is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machines {
    /// The number of shards of the whole run.
    pub shards: u32,
    /// Each machine, in the order of its first shard.
    pub list: Vec<Machine>,
    /// The shards that were not merged, except those without a block.
    pub missing_shards: Vec<u32>,
    /// The shards that lack blocks, and how many: the missing blocks by shard.
    pub missing_by_shard: Vec<MissingBlocks>,
    /// The rounds (from 1) that ran on a machine other than the last of their shard; `None` if
    /// several machines ran its units.
    pub moved: BTreeMap<u32, Option<usize>>,
    /// The blocks without a result of every unit. None if the run needs no more: its rule has
    /// decided.
    pub missing_blocks: u32,
    /// All blocks of the run.
    pub blocks: u32,
    /// Whether rates differ between machines, for each unit for which that can be tested.
    pub tests: Vec<RateTest>,
}

/// The blocks of a shard that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MissingBlocks {
    /// The shard's index, from 1.
    pub shard: u32,
    /// How many blocks lack a result of a unit.
    pub blocks: u32,
}

/// A machine, with the shards that it ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Properties of the machine: `host`, `cpu`, `gpu` and others where known.
    pub facts: BTreeMap<String, String>,
    /// Its devices, where crashrate chose them.
    pub devices: Vec<Device>,
    /// The device and versions that children reported.
    pub reported: Option<String>,
    /// The load when its runs began, such as `4.3 on 2 cores`; each value once.
    pub loads: Vec<String>,
    /// The indices of its shards, and how each ended.
    pub shards: Vec<(u32, ShardState)>,
    /// The rounds of its shards, without those that another machine ran.
    pub planned: u32,
    /// Those that have a result, or were skipped or not reached.
    pub ended: u32,
    /// Bad first attempts of those that count, over all units.
    pub first_attempt: Share,
    /// The same for each unit, in the order of the plan.
    pub units: Vec<MachineUnit>,
}

/// A unit on one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineUnit {
    /// The chapter's or sequence's id.
    pub name: String,
    /// How it ran.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// Bad first attempts of those that count.
    pub first_attempt: Share,
    /// Those that failed, whether or not that is bad.
    pub failed: u32,
}

impl MachineUnit {
    /// The share of first attempts that a rate counts.
    pub fn share(&self, counted: CountedRounds) -> Share {
        match counted {
            CountedRounds::Bad => self.first_attempt,
            CountedRounds::Failed => Share {
                bad: self.failed,
                ..self.first_attempt
            },
        }
    }
}

/// How a shard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardState {
    /// All its rounds have a result.
    Complete,
    /// It ended before that, for this reason.
    Ended(StopReason),
    /// It was begun here, and continued on another machine.
    Continued,
    /// It has no end on record: it still runs, or its machine died.
    NoEnd,
}

impl Machines {
    /// The last machine of each shard, unless the shard is missing.
    pub fn by_shard(&self) -> Vec<Option<usize>> {
        let mut all = vec![None; self.shards as usize];
        for (place, machine) in self.list.iter().enumerate() {
            let shards = machine.shards.iter();
            let last = shards.filter(|(_, state)| *state != ShardState::Continued);
            for (shard, _) in last {
                if let Some(of_shard) = all.get_mut(*shard as usize - 1) {
                    *of_shard = Some(place);
                }
            }
        }
        all
    }

    /// The units whose rates differ between machines.
    pub fn differing(&self) -> impl Iterator<Item = &RateTest> {
        self.tests.iter().filter(|test| test.differs)
    }
}

impl Machine {
    /// First attempts that failed, over all units, whether or not that is bad.
    pub fn failed(&self) -> u32 {
        self.units.iter().map(|unit| unit.failed).sum()
    }

    /// The name of the host, if known.
    pub fn host(&self) -> Option<&str> {
        self.facts.get("host").map(String::as_str)
    }
}
