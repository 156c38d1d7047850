//! Which rounds of a plan have a recorded end, and which are left; four bytes a round.

use std::collections::BTreeMap;

use crashrate_model::{Device, Outcome, Record};

use super::{Plan, RoundKey, Rounds};

/// A round that is left to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The round.
    pub key: RoundKey,
    /// The first attempt to run: 1, or the missing retry.
    pub attempt: u32,
}

/// What the journal of a run says about each planned round.
#[derive(Clone, Debug)]
pub struct Progress {
    /// By unit and round, up to the last recorded one: the number of measured attempts that did not
    /// pass, or [`SETTLED`]. A plan may have billions of rounds that never run.
    rounds: Vec<Vec<u32>>,
    /// Number of rounds by unit.
    planned: Vec<u32>,
    retries: Vec<u32>,
    /// Attempts that started and have no end yet.
    open: Vec<(RoundKey, u32)>,
    /// The devices of the run's latest part.
    devices: Vec<Device>,
    /// By round: the device of its block, if the run has several.
    device_of: BTreeMap<u32, u32>,
}

const SETTLED: u32 = u32::MAX;

impl Progress {
    /// The progress of a run that has not started.
    pub fn new(plan: &Plan) -> Self {
        Progress {
            rounds: vec![Vec::new(); plan.units.len()],
            planned: plan.units.iter().map(|u| u.rounds).collect(),
            retries: plan.retries(),
            open: Vec::new(),
            devices: Vec::new(),
            device_of: BTreeMap::new(),
        }
    }

    /// Applies a record of the run's journal.
    ///
    /// # Errors
    /// An attempt starts a second time, or ends without running: a plain sentence.
    pub fn push(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::Started(s) => {
                let key = RoundKey {
                    unit: s.unit,
                    round: s.round,
                };
                let running = (key, s.attempt);
                if self.open.contains(&running) || s.attempt <= self.measured(key) {
                    return Err(format!(
                        "round {}, attempt {} of unit {} started a second time",
                        s.round, s.attempt, s.unit
                    ));
                }
                self.open.push(running);
            }
            Record::Ended(e) => {
                let key = RoundKey {
                    unit: e.unit,
                    round: e.round,
                };
                let running = self.open.iter().position(|open| *open == (key, e.attempt));
                let Some(running) = running else {
                    return Err(format!(
                        "round {}, attempt {} of unit {} ended, but it was not running: it has \
                         two ends, or no start",
                        e.round, e.attempt, e.unit
                    ));
                };
                self.open.remove(running);
                if let Some(device) = e.device.filter(|_| e.outcome.counts()) {
                    self.device_of.insert(e.round, device);
                }
                self.ended(key, e.attempt, e.outcome);
            }
            Record::Opened(opened) => self.move_to(&opened.run.devices),
            Record::Hello(_)
            | Record::Evidence(_)
            | Record::Zygote(_)
            | Record::Built(_)
            | Record::DeviceFailed(_)
            | Record::Ending(_)
            | Record::Minimized(_)
            | Record::Bisected(_)
            | Record::Provoked(_)
            | Record::Closed(_) => {}
        }
        Ok(())
    }

    /// Number of measured attempts of a round; [`SETTLED`] if no more will follow.
    fn measured(&self, key: RoundKey) -> u32 {
        let rounds = self.rounds.get(key.unit as usize);
        let round = rounds.and_then(|rounds| rounds.get((key.round as usize).wrapping_sub(1)));
        round.copied().unwrap_or(0)
    }

    /// Attempts that started and have no end: lost, unless they are still running.
    pub fn open(&self) -> &[(RoundKey, u32)] {
        &self.open
    }

    /// The device of each block that was begun, by round, as an index into `devices`. Blocks of
    /// devices that are not among them are left out.
    pub fn begun_on(&mut self, devices: &[Device]) -> BTreeMap<u32, u32> {
        self.move_to(devices);
        std::mem::take(&mut self.device_of)
    }

    fn move_to(&mut self, devices: &[Device]) {
        let place = |device: &u32| {
            let before = self.devices.get(*device as usize)?;
            let now = devices.iter().position(|now| now.is_same(before))?;
            Some(now as u32)
        };
        let moved = self.device_of.iter();
        let moved = moved.filter_map(|(round, device)| Some((*round, place(device)?)));
        self.device_of = moved.collect();
        self.devices = devices.to_vec();
    }

    /// The rounds that are left, in the plan's order.
    pub fn left(self, rounds: Rounds) -> impl Iterator<Item = Pending> {
        rounds.filter_map(move |key| {
            let measured = self.measured(key);
            (measured != SETTLED).then(|| Pending {
                key,
                attempt: measured + 1,
            })
        })
    }

    fn ended(&mut self, key: RoundKey, attempt: u32, outcome: Outcome) {
        let retries = self.retries.get(key.unit as usize).copied().unwrap_or(0);
        let planned = self.planned.get(key.unit as usize).copied().unwrap_or(0);
        if !(1..=planned).contains(&key.round) {
            return;
        }
        let rounds = &mut self.rounds[key.unit as usize];
        let place = key.round as usize - 1;
        if rounds.len() <= place {
            rounds.resize(place + 1, 0);
        }
        let round = &mut rounds[place];
        if outcome.is_good() || (outcome.counts() && attempt > retries) {
            *round = SETTLED;
        } else if outcome.counts() && *round != SETTLED {
            *round = (*round).max(attempt.min(SETTLED - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crashrate_model::{Ended, Started};
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Selection;
    use crate::schedule::{Action, Bounds, End, Input, Schedule};
    use crate::suite::Suite;

    fn plan(rounds: u32, retries: u32) -> Plan {
        let mut suite = Suite::of_command(&["true".into()], rounds).unwrap();
        suite.chapters[0].retries = retries;
        let mut second = suite.chapters[0].clone();
        second.id = "second".into();
        suite.chapters.push(second);
        Plan::new(suite, &Selection::default(), 3).unwrap()
    }

    fn ended(key: RoundKey, attempt: u32, outcome: Outcome) -> Record {
        Record::Ended(Box::new(Ended::of(key.unit, key.round, attempt, outcome)))
    }

    /// Runs all rounds. Each element of `deaths` is the number of steps after which a supervisor is
    /// killed and the next one resumes from the journal.
    fn run_with_deaths(
        plan: &Plan,
        deaths: &[usize],
        outcomes: &[Outcome],
    ) -> Vec<(RoundKey, u32, Outcome)> {
        let mut journal: Vec<Record> = Vec::new();
        let mut outcomes = outcomes.iter().cycle();
        for steps in deaths.iter().copied().chain([usize::MAX]) {
            let mut history = Progress::new(plan);
            journal
                .iter()
                .for_each(|record| history.push(record).unwrap());
            for &(key, attempt) in &history.open().to_vec() {
                journal.push(ended(key, attempt, Outcome::Lost));
            }
            let bounds = Bounds {
                slots: 2,
                max_failures: None,
            };
            let left = history.left(plan.rounds());
            let mut schedule = Schedule::new(left, bounds, plan.retries());
            let mut running = Vec::new();
            let mut actions = schedule.step(Input::Begin);
            for _ in 0..steps {
                for action in actions {
                    match action {
                        Action::Start(start) => {
                            let RoundKey { unit, round } = start.key;
                            let attempt = start.attempt;
                            journal.push(Record::Started(Started {
                                unit,
                                round,
                                attempt,
                                at: 0.0,
                                opened: None,
                            }));
                            running.push(start);
                        }
                        Action::Finish(_) => return measured(&journal),
                        Action::Abandon { .. } | Action::KillAll => {}
                    }
                }
                let one = running.remove(0);
                let outcome = *outcomes.next().unwrap();
                journal.push(ended(one.key, one.attempt, outcome));
                let end = if outcome == Outcome::Passed {
                    End::Passed
                } else {
                    End::NotPassed
                };
                actions = schedule.step(Input::Ended {
                    slot: one.slot,
                    end,
                });
            }
        }
        unreachable!("the last supervisor does not die")
    }

    fn measured(journal: &[Record]) -> Vec<(RoundKey, u32, Outcome)> {
        let all = journal.iter().filter_map(|record| match record {
            Record::Ended(e) => Some((
                RoundKey {
                    unit: e.unit,
                    round: e.round,
                },
                e.attempt,
                e.outcome,
            )),
            _ => None,
        });
        all.filter(|(_, _, outcome)| outcome.counts()).collect()
    }

    proptest! {
        #[test]
        fn every_round_is_measured_once_despite_killed_supervisors(
            rounds in 1u32..8,
            retries in 0u32..3,
            deaths in prop::collection::vec(0usize..12, 0..6),
            outcomes in prop::collection::vec(
                prop_oneof![Just(Outcome::Passed), Just(Outcome::Crashed)],
                1..20,
            ),
        ) {
            let plan = plan(rounds, retries);
            let measured = run_with_deaths(&plan, &deaths, &outcomes);
            let attempts = measured.iter().map(|(key, attempt, _)| (*key, *attempt));
            let attempts: HashSet<_> = attempts.collect();
            prop_assert_eq!(attempts.len(), measured.len(), "no attempt is measured twice");
            for key in plan.rounds() {
                let of_round: Vec<_> = measured.iter().filter(|(k, _, _)| *k == key).collect();
                let (_, last, outcome) = of_round.last().expect("every round is measured");
                prop_assert!(*outcome == Outcome::Passed || *last == retries + 1);
                let expected: Vec<u32> = (1..=*last).collect();
                let attempts: Vec<u32> = of_round.iter().map(|(_, attempt, _)| *attempt).collect();
                prop_assert_eq!(attempts, expected, "attempts are numbered without gaps");
            }
        }
    }
}
