//! Tallies first attempts by device, and those during which something else happened.

use std::collections::BTreeMap;

use crashrate_model::{Device, Ended, RunInfo, Shard};

use super::rate_tests::rate_tests;
use crate::view::{
    CountedRounds, DeviceRow, DeviceUnit, Disturbances, RateTest, Share, UnitDisturbances, View,
};

#[derive(Clone, Debug, Default)]
pub(super) struct DeviceTally {
    by_device: BTreeMap<DevicePlace, BTreeMap<u32, Share>>,
    /// The devices of the parts of a run that is not merged: a resumed part may have others.
    parts: Vec<Vec<Device>>,
    all: Disturbances,
    by_unit: BTreeMap<u32, UnitDisturbances>,
}

/// A device of a run of a shard: the shard (0 if the run is not merged), the run or part, and the
/// device.
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
            let place = match &run.merged {
                Some(merged) => {
                    let shard = Shard::of_round(ended.round, merged.count);
                    (shard.index, ended.run.unwrap_or(0), device)
                }
                None => {
                    if self.parts.last() != Some(&run.devices) {
                        self.parts.push(run.devices.clone());
                    }
                    (0, self.parts.len() as u32 - 1, device)
                }
            };
            let units = self.by_device.entry(place).or_default();
            add(units.entry(ended.unit).or_default());
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
        let mut rows: Vec<(DeviceRow, BTreeMap<u32, Share>)> = Vec::new();
        for (place, host, device) in self.all(run) {
            // A UUID is the same device whatever its machine is called, such as a pod.
            let is_same = |(row, _): &(DeviceRow, _)| {
                let have_uuids = row.device.uuid.is_some() && device.uuid.is_some();
                (row.host == host || have_uuids) && row.device.is_same(device)
            };
            let at = rows.iter().position(is_same).unwrap_or_else(|| {
                let row = DeviceRow {
                    host: host.clone(),
                    device: device.clone(),
                    first_attempt: Share::default(),
                    units: Vec::new(),
                };
                rows.push((row, BTreeMap::new()));
                rows.len() - 1
            });
            let (row, units) = &mut rows[at];
            for (unit, share) in self.by_device.get(&place).into_iter().flatten() {
                row.first_attempt.add(*share);
                units.entry(*unit).or_default().add(*share);
            }
        }
        let rows = rows.into_iter().map(|(row, units)| {
            let units = units.into_iter().map(|(unit, first_attempt)| DeviceUnit {
                unit,
                first_attempt,
            });
            DeviceRow {
                units: units.collect(),
                ..row
            }
        });
        rows.collect()
    }

    /// The devices of all parts of a run, or of all runs of a merged one, with their hosts.
    fn all<'a>(&'a self, run: &'a RunInfo) -> Vec<(DevicePlace, Option<String>, &'a Device)> {
        let mut all = Vec::new();
        let Some(merged) = &run.merged else {
            let is_last = self.parts.last() == Some(&run.devices);
            let last = (!is_last).then_some(&run.devices);
            for (part, devices) in (0..).zip(self.parts.iter().chain(last)) {
                let own = (0..).zip(devices);
                all.extend(own.map(|(index, device)| ((0, part, index), None, device)));
            }
            return all;
        };
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

/// Tests whether the rate of each unit is the same on all devices.
pub(super) fn tests(view: &View) -> Vec<RateTest> {
    let on_each = |unit: u32| view.devices.iter().map(move |row| row.of_unit(unit));
    let units = (0..view.units.len()).map(|unit| {
        let shares = on_each(unit as u32).collect();
        (unit, CountedRounds::Bad, shares)
    });
    rate_tests(&view.run, units)
}
