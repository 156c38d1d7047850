//! The blocks of a run on several devices: all rounds of a block run on the same device, so that
//! what is compared within a block ran on one.

use std::collections::{BTreeMap, VecDeque};

use crate::plan::Pending;

/// Which device has which rounds left.
pub(super) struct Blocks {
    devices: Vec<OnDevice>,
    /// The devices of the blocks that earlier supervisors began, by round.
    begun: BTreeMap<u32, u32>,
    /// The first round of the next block.
    ahead: Option<Pending>,
}

#[derive(Default)]
struct OnDevice {
    /// The rounds of its blocks that have not started.
    left: VecDeque<Pending>,
    has_failed: bool,
}

impl Blocks {
    pub(super) fn new(devices: u32, begun: BTreeMap<u32, u32>, missing: &[u32]) -> Blocks {
        let of = |device| OnDevice {
            has_failed: missing.contains(&device),
            ..OnDevice::default()
        };
        Blocks {
            devices: (0..devices).map(of).collect(),
            begun,
            ahead: None,
        }
    }

    pub(super) fn device_of(&self, slot: usize) -> usize {
        slot % self.devices.len()
    }

    pub(super) fn has_failed(&self, slot: usize) -> bool {
        self.devices[self.device_of(slot)].has_failed
    }

    pub(super) fn have_all_failed(&self) -> bool {
        self.devices.iter().all(|device| device.has_failed)
    }

    /// Starts nothing more on a device. Returns the rounds of its blocks that have not started.
    pub(super) fn fail(&mut self, device: u32) -> VecDeque<Pending> {
        let Some(device) = self.devices.get_mut(device as usize) else {
            return VecDeque::new();
        };
        device.has_failed = true;
        std::mem::take(&mut device.left)
    }

    /// The next round of a slot. Its device takes the next block when it has none left.
    pub(super) fn next(
        &mut self,
        slot: usize,
        rounds: &mut impl Iterator<Item = Pending>,
    ) -> Option<Pending> {
        let device = self.device_of(slot);
        loop {
            if let Some(next) = self.devices[device].left.pop_front() {
                return Some(next);
            }
            let first = self.ahead.take().or_else(|| rounds.next())?;
            let block = first.key.round;
            // Another device than the one that began it would split the block.
            let begun = self.begun.get(&block).map(|device| *device as usize);
            let owner = begun.filter(|&begun| {
                let device = self.devices.get(begun);
                device.is_some_and(|device| !device.has_failed)
            });
            let left = &mut self.devices[owner.unwrap_or(device)].left;
            left.push_back(first);
            for round in rounds.by_ref() {
                if round.key.round != block {
                    self.ahead = Some(round);
                    break;
                }
                left.push_back(round);
            }
        }
    }

    /// A round of any device that has not started.
    pub(super) fn any(&mut self, rounds: &mut impl Iterator<Item = Pending>) -> Option<Pending> {
        let left = self.devices.iter_mut();
        (left.filter_map(|device| device.left.pop_front()).next())
            .or_else(|| self.ahead.take())
            .or_else(|| rounds.next())
    }

    /// Whether a whole block waits for a device.
    #[cfg(test)]
    pub(super) fn holds_block(&self) -> bool {
        self.ahead.is_some()
    }
}
