//! Tallies first attempts by device, and those during which something else happened.

use std::collections::BTreeMap;

use crashrate_model::{Device, Ended, RunInfo, Shard};

use crate::view::{DeviceRow, Disturbances, Share, UnitDisturbances};

#[derive(Clone, Debug, Default)]
pub(super) struct DeviceTally {
    by_device: BTreeMap<DevicePlace, Share>,
    all: Disturbances,
    by_unit: BTreeMap<u32, UnitDisturbances>,
}

/// A device of a run of a shard: the shard (0 if the run is not merged), the run, and the device.
type DevicePlace = (u32, u32, u32);

impl DeviceTally {
    pub(super) fn end(&mut self, ended: &Ended, run: &RunInfo) {
        if ended.attempt != 1 || !ended.outcome.counts() || ended.is_apart() {
            return;
        }
        let add = |share: &mut Share| {
            share.n += 1;
            share.bad += u32::from(run.bad.contains(ended.outcome));
        };
        if let Some(device) = ended.device {
            let of_round = |count| Shard::of_round(ended.round, count).index;
            let shard = run
                .merged
                .as_ref()
                .map_or(0, |merged| of_round(merged.count));
            let place = (shard, ended.run.unwrap_or(0), device);
            add(self.by_device.entry(place).or_default());
        }
        let unit = self.by_unit.entry(ended.unit).or_default();
        let all = &mut self.all;
        match ended.disturbance.as_deref() {
            None => {
                add(&mut unit.undisturbed);
                add(&mut all.undisturbed);
            }
            Some(disturbance) => {
                add(&mut unit.disturbed);
                add(&mut all.disturbed);
                all.processes += u32::from(!disturbance.processes.is_empty());
                all.load += u32::from(disturbance.load.is_some());
                all.slept += u32::from(disturbance.slept.is_some());
            }
        }
    }

    /// A row for each device. A device that had several shards has one row.
    pub(super) fn rows(&self, run: &RunInfo) -> Vec<DeviceRow> {
        let mut rows: Vec<DeviceRow> = Vec::new();
        for (place, host, device) in all(run) {
            let share = self.by_device.get(&place).copied().unwrap_or_default();
            let is_same =
                |row: &&mut DeviceRow| row.host == host && is_same_device(&row.device, device);
            match rows.iter_mut().find(is_same) {
                Some(row) => {
                    row.first_attempt.n += share.n;
                    row.first_attempt.bad += share.bad;
                }
                None => rows.push(DeviceRow {
                    host,
                    device: device.clone(),
                    first_attempt: share,
                }),
            }
        }
        rows
    }

    /// `None` if nothing else happened.
    pub(super) fn disturbances(&self) -> Option<Disturbances> {
        let units = self.by_unit.iter().map(|(&unit, seen)| UnitDisturbances {
            unit,
            ..seen.clone()
        });
        (self.all.disturbed.n > 0).then(|| Disturbances {
            units: units.filter(|unit| unit.disturbed.n > 0).collect(),
            ..self.all.clone()
        })
    }
}

/// Whether two devices of one host are the same one. Which others its attempts see, and which
/// processors they run on, may differ between shards.
fn is_same_device(one: &Device, two: &Device) -> bool {
    match (&one.uuid, &two.uuid) {
        (Some(one), Some(two)) => one == two,
        _ => one.name == two.name,
    }
}

/// The devices of a run, or of all runs of a merged one, with their hosts.
fn all(run: &RunInfo) -> Vec<(DevicePlace, Option<String>, &Device)> {
    let Some(merged) = &run.merged else {
        let own = (0..).zip(&run.devices);
        return own
            .map(|(index, device)| ((0, 0, index), None, device))
            .collect();
    };
    let mut all = Vec::new();
    for shard in &merged.shards {
        for (place, one) in (0..).zip(&shard.each) {
            let host = one.machine.get("host");
            let own = (0..).zip(&one.devices);
            all.extend(
                own.map(|(index, device)| ((shard.index, place, index), host.cloned(), device)),
            );
        }
    }
    all
}
