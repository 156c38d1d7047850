//! Properties of the schedule: no round is lost or run twice, and every run ends.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::plan::Rounds;

fn schedule(
    rounds: &[u32],
    bounds: Bounds,
    retries: u32,
) -> Schedule<impl Iterator<Item = Pending> + use<>> {
    let pending = |key| Pending { key, attempt: 1 };
    Schedule::new(
        Rounds::new(rounds.to_vec(), 1).map(pending),
        bounds,
        vec![retries; rounds.len()],
    )
}

#[derive(Clone, Copy, Debug)]
enum Choice {
    EndOldest(End),
    EndNewest(End),
    Stop,
    Kill,
}

fn choices(stops: u32) -> impl Strategy<Value = Choice> {
    let end = prop_oneof![4 => Just(End::Passed), 3 => Just(End::NotPassed), 1 => Just(End::Void)];
    prop_oneof![
        20 => end.clone().prop_map(Choice::EndOldest),
        20 => end.prop_map(Choice::EndNewest),
        stops => Just(Choice::Stop),
        stops => Just(Choice::Kill),
    ]
}

/// What a simulated run did.
#[derive(Default)]
struct Trace {
    running: Vec<Running>,
    /// Attempts of each round in the order of their starts.
    attempts: HashMap<RoundKey, Vec<u32>>,
    started_after_stop: bool,
    /// A stop prevented a retry, or an attempt was killed.
    cut_short: bool,
    kills: u32,
    finished: Option<StopReason>,
}

fn simulate(rounds: &[u32], jobs: u32, retries: u32, choices: &[Choice]) -> Trace {
    let mut schedule = schedule(
        rounds,
        Bounds {
            slots: jobs,
            max_failures: None,
        },
        retries,
    );
    let mut trace = Trace::default();
    let mut stopped = false;
    apply(&mut trace, schedule.step(Input::Begin), jobs, stopped);
    // The added choice guarantees that attempts end, even if all others are stops.
    let choices = choices.iter().chain(&[Choice::EndOldest(End::Passed)]);
    for choice in choices.cycle().take(10_000) {
        if trace.finished.is_some() {
            break;
        }
        let input = match *choice {
            Choice::Stop => Input::Stop(StopReason::TimeBudget),
            Choice::Kill => Input::Kill,
            Choice::EndOldest(end) => trace.end(0, end, stopped, retries),
            Choice::EndNewest(end) => trace.end(trace.running.len() - 1, end, stopped, retries),
        };
        stopped |= matches!(input, Input::Stop(_) | Input::Kill);
        apply(&mut trace, schedule.step(input), jobs, stopped);
    }
    assert!(schedule.step(Input::Kill).is_empty() || trace.finished.is_none());
    trace
}

impl Trace {
    fn end(&mut self, place: usize, end: End, stopped: bool, retries: u32) -> Input {
        let Running { slot, attempt, .. } = self.running.remove(place);
        let killed = self.kills > 0 && end == End::Void;
        let no_retry = stopped && end == End::NotPassed && attempt <= retries;
        self.cut_short |= killed || no_retry;
        Input::Ended { slot, end }
    }
}

fn apply(trace: &mut Trace, actions: VecDeque<Action>, jobs: u32, stopped: bool) {
    for action in actions {
        assert_eq!(trace.finished, None, "no action follows `Finish`");
        match action {
            Action::Start(running) => {
                assert!(running.slot < jobs);
                assert!(trace.running.iter().all(|r| r.slot != running.slot));
                trace
                    .attempts
                    .entry(running.key)
                    .or_default()
                    .push(running.attempt);
                trace.running.push(running);
                trace.started_after_stop |= stopped;
            }
            Action::Abandon { .. } => unreachable!("no device fails"),
            Action::KillAll => trace.kills += 1,
            Action::Finish(why) => {
                assert!(trace.running.is_empty());
                trace.finished = Some(why);
            }
        }
    }
}

proptest! {
    #[test]
    fn every_round_is_run_and_the_run_ends(
        rounds in prop::collection::vec(0u32..6, 1..5),
        jobs in 1u32..5,
        retries in 0u32..3,
        choices in prop::collection::vec(choices(0), 1..40),
    ) {
        let trace = simulate(&rounds, jobs, retries, &choices);
        prop_assert_eq!(trace.finished, Some(StopReason::Done));
        prop_assert_eq!(trace.attempts.len() as u32, rounds.iter().sum::<u32>());
        for attempts in trace.attempts.values() {
            let expected: Vec<u32> = (1..=attempts.len() as u32).collect();
            prop_assert_eq!(attempts, &expected, "attempts are numbered from 1 without gaps");
            prop_assert!(attempts.len() as u32 <= retries + 1);
        }
    }

    #[test]
    fn a_stopped_run_starts_nothing_and_ends(
        rounds in prop::collection::vec(0u32..6, 1..5),
        jobs in 1u32..5,
        choices in prop::collection::vec(choices(5), 1..40),
    ) {
        let trace = simulate(&rounds, jobs, 1, &choices);
        prop_assert!(trace.finished.is_some());
        prop_assert!(!trace.started_after_stop);
        prop_assert!(trace.kills <= 1);
        let all = trace.attempts.len() as u32 == rounds.iter().sum::<u32>();
        let whole = all && !trace.cut_short;
        prop_assert_eq!(trace.finished == Some(StopReason::Done), whole);
    }
}

#[test]
fn a_retry_keeps_its_slot_and_a_void_attempt_is_not_retried() {
    let mut schedule = schedule(
        &[1],
        Bounds {
            slots: 2,
            max_failures: None,
        },
        2,
    );
    let key = RoundKey { unit: 0, round: 1 };
    let start = |attempt| {
        Action::Start(Running {
            slot: 0,
            key,
            attempt,
        })
    };
    assert_eq!(schedule.step(Input::Begin), [start(1)]);
    let not_passed = Input::Ended {
        slot: 0,
        end: End::NotPassed,
    };
    assert_eq!(schedule.step(not_passed), [start(2)]);
    let void = Input::Ended {
        slot: 0,
        end: End::Void,
    };
    assert_eq!(schedule.step(void), [Action::Finish(StopReason::Done)]);
}

#[test]
fn nothing_starts_after_max_failures() {
    let bounds = Bounds {
        slots: 1,
        max_failures: Some(2),
    };
    let mut schedule = schedule(&[5], bounds, 1);
    let mut started = 0;
    let mut actions = schedule.step(Input::Begin);
    let why = loop {
        match actions
            .pop_front()
            .expect("an attempt is running, or the run has finished")
        {
            Action::Start(_) => started += 1,
            Action::Finish(why) => break why,
            Action::Abandon { .. } | Action::KillAll => unreachable!(),
        }
        actions = schedule.step(Input::Ended {
            slot: 0,
            end: End::NotPassed,
        });
    };
    assert_eq!(
        (started, why),
        (4, StopReason::MaxFailures),
        "two rounds with one retry each"
    );
}

#[test]
fn a_retired_unit_gets_no_more_rounds_but_others_do() {
    let bounds = Bounds {
        slots: 1,
        max_failures: None,
    };
    let mut schedule = schedule(&[9, 3], bounds, 0);
    let mut started = [0, 0];
    let mut actions = schedule.step(Input::Begin);
    assert!(schedule.step(Input::Retire(0)).is_empty());
    let why = loop {
        match actions
            .pop_front()
            .expect("an attempt is running, or the run has finished")
        {
            Action::Start(running) => started[running.key.unit as usize] += 1,
            Action::Finish(why) => break why,
            Action::Abandon { .. } | Action::KillAll => unreachable!(),
        }
        actions = schedule.step(Input::Ended {
            slot: 0,
            end: End::Passed,
        });
    };
    assert!(started[0] <= 1, "only the attempt that had already started");
    assert_eq!((started[1], why), (3, StopReason::Decided));
}

/// What ran on each device, in order.
type Ran = Vec<Vec<RoundKey>>;

/// Runs all rounds on devices that take turns by `order`. After `failing.1` ends, device `failing.0`
/// stops working.
fn run_on_devices(
    rounds: &[u32],
    (devices, per_device): (u32, u32),
    begun: &[(u32, u32)],
    order: &[usize],
    failing: Option<(u32, usize)>,
) -> (Ran, Vec<RoundKey>, StopReason) {
    let bounds = Bounds {
        slots: devices * per_device,
        max_failures: None,
    };
    let begun = begun.iter().copied().collect();
    let mut schedule = schedule(rounds, bounds, 1).on_devices(devices, begun, &[]);
    let (mut ran, mut abandoned) = (vec![Vec::new(); devices as usize], Vec::new());
    let mut running: Vec<Running> = Vec::new();
    let mut actions = schedule.step(Input::Begin);
    for (step, turn) in order.iter().cycle().enumerate() {
        if let Some((device, _)) = failing.filter(|(_, at)| *at == step) {
            actions.extend(schedule.step(Input::DeviceFailed(device)));
        }
        for action in std::mem::take(&mut actions) {
            match action {
                Action::Start(start) => {
                    let device = start.slot % devices;
                    assert!(!failing.is_some_and(|(failed, at)| failed == device && step > at));
                    ran[device as usize].push(start.key);
                    running.push(start);
                }
                Action::Abandon { pending, .. } => abandoned.push(pending.key),
                Action::Finish(why) => return (ran, abandoned, why),
                Action::KillAll => unreachable!(),
            }
        }
        let ended = running.remove(turn % running.len());
        // Every first attempt is tried again.
        let end = if ended.attempt == 1 {
            End::NotPassed
        } else {
            End::Passed
        };
        let slot = ended.slot;
        actions = schedule.step(Input::Ended { slot, end });
        let free = (bounds.slots as usize) - running.len() - started(&actions);
        let waits = schedule
            .blocks
            .as_ref()
            .is_some_and(|blocks| blocks.holds_block());
        assert!(free == 0 || failing.is_some() || !waits, "a device is idle");
    }
    unreachable!("the run ends")
}

fn started(actions: &VecDeque<Action>) -> usize {
    let is_start = |action: &&Action| matches!(action, Action::Start(_));
    actions.iter().filter(is_start).count()
}

proptest! {
    #[test]
    fn a_block_runs_on_one_device(
        rounds in prop::collection::vec(0u32..6, 1..5),
        devices in 1u32..4,
        per_device in 1u32..3,
        order in prop::collection::vec(0usize..8, 1..20),
    ) {
        let places = (devices, per_device);
        let (ran, abandoned, why) = run_on_devices(&rounds, places, &[], &order, None);
        prop_assert_eq!(why, StopReason::Done);
        prop_assert!(abandoned.is_empty());
        let mut device_of: HashMap<u32, usize> = HashMap::new();
        let mut attempts: HashMap<RoundKey, u32> = HashMap::new();
        for (device, keys) in ran.iter().enumerate() {
            for key in keys {
                prop_assert_eq!(*device_of.entry(key.round).or_insert(device), device);
                *attempts.entry(*key).or_default() += 1;
            }
        }
        prop_assert_eq!(attempts.len() as u32, rounds.iter().sum::<u32>());
        prop_assert!(attempts.values().all(|attempts| *attempts == 2));
    }

    #[test]
    fn a_failed_device_gets_nothing_and_others_continue(
        order in prop::collection::vec(0usize..8, 1..20),
        at in 0usize..12,
    ) {
        let failing = Some((1, at));
        let (ran, abandoned, why) = run_on_devices(&[8, 8], (2, 1), &[], &order, failing);
        prop_assert_eq!(why, StopReason::Done);
        prop_assert!(abandoned.len() <= 1, "only the rest of its block");
        let rounds = |keys: &Vec<RoundKey>| {
            keys.iter().copied().collect::<std::collections::HashSet<_>>().len()
        };
        prop_assert_eq!(ran.iter().map(rounds).sum::<usize>() + abandoned.len(), 16);
    }
}

#[test]
fn a_begun_block_stays_on_its_device_unless_that_is_missing() {
    let (ran, _, _) = run_on_devices(&[3, 3], (2, 1), &[(1, 1), (2, 0)], &[0], None);
    assert!(ran[1].iter().any(|key| key.round == 1));
    assert!(ran[0].iter().any(|key| key.round == 2));
    let bounds = Bounds {
        slots: 2,
        max_failures: None,
    };
    let begun = BTreeMap::from([(1, 1)]);
    let mut schedule = schedule(&[1], bounds, 0).on_devices(2, begun, &[1]);
    let actions = schedule.step(Input::Begin);
    assert!(matches!(actions[0], Action::Start(Running { slot: 0, .. })));
    assert_eq!(actions.len(), 1);
}

#[test]
fn without_a_device_the_run_ends() {
    for devices in [0, 1] {
        let bounds = Bounds {
            slots: 1,
            max_failures: None,
        };
        let mut schedule = schedule(&[3], bounds, 1).on_devices(devices, BTreeMap::new(), &[]);
        assert_eq!(schedule.step(Input::Begin).len(), 1);
        assert_eq!(schedule.step(Input::DeviceFailed(0)), []);
        let ended = Input::Ended {
            slot: 0,
            end: End::NotPassed,
        };
        let finished = [Action::Finish(StopReason::DeviceFailed)];
        assert_eq!(schedule.step(ended), finished, "{devices}");
    }
}
