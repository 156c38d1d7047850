//! Statistics in reports: comparisons, gates, and the exit code that follows from them.

use crashrate_model::{Axis, Gate, Mode, Outcome, RunInfo, StopReason, Stopping};
use crashrate_report::{
    DEFAULT_DETECT, ExitClass, Judgement, OptionalStopping, View, compare_json, compare_markdown,
    compare_runs, compare_terminal, compare_within, estimate, exit_class, json, markdown,
};
use proptest::prelude::*;

use crate::journal::{Journal, all_passed, died_at, full, info, isolated, sequence, story};

/// A chapter of ten rounds, of which the first `k` crash.
fn crashes(k: u32) -> View {
    let mut journal = Journal::new(vec![isolated("a", 10)]);
    for round in 1..=10 {
        let outcome = if round <= k {
            Outcome::Crashed
        } else {
            Outcome::Passed
        };
        journal.attempt(0, round, 1, outcome);
    }
    journal.close(StopReason::Done).view()
}

#[test]
fn runs_side_by_side() {
    let pairs = [(1, 0), (6, 0), (9, 10), (4, 10), (0, 0), (5, 5)];
    let said = pairs.map(|(one, two)| {
        let all = compare_runs(&crashes(one), &crashes(two), DEFAULT_DETECT, None);
        format!("{one} v {two}\n{}", compare_terminal(&all, 100, false))
    });
    insta::assert_snapshot!("runs_compared", said.join("\n"));
}

#[test]
fn the_story_by_mode() {
    let all = compare_within(&story().view(), Axis::Mode, DEFAULT_DETECT, None);
    insta::assert_snapshot!("story_compared", compare_markdown(&all));
    insta::assert_snapshot!("story_compared_json", compare_json(&all));
}

fn with(stopping: Stopping) -> RunInfo {
    let sequence = sequence("s", &["a"], 100);
    let mut info = info(vec![isolated("a", 100), sequence]);
    info.stopping = stopping;
    info
}

/// A chapter that passes isolated and crashes in sequence.
fn opposed(blocks: u32, why: StopReason) -> View {
    let info = with(Stopping::Decided(Axis::Mode));
    let sequence = info.units[1].clone();
    let mut journal = Journal::of(info);
    for round in 1..=blocks {
        journal.attempt(0, round, 1, Outcome::Passed);
        journal.attempt_with(1, round, 1, Outcome::Crashed, died_at(&sequence, 0));
    }
    journal.close(why).view()
}

#[test]
fn a_run_until_decided() {
    let early = opposed(3, StopReason::TimeBudget);
    assert_eq!(early.judgement(), Judgement::Undecided);
    assert_eq!(
        (early.run.complete, exit_class(&early)),
        (true, ExitClass::Undecided)
    );
    let stopped = opposed(3, StopReason::Interrupted);
    assert_eq!(exit_class(&stopped), ExitClass::Incomplete);
    let decided = opposed(20, StopReason::Decided);
    assert_eq!(decided.judgement(), Judgement::Shown);
    assert_eq!(
        (decided.run.complete, exit_class(&decided)),
        (true, ExitClass::NotPassed)
    );
    let text = full(&decided, 100);
    assert!(
        !text.contains("not started") && !text.contains("without a result"),
        "{text}"
    );
    insta::assert_snapshot!("decided_terminal", text);
    insta::assert_snapshot!("undecided_markdown", markdown(&early, None));
}

/// Rounds are paired in plan order, so E does not depend on the order in which attempts end.
#[test]
fn the_order_of_arrival_does_not_matter() {
    let view = opposed(12, StopReason::Decided);
    let info = with(Stopping::Decided(Axis::Mode));
    let sequence = info.units[1].clone();
    let mut journal = Journal::of(info);
    for round in (1..=12).rev() {
        journal.attempt_with(1, round, 1, Outcome::Crashed, died_at(&sequence, 0));
    }
    for round in 1..=12 {
        journal.attempt(0, round, 1, Outcome::Passed);
    }
    let other = journal.close(StopReason::Decided).view();
    assert_eq!(view.pairs, other.pairs);
}

/// A run with a gate on the isolated chapter, whose rounds have these outcomes.
fn gated(limit: &str, outcomes: &[(Outcome, u32)]) -> View {
    let gate = Gate {
        name: "a".into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        limit: limit.parse().unwrap(),
    };
    let mut info = with(Stopping::Gates(vec![gate]));
    info.units[0].rounds = outcomes.iter().map(|(_, n)| n).sum();
    info.units[1].rounds = 1;
    let sequence = info.units[1].clone();
    let mut journal = Journal::of(info);
    let mut round = 0;
    for (outcome, n) in outcomes {
        for _ in 0..*n {
            round += 1;
            journal.attempt(0, round, 1, *outcome);
        }
    }
    journal.attempt_with(1, 1, 1, Outcome::Passed, all_passed(&sequence));
    journal.close(StopReason::Done).view()
}

/// As when a run without shards retires the units one by one.
#[test]
fn gates_have_decided_when_each_unit_has_a_verdict() {
    let with_gates = |gated_units: &[usize], rounds: u32| {
        let mut info = with(Stopping::FixedRounds);
        let gates = gated_units.iter().map(|unit| {
            let unit = &info.units[*unit];
            Gate {
                name: unit.name.clone(),
                mode: unit.mode,
                variant: unit.variant.clone(),
                limit: "bad < 20%".parse().unwrap(),
            }
        });
        info.stopping = Stopping::Gates(gates.collect());
        info.units.iter_mut().for_each(|unit| unit.rounds = 90);
        let sequence = info.units[1].clone();
        let mut journal = Journal::of(info);
        for round in 1..=9 {
            journal.attempt(0, round, 1, Outcome::Crashed);
        }
        for round in 1..=rounds {
            journal.attempt_with(1, round, 1, Outcome::Passed, all_passed(&sequence));
        }
        journal.close(StopReason::Interrupted).view()
    };
    let views = [&[0][..], &[0, 1]].map(|gates| [1, 90].map(|rounds| with_gates(gates, rounds)));
    for view in views.iter().flatten() {
        assert_eq!(view.judgement(), Judgement::Refuted);
    }
    let decided = views.map(|of_gates| of_gates.map(|view| view.has_decided()));
    assert_eq!(decided, [[false, false], [false, true]]);
}

#[test]
fn a_gate_counts_only_the_outcomes_it_names() {
    use Outcome::{Crashed, Failed, Passed, TimedOut};
    let cases = [
        (gated("crashed < 20%", &[(Passed, 40)]), ExitClass::Passed),
        (
            gated(
                "crashed < 20%",
                &[(Crashed, 1), (TimedOut, 1), (Passed, 90)],
            ),
            ExitClass::Passed,
        ),
        (
            gated("crashed < 20%", &[(Failed, 1), (Passed, 90)]),
            ExitClass::NotPassed,
        ),
        (
            gated("failed < 20%", &[(Failed, 1), (Passed, 90)]),
            ExitClass::Passed,
        ),
        (gated("bad < 20%", &[(Passed, 3)]), ExitClass::Undecided),
        (gated("bad < 20%", &[(Crashed, 9)]), ExitClass::Refuted),
    ];
    for (place, (view, expected)) in cases.iter().enumerate() {
        assert_eq!(
            exit_class(view),
            *expected,
            "case {place}: {:?}",
            view.gates
        );
    }
    let said = cases.map(|(view, _)| {
        let text = markdown(&view, None);
        let (_, gates) = text.split_once("## Gates").unwrap();
        gates.lines().nth(2).unwrap().to_owned()
    });
    insta::assert_snapshot!("gates", said.join("\n"));
}

/// The interval of the rate is wider than the gate's test.
#[test]
fn nothing_contradicts_a_gate_that_has_passed() {
    let view = gated("crashed < 20%", &[(Outcome::Passed, 15)]);
    let text = full(&view, 200);
    assert!(
        text.contains("below 20% (95%) after 15 rounds; crashed 0/15"),
        "{text}"
    );
    // The sequence has one round.
    assert!(
        text.contains("Units without a gate: with 1 round, crash rates up to 97.5%"),
        "{text}"
    );
}

/// A run with any counts and any stopping rule.
fn any_run() -> impl Strategy<Value = View> {
    let rounds = proptest::collection::vec((0u8..6, 0u8..6), 0..30);
    (rounds, 0u8..5).prop_map(|(rounds, rule)| {
        let outcome = |kind: u8| match kind {
            0 | 1 => Outcome::Passed,
            2 | 3 => Outcome::Crashed,
            4 => Outcome::Failed,
            _ => Outcome::NotStarted,
        };
        let gate = Gate {
            name: "a".into(),
            mode: Mode::Isolated,
            variant: "default".into(),
            limit: "bad < 10%".parse().unwrap(),
        };
        let mut info = with(match rule {
            0 => Stopping::Decided(Axis::Mode),
            1 => Stopping::Gates(vec![gate]),
            2 => Stopping::FirstBad,
            _ => Stopping::FixedRounds,
        });
        for unit in &mut info.units {
            unit.rounds = 30;
        }
        let sequence = info.units[1].clone();
        let mut journal = Journal::of(info);
        for (round, (one, two)) in (1..).zip(rounds) {
            journal.attempt(0, round, 1, outcome(one));
            let end = died_at(&sequence, 0);
            journal.attempt_with(1, round, 1, outcome(two), end);
        }
        journal.close(StopReason::Decided).view()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_counts_cause_a_panic(one in any_run(), two in any_run()) {
        exit_class(&one);
        let all = [
            compare_within(&one, Axis::Mode, DEFAULT_DETECT, None),
            compare_runs(&one, &two, DEFAULT_DETECT, None),
        ];
        for all in &all {
            prop_assert!(!compare_markdown(all).contains("NaN"));
            for line in compare_terminal(all, 60, false).lines() {
                prop_assert!(line.chars().count() <= 60);
            }
            let text = compare_json(all);
            let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parsed["comparisons"].as_array().unwrap().len(), all.list.len());
        }
        prop_assert!(!json(&one).is_empty());
    }

    #[test]
    fn every_rate_can_be_described(n in 0u32..5_000_000, share in 0.0f64..=1.0, possible: bool) {
        let optional_stopping = match possible {
            true => OptionalStopping::Possible,
            false => OptionalStopping::No,
        };
        let said = estimate((f64::from(n) * share) as u32, n, optional_stopping);
        prop_assert!(!said.contains("NaN") && !said.contains("inf"), "{}", said);
    }
}
