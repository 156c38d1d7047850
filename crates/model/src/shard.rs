//! Runs on several machines: each machine runs a shard, and the shards are merged into one run.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_with::skip_serializing_none;

use crate::{Device, DeviceFailure, Ended, EvidenceMode, Finding, Hello, StopReason};

/// A part of a run: every `count`-th block, beginning with block `index`. A block is never divided,
/// so rounds that are compared ran on the same machine.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema
)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// The number of shards.
    #[serde(deserialize_with = "count")]
    pub count: u32,
}

/// A number of shards, which divides numbers of rounds.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(from)?;
    Shard::new(1, count).map_err(D::Error::custom)?;
    Ok(count)
}

impl Shard {
    /// The most shards of a run.
    pub const MOST: u32 = 100_000;

    /// A shard of a run of `count` shards.
    ///
    /// # Errors
    /// There is no such shard, or there are too many.
    pub fn new(index: u32, count: u32) -> Result<Shard, String> {
        match count {
            0 => Err("there must be at least 1 shard".to_owned()),
            _ if count > Shard::MOST => Err(format!(
                "there are {count} shards, but a run has at most {}",
                Shard::MOST
            )),
            _ if (1..=count).contains(&index) => Ok(Shard { index, count }),
            _ => Err(format!(
                "there is no shard {index} of {count}: shards are numbered from 1 to {count}"
            )),
        }
    }

    /// The shard of `count` shards that has a round (from 1).
    pub fn of_round(round: u32, count: u32) -> Shard {
        Shard {
            index: (round - 1) % count + 1,
            count,
        }
    }

    /// Whether a round (from 1) belongs to the shard.
    pub fn has(self, round: u32) -> bool {
        Shard::of_round(round, self.count) == self
    }

    /// How many of a unit's rounds belong to the shard.
    pub fn rounds_of(self, rounds: u32) -> u32 {
        match rounds.checked_sub(self.index) {
            Some(after) => after / self.count + 1,
            None => 0,
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let invalid = || format!("expected a shard such as 3/16, not {text:?}");
        let (index, count) = text.split_once('/').ok_or_else(invalid)?;
        let index: u32 = index.parse().map_err(|_| invalid())?;
        let count: u32 = count.parse().map_err(|_| invalid())?;
        Shard::new(index, count)
    }
}

/// What a merged run is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// The number of shards of the whole run.
    #[serde(deserialize_with = "count")]
    pub count: u32,
    /// The shards that were merged, in order of their indices. The others are missing.
    pub shards: Vec<MergedShard>,
}

impl Merged {
    /// The shard that ran a round (from 1), unless it is missing.
    pub fn of_round(&self, round: u32) -> Option<&MergedShard> {
        let index = Shard::of_round(round, self.count).index;
        self.shards.iter().find(|shard| shard.index == index)
    }

    /// The shards without a run that have one of these rounds of a unit.
    pub fn missing(&self, rounds: u32) -> impl Iterator<Item = Shard> + '_ {
        let count = self.count;
        let has = |index: &u32| self.shards.iter().any(|shard| shard.index == *index);
        let missing = (1..=count.min(rounds)).filter(move |index| !has(index));
        missing.map(move |index| Shard { index, count })
    }

    /// The device that an attempt ran on, if crashrate chose it.
    pub fn device_of(&self, ended: &Ended) -> Option<&Device> {
        let runs = &self.of_round(ended.round)?.each;
        let run = runs.get(ended.run.unwrap_or(0) as usize)?;
        run.devices.get(ended.device? as usize)
    }
}

/// A shard of a merged run, with the machine that ran it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MergedShard {
    /// [`Shard::index`].
    pub index: u32,
    /// The ids of its runs. More than one if it was begun again. A run that was resumed on another
    /// machine is here once for each machine.
    pub runs: Vec<String>,
    /// Properties of its machine, as in [`RunInfo::machine`](crate::RunInfo::machine).
    pub machine: BTreeMap<String, String>,
    /// Its devices, as in [`RunInfo::devices`](crate::RunInfo::devices).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// The device and versions that its children reported.
    pub hello: Option<Hello>,
    /// Wall-clock time of its first record, RFC 3339.
    pub started: String,
    /// Wall-clock time of its end, RFC 3339; `None` if it has no end on record.
    pub finished: Option<String>,
    /// Why it started no more rounds; `None` if it has no end on record.
    pub why: Option<StopReason>,
    /// Whether one of its runs was not over when it was merged. Only merges in memory have such
    /// runs.
    #[serde(skip)]
    pub is_running: bool,
    /// Its runs one by one, in the order of `runs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<ShardRun>,
}

/// A run of a shard, or the part of it that one machine ran, with everything in which the runs of
/// one plan may differ. The facts of a merged run follow from these, so that it does not matter in
/// which order and groups runs are merged.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardRun {
    /// The run's id.
    pub id: String,
    /// The report number N.
    pub number: u32,
    /// Which part of its journal it is, if the run was resumed on another machine and this is not
    /// the first part.
    pub resumed: Option<ResumedPart>,
    /// Wall-clock time of its first record, RFC 3339.
    pub started: String,
    /// Wall-clock time of its end, RFC 3339; `None` if it has no end on record.
    pub finished: Option<String>,
    /// Seconds since it was last opened until its last record.
    pub at: f64,
    /// Seconds that it ran, from its first to its last record, without the time between its end and
    /// the start that resumed it.
    pub secs: f64,
    /// Why it started no more rounds; `None` if it has no end on record.
    pub why: Option<StopReason>,
    /// Bytes of its journal that were merged: of two copies of a journal, the longer one is newer.
    pub bytes: u64,
    /// As in [`RunInfo::machine`](crate::RunInfo::machine).
    pub machine: BTreeMap<String, String>,
    /// As in [`RunInfo::devices`](crate::RunInfo::devices).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// The devices that stopped working since it was last opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_failures: Vec<DeviceFailure>,
    /// The device and versions that its first child reported.
    pub hello: Option<Hello>,
    /// As in [`RunInfo::findings`](crate::RunInfo::findings).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// As in [`RunInfo::limits`](crate::RunInfo::limits).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
    /// As in [`RunInfo::jobs`](crate::RunInfo::jobs).
    pub jobs: u32,
    /// As in [`RunInfo::evidence`](crate::RunInfo::evidence).
    pub evidence: EvidenceMode,
    /// As in [`RunInfo::evidence_rounds`](crate::RunInfo::evidence_rounds).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evidence_rounds: bool,
    /// As in [`RunInfo::max_failures`](crate::RunInfo::max_failures).
    pub max_failures: Option<u32>,
    /// As in [`RunInfo::time_budget`](crate::RunInfo::time_budget).
    pub time_budget: Option<f64>,
}

/// The facts of a machine that do not change while it stays the same one.
const HARDWARE: [&str; 4] = ["host", "cpu", "memory", "gpu"];

/// Whether two runs, by the facts of their machines and their devices, ran on the same machine with
/// the same devices. Its software and the state of the tested repository may differ.
pub fn is_same_machine(
    (facts, devices): (&BTreeMap<String, String>, &[Device]),
    (other_facts, other_devices): (&BTreeMap<String, String>, &[Device]),
) -> bool {
    HARDWARE
        .iter()
        .all(|fact| facts.get(*fact) == other_facts.get(*fact))
        && devices.len() == other_devices.len()
        && devices
            .iter()
            .zip(other_devices)
            .all(|(one, two)| one.is_same(two))
}

/// The part of a journal that a machine wrote after the run was resumed there.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema
)]
pub struct ResumedPart {
    /// From 1: the machine that began the run wrote part 0.
    pub part: u32,
    /// Wall-clock time of the journal's first record, RFC 3339.
    pub began: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_divide_the_rounds() {
        for count in 1..8 {
            for rounds in 0..30 {
                let shards = (1..=count).map(|index| Shard { index, count });
                let mut all = 0;
                for shard in shards {
                    let own = (1..=rounds).filter(|round| shard.has(*round)).count() as u32;
                    assert_eq!(shard.rounds_of(rounds), own);
                    all += own;
                }
                assert_eq!(all, rounds);
            }
        }
    }

    #[test]
    fn the_largest_numbers_of_rounds_are_divided() {
        let shard = Shard {
            index: 2,
            count: Shard::MOST,
        };
        assert_eq!(shard.rounds_of(u32::MAX), 42_950);
        assert_eq!(shard.rounds_of(1), 0);
        let error = "1/100001".parse::<Shard>().unwrap_err();
        assert_eq!(
            error,
            "there are 100001 shards, but a run has at most 100000"
        );
    }

    #[test]
    fn journals_with_impossible_numbers_of_shards_are_refused() {
        for count in [0, 4_000_000_000_u32] {
            let text = format!(r#"{{"count":{count},"shards":[]}}"#);
            assert!(serde_json::from_str::<Merged>(&text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Shard>(r#"{"index":1,"count":16}"#).is_ok());
    }

    #[test]
    fn shards_without_blocks_are_not_missing() {
        let merged = Merged {
            count: 5,
            shards: vec![MergedShard {
                index: 2,
                ..MergedShard::default()
            }],
        };
        let missing = merged.missing(3).map(|shard| shard.index);
        assert_eq!(missing.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_shard_is_written_as_its_index_and_the_number_of_shards() {
        let shard: Shard = "3/16".parse().unwrap();
        assert_eq!(shard.to_string(), "3/16");
        for text in ["", "3", "0/2", "3/2", "1/0", "a/2", "1/2/3", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        let error = "0/3".parse::<Shard>().unwrap_err();
        assert_eq!(
            error,
            "there is no shard 0 of 3: shards are numbered from 1 to 3"
        );
    }
}
