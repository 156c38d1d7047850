//! When which attempt starts: a pure state machine. State and input give actions; it knows no process and no clock.

use std::collections::VecDeque;

use crashrate_model::StopReason;

use crate::plan::RoundKey;

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
    /// Start nothing more, but let what runs end.
    Stop,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Draining,
    Killing,
    Finished,
}

/// The schedule of a run: which rounds are left, what runs in which slot, and whether the run is being stopped.
pub struct Schedule<R, T> {
    rounds: R,
    retries: T,
    slots: Vec<Option<Running>>,
    phase: Phase,
}

impl<R, T> Schedule<R, T>
where
    R: Iterator<Item = RoundKey>,
    T: Fn(u32) -> u32,
{
    /// A schedule of these rounds over `slots` slots; `retries` says how many retries a unit's rounds have.
    pub fn new(rounds: R, slots: u32, retries: T) -> Self {
        Schedule {
            rounds,
            retries,
            slots: vec![None; slots.max(1) as usize],
            phase: Phase::Running,
        }
    }

    /// The one function that moves the state.
    pub fn step(&mut self, input: Input) -> VecDeque<Action> {
        let mut actions = VecDeque::new();
        match input {
            Input::Begin => {}
            Input::Ended { slot, end } => actions.extend(self.ended(slot, end)),
            Input::Stop => self.phase = self.phase.max(Phase::Draining),
            Input::Kill if self.phase < Phase::Killing => {
                self.phase = Phase::Killing;
                actions.push_back(Action::KillAll);
            }
            Input::Kill => {}
        }
        if self.phase == Phase::Running {
            self.fill(&mut actions);
        }
        if self.phase != Phase::Finished && self.slots.iter().all(Option::is_none) {
            // Asked to stop with nothing left to start: the run is whole all the same.
            let done = self.phase == Phase::Running || self.rounds.next().is_none();
            let why = match done {
                true => StopReason::Done,
                false => StopReason::Interrupted,
            };
            actions.push_back(Action::Finish(why));
            self.phase = Phase::Finished;
        }
        actions
    }

    /// What runs.
    pub fn running(&self) -> impl Iterator<Item = Running> + '_ {
        self.slots.iter().flatten().copied()
    }

    fn ended(&mut self, slot: u32, end: End) -> Option<Action> {
        let ended = self.slots.get_mut(slot as usize)?.take()?;
        let again = end == End::NotPassed
            && self.phase == Phase::Running
            && ended.attempt <= (self.retries)(ended.key.unit);
        again.then(|| {
            self.start(Running {
                attempt: ended.attempt + 1,
                ..ended
            })
        })
    }

    fn fill(&mut self, actions: &mut VecDeque<Action>) {
        for slot in 0..self.slots.len() {
            if self.slots[slot].is_some() {
                continue;
            }
            let Some(key) = self.rounds.next() else {
                break;
            };
            let running = Running {
                slot: slot as u32,
                key,
                attempt: 1,
            };
            actions.push_back(self.start(running));
        }
    }

    fn start(&mut self, running: Running) -> Action {
        self.slots[running.slot as usize] = Some(running);
        Action::Start(running)
    }
}
