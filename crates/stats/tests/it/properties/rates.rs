//! Rates: intervals, gates, looks and comparisons.

use crashrate_stats::*;
use proptest::prelude::*;
use statrs::function::beta::ln_beta;

use super::{alphas, any_counts, counts_up_to};

fn mirrored(counts: Counts) -> Counts {
    counts_of(counts.good(), counts.n())
}

fn counts_of(bad: u64, n: u64) -> Counts {
    Counts::new(bad, n).expect("valid counts")
}

/// A fraction of the default number of cases, for tests that are slow without optimisation.
/// PROPTEST_CASES raises it.
fn one_case_of(part: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.div_ceil(part),
        ..usual
    }
}

/// The confidence interval and the confidence sequence of a rate.
fn intervals(counts: Counts, alpha: f64) -> [Interval; 2] {
    [
        wilson(counts, alpha).expect("alpha is valid"),
        confidence_sequence(counts, alpha).expect("alpha is valid"),
    ]
}

/// ln E against the null hypothesis that the rate is `p`, computed from its definition.
fn ln_e_point(counts: Counts, p: f64) -> f64 {
    let (bad, good) = (counts.bad() as f64, counts.good() as f64);
    ln_beta(0.5 + bad, 0.5 + good) - ln_beta(0.5, 0.5) - bad * p.ln() - good * (-p).ln_1p()
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
}

proptest! {
    #![proptest_config(one_case_of(4))]

    #[test]
    fn intervals_of_a_rate_contain_it(counts in any_counts(), alpha in alphas()) {
        for interval in intervals(counts, alpha) {
            prop_assert!(0.0 <= interval.lo && interval.hi <= 1.0, "{interval:?}");
            match counts.rate() {
                Some(rate) => prop_assert!(interval.contains(rate), "{interval:?} {rate}"),
                None => prop_assert_eq!(interval, Interval { lo: 0.0, hi: 1.0 }),
            }
            prop_assert_eq!(interval.lo == 0.0, counts.bad() == 0);
            prop_assert_eq!(interval.hi == 1.0, counts.good() == 0);
        }
    }

    #[test]
    fn intervals_of_a_rate_rise_with_its_bad_rounds(counts in any_counts(), alpha in alphas()) {
        let counts = counts_of(counts.bad(), counts.n() + 1);
        let more = counts_of(counts.bad() + 1, counts.n());
        for (one, other) in intervals(counts, alpha).into_iter().zip(intervals(more, alpha)) {
            prop_assert!(one.lo < other.lo && one.hi < other.hi, "{one:?} {other:?}");
        }
    }

    #[test]
    fn intervals_of_good_and_bad_mirror_each_other(counts in any_counts(), alpha in alphas()) {
        let bad = intervals(counts, alpha);
        for (bad, good) in bad.into_iter().zip(intervals(mirrored(counts), alpha)) {
            prop_assert!(close(bad.lo, 1.0 - good.hi) && close(bad.hi, 1.0 - good.lo));
        }
    }

    #[test]
    fn a_smaller_alpha_gives_wider_intervals(counts in any_counts(), alpha in alphas()) {
        for (wide, narrow) in intervals(counts, alpha / 2.0).into_iter().zip(intervals(counts, alpha)) {
            prop_assert!(wide.lo <= narrow.lo && narrow.hi <= wide.hi);
        }
    }

    #[test]
    fn the_confidence_sequence_is_where_e_is_small(counts in any_counts(), alpha in alphas(), p in 1e-6..0.999_999) {
        let inside = confidence_sequence(counts, alpha).expect("alpha is valid");
        let ln_e = ln_e_point(counts, p);
        let distance = (ln_e + alpha.ln()).abs();
        prop_assert!(distance < 1e-6 || inside.contains(p) == (ln_e < -alpha.ln()), "{inside:?} {ln_e}");
    }

    #[test]
    fn the_bound_without_failures_is_the_exact_bound(n in 0..1_000_000_u64, alpha in alphas()) {
        let bound = zero_failure_upper(n, alpha).expect("alpha is valid");
        prop_assert!(close((1.0 - bound).powf(n as f64), alpha) || n == 0);
        prop_assert!((0.0..=1.0).contains(&bound));
    }

    #[test]
    fn tests_of_two_rates_are_symmetric(one in any_counts(), two in any_counts()) {
        let (p, q) = (fisher_exact(one, two), fisher_exact(two, one));
        prop_assert!(close(p.less, q.greater) && close(p.two_sided, q.two_sided));
        for p in [p.less, p.greater, p.two_sided] {
            prop_assert!((0.0..=1.0).contains(&p));
        }
        let (p, q) = (fisher_mid_p(one, two), fisher_mid_p(two, one));
        prop_assert!(close(p.less, q.greater) && close(p.two_sided, q.two_sided));
        prop_assert!(close(p.less + p.greater, 1.0));
        for p in [p.less, p.greater, p.two_sided] {
            prop_assert!((0.0..=1.0).contains(&p));
        }
    }

    #[test]
    fn swapping_the_sides_inverts_a_risk_ratio(one in any_counts(), two in any_counts(), alpha in alphas()) {
        let (a, b) = (risk_ratio(one, two, alpha).expect("alpha is valid"), risk_ratio(two, one, alpha).expect("alpha is valid"));
        prop_assert!(a.lo >= 0.0 && a.hi >= a.lo);
        prop_assert!((a.lo * b.hi - 1.0).abs() < 1e-9 || (a.lo == 0.0 && b.hi == f64::INFINITY), "{a:?} {b:?}");
        if let (Some(p), Some(q)) = (one.rate(), two.rate()) {
            prop_assert!(q == 0.0 || a.contains(p / q), "{a:?} {p} {q}");
        }
    }

    #[test]
    fn each_round_moves_the_evidence_of_a_gate(counts in any_counts(), limit in 1e-4..0.9999) {
        let gate = Gate::new(limit).expect("the limit is valid");
        let (below, above) = (gate.ln_e_below(counts), gate.ln_e_above(counts));
        prop_assert!(!below.is_nan() && !above.is_nan());
        let (bad, n) = (counts.bad(), counts.n());
        // A tolerance for rounding errors, relative to the logarithms.
        let slack = 1e-9 * (1.0 + below.abs().max(above.abs()));
        for (next, sign) in [(counts_of(bad, n + 1), 1.0), (counts_of(bad + 1, n + 1), -1.0)] {
            prop_assert!(sign * (gate.ln_e_below(next) - below) > -slack);
            prop_assert!(sign * (gate.ln_e_above(next) - above) < slack);
        }
    }

    #[test]
    fn tests_of_order_are_symmetric_in_time(rounds in prop::collection::vec(any::<bool>(), 0..300)) {
        let backwards: Vec<bool> = rounds.iter().rev().copied().collect();
        let opposite: Vec<bool> = rounds.iter().map(|bad| !bad).collect();
        let (runs, trend) = (runs_test(&rounds), rank_trend(&rounds));
        for other in [&backwards, &opposite] {
            let (r, t) = (runs_test(other), rank_trend(other));
            prop_assert!(r.runs == runs.runs && close(r.few, runs.few) && close(r.many, runs.many));
            prop_assert!(close(t.p, trend.p) && t.u == runs.bad * runs.good - trend.u);
        }
        prop_assert!(runs.few + runs.many >= 1.0 - 1e-12);
        for p in [runs.few, runs.many, runs.two_sided, trend.p] {
            prop_assert!((0.0..=1.0).contains(&p));
        }
        prop_assert_eq!(independence(&rounds, 0.05).is_some(), runs.bad >= 5 && runs.good >= 5);
    }

    #[test]
    fn holm_raises_p_values_and_keeps_their_order(p_values in prop::collection::vec(0.0..=1.0_f64, 0..20)) {
        let adjusted = holm(&p_values).expect("probabilities");
        for (i, &p) in p_values.iter().enumerate() {
            prop_assert!(adjusted[i] >= p && adjusted[i] <= 1.0);
            for (j, &q) in p_values.iter().enumerate() {
                prop_assert!(p > q || adjusted[i] <= adjusted[j]);
            }
        }
    }

    #[test]
    fn a_gate_passes_after_exactly_the_predicted_rounds(limit in 0.001..0.9, alpha in 0.001..0.5, bad in 0..4_u64) {
        let gate = Gate::new(limit).expect("the limit is valid");
        let rounds = gate.rounds_to_pass(bad, alpha).expect("reached");
        let passes = |rounds| gate.ln_e_below(counts_of(bad, rounds)) >= -alpha.ln();
        prop_assert!(passes(rounds));
        prop_assert!(rounds == bad.max(1) || !passes(rounds - 1));
    }
}

proptest! {
    #![proptest_config(one_case_of(16))]

    #[test]
    fn boschloo_is_symmetric_and_more_powerful_than_fisher(one in counts_up_to(80), two in counts_up_to(80)) {
        let p = boschloo(one, two).expect("n is small");
        let swapped = boschloo(two, one).expect("n is small");
        let opposite = boschloo(mirrored(two), mirrored(one)).expect("n is small");
        let fisher = fisher_exact(one, two);
        prop_assert!(close(p.less, swapped.greater) && close(p.two_sided, swapped.two_sided));
        prop_assert!(close(p.less, opposite.less) && close(p.greater, opposite.greater));
        prop_assert!(p.less <= fisher.less * (1.0 + 1e-8) && p.greater <= fisher.greater * (1.0 + 1e-8));
        prop_assert!((0.0..=1.0).contains(&p.two_sided));
    }

    #[test]
    fn swapping_the_sides_mirrors_a_comparison(one in any_counts(), two in any_counts(), alpha in alphas()) {
        let (a, b) = (compare(one, two, alpha).expect("alpha is valid"), compare(two, one, alpha).expect("alpha is valid"));
        prop_assert_eq!(a.test, b.test);
        prop_assert!(close(a.p, b.p) && (0.0..=1.0).contains(&a.p));
        prop_assert!(close(a.interval.lo, -b.interval.hi) && close(a.interval.hi, -b.interval.lo));
        prop_assert!(-1.0 <= a.interval.lo && a.interval.hi <= 1.0);
        if let Some(difference) = a.difference {
            prop_assert!(a.interval.contains(difference));
        }
        prop_assert_eq!(a.difference.is_none(), one.n() == 0 || two.n() == 0);
    }

    #[test]
    fn power_is_a_symmetric_probability(n in 0..25_u64, p in 0.0..=1.0_f64, q in 0.0..=1.0_f64, alpha in 0.001..0.3) {
        let power = boschloo_power(n, p, q, alpha).expect("n is small");
        prop_assert!((0.0..=1.0).contains(&power));
        prop_assert!(close(power, boschloo_power(n, q, p, alpha).expect("n is small")));
        prop_assert!(close(power, boschloo_power(n, 1.0 - p, 1.0 - q, alpha).expect("n is small")));
        // At equal rates the power is the type I error, which must not exceed alpha.
        prop_assert!(boschloo_power(n, p, p, alpha).expect("n is small") <= alpha * (1.0 + 1e-9));
    }

    #[test]
    fn power_sums_the_tables_that_the_test_rejects(n in 1..12_u64, p in 0.0..=1.0_f64, q in 0.0..=1.0_f64, alpha in 0.001..0.3) {
        let chance = |bad: u64, rate: f64| {
            let orders = (0..bad).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
            orders * rate.powi(bad as i32) * (1.0 - rate).powi((n - bad) as i32)
        };
        let mut sum = 0.0;
        for x in 0..=n {
            for y in 0..=n {
                let test = boschloo(counts_of(x, n), counts_of(y, n)).expect("n is small");
                if test.two_sided <= alpha {
                    sum += chance(x, p) * chance(y, q);
                }
            }
        }
        prop_assert!((boschloo_power(n, p, q, alpha).expect("n is small") - sum).abs() < 1e-9);
    }

    #[test]
    fn e_values_have_mean_one_at_the_null(n in 0..300_u64, rate in 0.001..0.999) {
        let gate = Gate::new(rate).expect("the limit is valid");
        let (mut point, mut below, mut above) = (0.0, 0.0, 0.0);
        let mut ln_orders = 0.0;
        for bad in 0..=n {
            let counts = counts_of(bad, n);
            let ln_chance = ln_orders + bad as f64 * rate.ln() + (n - bad) as f64 * (-rate).ln_1p();
            point += (ln_chance + ln_e_point(counts, rate)).exp();
            below += (ln_chance + gate.ln_e_below(counts)).exp();
            above += (ln_chance + gate.ln_e_above(counts)).exp();
            ln_orders += ((n - bad) as f64 / (bad + 1) as f64).ln();
        }
        for mean in [point, below, above] {
            prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
        }
    }

    #[test]
    fn plans_have_the_smallest_sufficient_number_of_rounds(limit in 1e-4..0.9, alpha in alphas()) {
        let rounds = rounds_without_failure(limit, alpha).expect("the arguments are valid");
        let upper = |n| zero_failure_upper(n, alpha).expect("alpha is valid");
        prop_assert!(upper(rounds) <= limit * (1.0 + 1e-9));
        prop_assert!(rounds == 1 || upper(rounds - 1) > limit * (1.0 - 1e-9));
    }
}
