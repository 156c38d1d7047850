//! Values from the literature, edge cases and errors.

use crashrate_stats::*;

fn counts(bad: u64, n: u64) -> Counts {
    Counts::new(bad, n).expect("valid counts")
}

fn near(got: f64, expected: f64, within: f64) {
    assert!(
        (got - expected).abs() <= within,
        "{got}, expected {expected}"
    );
}

#[test]
fn nine_of_ten_against_ten_of_ten_decides_nothing() {
    let comparison = compare(counts(9, 10), counts(10, 10), 0.05).unwrap();
    assert_eq!(comparison.test, Test::Boschloo);
    near(comparison.p, 0.82, 0.005);
    assert!(!comparison.differs(comparison.p, 0.05));
    let plan = rounds_to_detect(0.9, 1.0, 0.8, 0.05).unwrap();
    assert_eq!((plan.per_side, plan.method), (66, Method::Exact));
    near(boschloo_power(10, 0.9, 1.0, 0.05).unwrap(), 0.013, 0.0005);
}

#[test]
fn four_of_ten_against_ten_of_ten_is_a_verdict() {
    let comparison = compare(counts(4, 10), counts(10, 10), 0.05).unwrap();
    near(comparison.p, 0.0035, 0.00005);
    near(comparison.interval.lo, -0.832, 0.0005);
    near(comparison.interval.hi, -0.201, 0.0005);
    assert!(comparison.differs(comparison.p, 0.05));
    // The p-value and the interval must agree.
    assert!(!comparison.differs(0.06, 0.05));
}

#[test]
fn six_of_ten_against_one_of_three_decides_nothing() {
    near(
        boschloo(counts(6, 10), counts(1, 3)).unwrap().two_sided,
        0.53,
        0.005,
    );
}

#[test]
fn large_tables_are_compared_by_mid_p() {
    let table = |n| compare(counts(1, n), counts(5, 200), 0.05).unwrap().test;
    assert_eq!(table(200), Test::Boschloo);
    assert_eq!(table(201), Test::FisherMidP);
}

#[test]
fn plans_have_the_known_numbers() {
    assert_eq!(rounds_without_failure(0.01, 0.05), Ok(299));
    assert_eq!(rounds_without_failure(0.05, 0.05), Ok(59));
    // Exactly two rounds, although a rounding error makes the computed number slightly larger.
    assert_eq!(rounds_without_failure(0.1, 0.81), Ok(2));
    assert_eq!(rounds_to_detect(0.4, 0.9, 0.8, 0.05).unwrap().per_side, 13);
    let far = rounds_to_detect(0.9, 0.92, 0.8, 0.05).unwrap();
    assert_eq!((far.per_side, far.method), (3213, Method::Normal));
    near(far.power, 0.8, 0.001);
}

#[test]
fn rounds_that_a_gate_at_one_percent_needs() {
    let gate = Gate::new(0.01).unwrap();
    assert_eq!(gate.rounds_to_pass(0, 0.05), Ok(328));
    assert_eq!(gate.rounds_to_pass(1, 0.05), Ok(751));
    let needed = ln_threshold(0.05, 1).unwrap();
    assert!(gate.ln_e_below(counts(0, 327)) < needed && gate.ln_e_above(counts(0, 327)) < needed);
    assert!(gate.ln_e_above(counts(3, 10)) >= needed);
}

#[test]
fn holm_follows_the_textbook() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]).unwrap();
    for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near(*got, expected, 1e-15);
    }
    assert_eq!(holm(&[]), Ok(vec![]));
}

#[test]
fn patterns_in_the_order_of_rounds() {
    let rounds = |text: &str| -> Vec<bool> { text.chars().map(|c| c == 'x').collect() };
    let pattern = |text: &str| independence(&rounds(text), 0.05).map(|found| found.pattern);
    assert_eq!(pattern("xxxx......................"), None);
    assert_eq!(
        pattern("..........xxxxxx.........."),
        Some(Pattern::Clustered)
    );
    assert_eq!(
        pattern("x.x.x.x.x.x.x.x.x.x.x.x.x."),
        Some(Pattern::Alternating)
    );
    assert_eq!(
        pattern("..x..x...x....x..x.x...x.."),
        Some(Pattern::Independent)
    );
    assert_eq!(
        pattern("........x....x..x.x..xx.xx"),
        Some(Pattern::Drifting)
    );
}

/// Calls every function that takes counts, with edge cases up to the maximum number of rounds.
#[test]
fn no_counts_give_nan() {
    let million = 1_000_000;
    let ns = [0, 1, 2, 3, 10, million, MAX_ROUNDS];
    let edges: Vec<Counts> = ns
        .iter()
        .flat_map(|&n| [0, 1, 2, n / 100, n / 2, n.saturating_sub(1), n].map(|bad| (bad, n)))
        .filter(|(bad, n)| bad <= n)
        .map(|(bad, n)| counts(bad, n))
        .collect();
    for &one in &edges {
        for alpha in [1e-300, 1e-9, 0.05, 0.999] {
            let mut numbers = vec![zero_failure_upper(one.n(), alpha).unwrap()];
            for interval in [
                wilson(one, alpha).unwrap(),
                confidence_sequence(one, alpha).unwrap(),
            ] {
                numbers.extend([interval.lo, interval.hi]);
            }
            assert!(
                numbers.iter().all(|x| (0.0..=1.0).contains(x)),
                "{one:?} {alpha} {numbers:?}"
            );
        }
        for limit in [1e-12, 0.01, 0.5, 1.0 - 1e-12] {
            let gate = Gate::new(limit).unwrap();
            for ln_e in [gate.ln_e_below(one), gate.ln_e_above(one)] {
                assert!(!ln_e.is_nan(), "{one:?} {limit}");
            }
        }
        for &two in &edges {
            no_pair_gives_nan(one, two);
        }
    }
}

fn no_pair_gives_nan(one: Counts, two: Counts) {
    let mid = fisher_mid_p(one, two);
    let exact = fisher_exact(one, two);
    let mut numbers = vec![mid.less, mid.greater, mid.two_sided];
    numbers.extend([exact.less, exact.greater, exact.two_sided]);
    if one.n() + two.n() <= 20 {
        let p = boschloo(one, two).unwrap();
        numbers.extend([p.less, p.greater, p.two_sided]);
    }
    numbers.push(compare(one, two, 0.05).unwrap().p);
    assert!(
        numbers.iter().all(|x| (0.0..=1.0).contains(x)),
        "{one:?} {two:?} {numbers:?}"
    );
    let difference = newcombe(one, two, 0.05).unwrap();
    let ratio = risk_ratio(one, two, 0.05).unwrap();
    assert!(-1.0 <= difference.lo && difference.lo <= difference.hi && difference.hi <= 1.0);
    assert!(
        0.0 <= ratio.lo && ratio.lo <= ratio.hi,
        "{one:?} {two:?} {ratio:?}"
    );
}

#[test]
fn a_side_without_rounds_is_no_evidence() {
    let (none, some) = (counts(0, 0), counts(3, 10));
    let comparison = compare(none, some, 0.05).unwrap();
    assert_eq!((comparison.difference, comparison.p), (None, 1.0));
    assert!(!comparison.differs(comparison.p, 0.05));
    let ratio = risk_ratio(none, some, 0.05).unwrap();
    assert_eq!((ratio.lo, ratio.hi), (0.0, f64::INFINITY));
    assert_eq!(boschloo_power(0, 0.1, 0.9, 0.05), Ok(0.0));
    assert_eq!(zero_failure_upper(0, 0.05), Ok(1.0));
    let gate = Gate::new(0.01).unwrap();
    assert_eq!((gate.ln_e_below(none), gate.ln_e_above(none)), (0.0, 0.0));
}

#[test]
fn tests_of_order_handle_a_million_rounds() {
    let mut rounds = vec![false; 1_000_000];
    assert_eq!(runs_test(&rounds).two_sided, 1.0);
    assert_eq!(rank_trend(&rounds).p, 1.0);
    rounds[999_999] = true;
    near(rank_trend(&rounds).p, 2e-6, 1e-12);
    for at in (0..1_000_000).step_by(7) {
        rounds[at] = true;
    }
    let found = independence(&rounds, 0.05).unwrap();
    assert_eq!(found.pattern, Pattern::Alternating);
    assert_eq!(runs_test(&[]).runs, 0);
    assert_eq!(rank_trend(&[]).p, 1.0);
}

#[test]
fn bad_arguments_are_errors() {
    assert_eq!(
        Counts::new(2, 1),
        Err(StatsError::BadExceedsRounds { bad: 2, n: 1 })
    );
    assert!(Counts::new(0, MAX_ROUNDS + 1).is_err());
    let some = counts(3, 10);
    for alpha in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
        let is_error = [
            wilson(some, alpha).is_err(),
            zero_failure_upper(10, alpha).is_err(),
            confidence_sequence(some, alpha).is_err(),
            newcombe(some, some, alpha).is_err(),
            risk_ratio(some, some, alpha).is_err(),
            compare(some, some, alpha).is_err(),
            Gate::new(alpha).is_err(),
            ln_threshold(alpha, 1).is_err(),
            rounds_without_failure(alpha, 0.05).is_err(),
            rounds_to_detect(0.1, 0.2, alpha, 0.05).is_err(),
            rounds_to_detect(0.1, 0.2, 0.8, alpha).is_err(),
            boschloo_power(10, 0.1, 0.2, alpha).is_err(),
            normal_power(10, 0.1, 0.2, alpha).is_err(),
        ];
        assert!(is_error.iter().all(|&e| e), "{alpha}: {is_error:?}");
    }
    assert!(boschloo(counts(0, MAX_BOSCHLOO_ROUNDS), counts(0, 1)).is_err());
    assert!(boschloo_power(MAX_EXACT_POWER + 1, 0.1, 0.2, 0.05).is_err());
    assert_eq!(
        rounds_to_detect(0.1, 0.1, 0.8, 0.05),
        Err(StatsError::EqualRates { rate: 0.1 })
    );
    assert!(rounds_to_detect(0.1, 1.1, 0.8, 0.05).is_err());
    assert!(matches!(
        rounds_without_failure(1e-300, 0.05),
        Err(StatsError::NotReached { .. })
    ));
    assert!(matches!(
        Gate::new(1e-12).unwrap().rounds_to_pass(0, 0.05),
        Err(StatsError::NotReached { .. })
    ));
    assert!(matches!(
        ln_threshold(0.05, 0),
        Err(StatsError::Zero { .. })
    ));
    assert!(holm(&[0.5, f64::NAN]).is_err());
}
