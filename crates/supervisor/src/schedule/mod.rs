//! When which attempt starts: a pure state machine. State and input give actions; it knows no process and no clock.

use std::collections::{BTreeSet, VecDeque};

use crashrate_model::StopReason;

use crate::plan::{Pending, RoundKey};

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
        /// How.
        end: End,
    },
    /// Start no more rounds of this unit.
    Retire(u32),
    /// Start nothing more, but let what runs end.
    Stop(StopReason),
    /// Start nothing more and kill what runs.
    Kill,
}

/// How an attempt ended, as far as the schedule cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It passed.
    Passed,
    /// It was measured and did not pass: a retry may follow.
    NotPassed,
    /// It was not measured (not started, interrupted): a retry would measure nothing either.
    Void,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start this attempt.
    Start(Running),
    /// Kill every running attempt.
    KillAll,
    /// All has ended.
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
    /// After so many rounds that did not pass, retries included, nothing more is started.
    pub max_failures: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining(StopReason),
    Killing,
    Finished,
}

/// The schedule of a run: which rounds are left, what runs in which slot, and whether the run is being stopped.
pub struct Schedule<R, T> {
    rounds: R,
    retries: T,
    slots: Vec<Option<Running>>,
    /// How many more rounds may fail.
    failures_left: Option<u32>,
    retired: BTreeSet<u32>,
    phase: Phase,
    /// A stop cut short what had begun: an attempt was killed, or a retry left out.
    cut_short: bool,
}

impl<R, T> Schedule<R, T>
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32,
{
    /// A schedule of these rounds; `retries` says how many retries a unit's rounds have.
    pub fn new(rounds: R, bounds: Bounds, retries: T) -> Self {
        Schedule {
            rounds,
            retries,
            slots: vec![None; bounds.slots.max(1) as usize],
            failures_left: bounds.max_failures,
            retired: BTreeSet::new(),
            phase: Phase::Running,
            cut_short: false,
        }
    }

    /// The one function that moves the state.
    pub fn step(&mut self, input: Input) -> VecDeque<Action> {
        let mut actions = VecDeque::new();
        match (input, self.phase) {
            (Input::Ended { slot, end }, _) => actions.extend(self.ended(slot, end)),
            (Input::Retire(unit), _) => {
                // What ended because of it comes next, and only then a slot is free.
                self.retired.insert(unit);
                return actions;
            }
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

    fn ended(&mut self, slot: u32, end: End) -> Option<Action> {
        let ended = self.slots.get_mut(slot as usize)?.take()?;
        if end != End::NotPassed {
            self.cut_short |= end == End::Void && self.phase == Phase::Killing;
            return None;
        }
        if ended.attempt <= (self.retries)(ended.key.unit) {
            let again = Running {
                attempt: ended.attempt + 1,
                ..ended
            };
            self.cut_short |= self.phase != Phase::Running;
            return (self.phase == Phase::Running).then(|| self.start(again));
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
            if self.slots[slot].is_some() {
                continue;
            }
            let Some(Pending { key, attempt }) = self.next_round() else {
                break;
            };
            let running = Running {
                slot: slot as u32,
                key,
                attempt,
            };
            actions.push_back(self.start(running));
        }
    }

    fn next_round(&mut self) -> Option<Pending> {
        let retired = &self.retired;
        self.rounds
            .find(|pending| !retired.contains(&pending.key.unit))
    }

    fn start(&mut self, running: Running) -> Action {
        self.slots[running.slot as usize] = Some(running);
        Action::Start(running)
    }

    /// A run that was asked to stop with nothing left to start is whole all the same.
    fn why_finished(&mut self) -> StopReason {
        let whole = match self.phase {
            Phase::Running | Phase::Finished => true,
            Phase::Draining(_) | Phase::Killing => !self.cut_short && self.next_round().is_none(),
        };
        match self.phase {
            _ if whole && !self.retired.is_empty() => StopReason::Decided,
            _ if whole => StopReason::Done,
            Phase::Draining(why) => why,
            _ => StopReason::Interrupted,
        }
    }
}
