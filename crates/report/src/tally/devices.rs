//! Tallies first attempts by device, and those during which something else happened.

use std::collections::BTreeMap;

use crashrate_model::{Device, Ended, OutcomeSet};

use crate::view::{DeviceRow, Disturbances, Share, UnitDisturbances};

#[derive(Clone, Debug, Default)]
pub(super) struct DeviceTally {
    by_device: BTreeMap<u32, Share>,
    all: Disturbances,
    by_unit: BTreeMap<u32, UnitDisturbances>,
}

impl DeviceTally {
    pub(super) fn end(&mut self, ended: &Ended, bad: &OutcomeSet) {
        if ended.attempt != 1 || !ended.outcome.counts() || ended.is_apart() {
            return;
        }
        let add = |share: &mut Share| {
            share.n += 1;
            share.bad += u32::from(bad.contains(ended.outcome));
        };
        if let Some(device) = ended.device {
            add(self.by_device.entry(device).or_default());
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

    /// A row for each device.
    pub(super) fn rows(&self, devices: &[Device]) -> Vec<DeviceRow> {
        let row = |(index, device): (u32, &Device)| DeviceRow {
            device: device.clone(),
            first_attempt: self.by_device.get(&index).copied().unwrap_or_default(),
        };
        (0..).zip(devices).map(row).collect()
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
