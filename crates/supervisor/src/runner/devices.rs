//! Devices that stop working.

use std::collections::VecDeque;

use crashrate_model::{DeviceFailure, Ended, Outcome, Record, Started, StopReason};

use super::campaign::{RunError, RunEvent};
use super::probes::LIMIT;
use super::state::Runner;
use crate::plan::Pending;
use crate::schedule::{End, Input, Running};

impl Runner<'_> {
    /// Asks the device of an attempt that ended so, if it may have stopped working and can be asked.
    /// Until it has answered, its slot takes nothing else.
    pub(super) fn asks_device(&mut self, running: Running, outcome: Outcome, end: End) -> bool {
        let is_death = matches!(outcome, Outcome::Crashed | Outcome::TimedOut);
        let Running { slot, key, .. } = running;
        if !is_death || !self.probes.can_ask(key.unit, &self.device_name()) {
            return false;
        }
        let own = self.specs.device_of(slot);
        let own = own.map(|own| self.specs.devices[own as usize].name.clone());
        let name = own.unwrap_or_else(|| self.device_name());
        (self.observer)(RunEvent::Probing(slot, &name, LIMIT));
        self.is_busy[slot as usize] = true;
        self.slots.probe(running, end);
        true
    }

    /// The device of attempts: the requested one, or what they report of `auto`.
    fn device_name(&self) -> String {
        let requested = self.specs.device_name();
        let mut reported = self.hellos.iter().map(|hello| hello.device.as_str());
        let reported = reported.next_back().filter(|_| requested == "auto");
        reported.unwrap_or(requested).to_owned()
    }

    /// Whether nothing is started in a slot, because its device does not work.
    pub(super) fn has_failed(&self, slot: u32) -> bool {
        let device = self.specs.device_of(slot);
        device.is_some_and(|device| self.failed.contains(&device))
    }

    /// A device was asked: the attempt frees its slot, or nothing more is started on the device.
    pub(super) fn probed(
        &mut self,
        running: Running,
        end: End,
        problem: Option<String>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let slot = running.slot;
        self.is_busy[slot as usize] = false;
        (self.observer)(RunEvent::Probed(slot));
        if let Some(probe) = problem
            && !self.has_failed(slot)
        {
            self.device_failed(running, probe, inputs)?;
        }
        inputs.push_back(Input::Ended { slot, end });
        Ok(())
    }

    fn device_failed(
        &mut self,
        Running { slot, key, .. }: Running,
        probe: String,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let device = self.specs.device_of(slot);
        let own = device.map(|device| self.specs.devices[device as usize].name.clone());
        let failure = DeviceFailure {
            at: self.elapsed(),
            device,
            name: own.unwrap_or_else(|| self.device_name()),
            unit: key.unit,
            round: key.round,
            probe,
        };
        let sentence = failure.sentence();
        self.record(Record::DeviceFailed(Box::new(failure)), inputs)?;
        self.failed.extend(device);
        if self.failed.len() >= self.specs.devices.len() {
            match self.counted {
                None => self.give_up(StopReason::DeviceFailed, sentence),
                // All counted rounds have run.
                Some(_) => self.evidence_rounds = None,
            }
        }
        inputs.push_back(Input::DeviceFailed(device.unwrap_or(0)));
        Ok(())
    }

    /// Records that a round is not started, because the device of its block does not work any more.
    pub(super) fn abandon(
        &mut self,
        Pending { key, attempt }: Pending,
        device: u32,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let name = &self.specs.devices[device as usize].name;
        let reason = format!("{name} does not work any more");
        let at = self.elapsed();
        let started = Started {
            unit: key.unit,
            round: key.round,
            attempt,
            at,
            opened: None,
        };
        self.record(Record::Started(started), inputs)?;
        let ended = Ended {
            at,
            reason: Some(reason),
            device: Some(device),
            ..Ended::of(key.unit, key.round, attempt, Outcome::NotStarted)
        };
        self.record(Record::Ended(Box::new(ended)), inputs)
    }
}
