//! Decides when which attempt starts: a pure state machine without processes or a clock.

mod blocks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crashrate_model::StopReason;

use crate::plan::{Pending, RoundKey};
use blocks::Blocks;

#[cfg(test)]
mod tests;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The run begins.
    Begin,
    /// The attempt in this slot ended.
    Ended {
        /// The slot.
        slot: u32,
        /// How it ended.
        end: End,
    },
    /// Start no more rounds of this unit.
    Retire(u32),
    /// Start nothing more on this device; on the only one, if the slots have no devices.
    DeviceFailed(u32),
    /// Start nothing more, and let running attempts end.
    Stop(StopReason),
    /// Start nothing more, and kill running attempts.
    Kill,
}

/// How an attempt ended, as far as the schedule is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It passed.
    Passed,
    /// It was measured and did not pass. A retry may follow.
    NotPassed,
    /// It was not measured: not started, or interrupted. A retry would not help.
    Void,
}

/// What the runner has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start this attempt.
    Start(Running),
    /// Record that this round is not started: the device of its block does not work any more.
    Abandon {
        /// The round.
        pending: Pending,
        /// The device.
        device: u32,
    },
    /// Kill every running attempt.
    KillAll,
    /// The run is over.
    Finish(StopReason),
}

/// An attempt that has a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// The slot.
    pub slot: u32,
    /// The round.
    pub key: RoundKey,
    /// From 1.
    pub attempt: u32,
}

/// What bounds a schedule besides its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many attempts run at the same time.
    pub slots: u32,
    /// Number of rounds that may fail, retries included, before nothing more is started.
    pub max_failures: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining(StopReason),
    Killing,
    Finished,
}

/// The schedule of a run: the rounds left, the attempts in slots, and whether the run is stopping.
pub struct Schedule<R> {
    rounds: R,
    /// By unit.
    retries: Vec<u32>,
    slots: Vec<Option<Running>>,
    /// The blocks of each device, if the slots have devices.
    blocks: Option<Blocks>,
    /// How many more rounds may fail.
    failures_left: Option<u32>,
    retired: BTreeSet<u32>,
    phase: Phase,
    /// A stop or a failed device killed an attempt or left out a retry or a round.
    cut_short: bool,
}

impl<R: Iterator<Item = Pending>> Schedule<R> {
    /// A schedule of these rounds; `retries` has the number of retries of each unit.
    pub fn new(rounds: R, bounds: Bounds, retries: Vec<u32>) -> Self {
        Schedule {
            rounds,
            retries,
            slots: vec![None; bounds.slots.max(1) as usize],
            blocks: None,
            failures_left: bounds.max_failures,
            retired: BTreeSet::new(),
            phase: Phase::Running,
            cut_short: false,
        }
    }

    /// Divides the slots among devices: slot `s` has device `s % devices`, and a block runs on one
    /// device. `begun` has the devices of blocks that were begun before, by round. Nothing runs on
    /// a `missing` device.
    #[must_use]
    pub fn on_devices(mut self, devices: u32, begun: BTreeMap<u32, u32>, missing: &[u32]) -> Self {
        self.blocks = (devices > 0).then(|| Blocks::new(devices, begun, missing));
        self
    }

    /// Applies an input. All changes of the state happen here.
    pub fn step(&mut self, input: Input) -> VecDeque<Action> {
        let mut actions = VecDeque::new();
        match (input, self.phase) {
            (Input::Ended { slot, end }, _) => actions.extend(self.ended(slot, end)),
            (Input::Retire(unit), _) => {
                // The input of the attempt that decided it comes next; only that frees a slot.
                self.retired.insert(unit);
                return actions;
            }
            (Input::DeviceFailed(_), Phase::Finished) => {}
            (Input::DeviceFailed(device), _) => self.device_failed(device, &mut actions),
            (Input::Stop(why), Phase::Running) => self.phase = Phase::Draining(why),
            (Input::Kill, Phase::Running | Phase::Draining(_)) => {
                self.phase = Phase::Killing;
                actions.push_back(Action::KillAll);
            }
            (Input::Begin | Input::Stop(_) | Input::Kill, _) => {}
        }
        if self.phase == Phase::Running {
            self.fill(&mut actions);
        }
        if self.phase != Phase::Finished && self.slots.iter().all(Option::is_none) {
            actions.push_back(Action::Finish(self.why_finished()));
            self.phase = Phase::Finished;
        }
        actions
    }

    fn device_failed(&mut self, device: u32, actions: &mut VecDeque<Action>) {
        let left = self.blocks.as_mut().map(|blocks| blocks.fail(device));
        let left = left.unwrap_or_default().into_iter();
        let left = left.filter(|pending| !self.retired.contains(&pending.key.unit));
        actions.extend(left.map(|pending| Action::Abandon { pending, device }));
        self.cut_short |= !actions.is_empty();
        let is_last = self.blocks.as_ref().is_none_or(Blocks::have_all_failed);
        if is_last && self.phase == Phase::Running {
            self.phase = Phase::Draining(StopReason::DeviceFailed);
        }
    }

    fn ended(&mut self, slot: u32, end: End) -> Option<Action> {
        let ended = self.slots.get_mut(slot as usize)?.take()?;
        if end != End::NotPassed {
            self.cut_short |= end == End::Void && self.phase == Phase::Killing;
            return None;
        }
        if ended.attempt <= self.retries[ended.key.unit as usize] {
            let again = Running {
                attempt: ended.attempt + 1,
                ..ended
            };
            let is_possible = self.phase == Phase::Running && !self.has_failed(slot as usize);
            self.cut_short |= !is_possible;
            return is_possible.then(|| self.start(again));
        }
        let left = self.failures_left.as_mut()?;
        *left = left.saturating_sub(1);
        if *left == 0 && self.phase == Phase::Running {
            self.phase = Phase::Draining(StopReason::MaxFailures);
        }
        None
    }

    fn fill(&mut self, actions: &mut VecDeque<Action>) {
        for slot in 0..self.slots.len() {
            if self.slots[slot].is_some() || self.has_failed(slot) {
                continue;
            }
            let Some(Pending { key, attempt }) = self.next_round(slot) else {
                // Another device may have rounds of its block left.
                continue;
            };
            let running = Running {
                slot: slot as u32,
                key,
                attempt,
            };
            actions.push_back(self.start(running));
        }
    }

    fn has_failed(&self, slot: usize) -> bool {
        let blocks = self.blocks.as_ref();
        blocks.is_some_and(|blocks| blocks.has_failed(slot))
    }

    fn next_round(&mut self, slot: usize) -> Option<Pending> {
        self.find_round(|blocks, rounds| blocks.next(slot, rounds))
    }

    /// The next round of a unit that is not retired.
    fn find_round(
        &mut self,
        mut next: impl FnMut(&mut Blocks, &mut R) -> Option<Pending>,
    ) -> Option<Pending> {
        loop {
            let pending = match &mut self.blocks {
                None => self.rounds.next(),
                Some(blocks) => next(blocks, &mut self.rounds),
            }?;
            if !self.retired.contains(&pending.key.unit) {
                return Some(pending);
            }
        }
    }

    fn start(&mut self, running: Running) -> Action {
        self.slots[running.slot as usize] = Some(running);
        Action::Start(running)
    }

    /// A run that was stopped when nothing was left to start is complete all the same.
    fn why_finished(&mut self) -> StopReason {
        let complete = match self.phase {
            Phase::Running | Phase::Finished => true,
            Phase::Draining(_) | Phase::Killing => {
                !self.cut_short && self.find_round(Blocks::any).is_none()
            }
        };
        match self.phase {
            _ if complete && !self.retired.is_empty() => StopReason::Decided,
            _ if complete => StopReason::Done,
            Phase::Draining(why) => why,
            _ => StopReason::Interrupted,
        }
    }
}
