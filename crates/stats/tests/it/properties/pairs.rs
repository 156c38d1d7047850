//! Matched pairs, margins, exposure, strata and histories.

use crashrate_stats::*;
use proptest::prelude::*;

use super::{alphas, any_counts, counts_up_to};

fn margins() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.02), 1e-6..1.0, 1e-300..1e-3]
}

/// Checks an interval of a difference against the difference.
fn holds(interval: Interval, difference: f64) -> Result<(), TestCaseError> {
    prop_assert!(-1.0 <= interval.lo && interval.hi <= 1.0, "{:?}", interval);
    prop_assert!(
        interval.lo - 1e-12 <= difference && difference <= interval.hi + 1e-12,
        "{:?} {}",
        interval,
        difference
    );
    Ok(())
}

fn is_probability(p: f64) -> Result<(), TestCaseError> {
    prop_assert!((0.0..=1.0).contains(&p), "{}", p);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn intervals_of_matched_differences_contain_the_difference(
        discordant in any_counts(),
        share in 0.0..=1.0,
        alpha in alphas(),
        margin in margins(),
    ) {
        let b = (share * discordant.bad() as f64) as u64;
        let (c, n) = (discordant.bad() - b, discordant.n());
        let interval = tango_interval(b, c, n, alpha).expect("valid blocks");
        let difference = if n > 0 { (b as f64 - c as f64) / n as f64 } else { 0.0 };
        holds(interval, difference)?;
        let p = tango_test(b, c, n, margin).expect("valid blocks");
        is_probability(p)?;
        let wider = tango_test(b, c, n, margin + (1.0 - margin) / 2.0).expect("valid blocks");
        prop_assert!(wider <= p + 1e-12, "{wider} {p}");
    }

    #[test]
    fn a_wider_margin_is_shown_more_easily(
        one in any_counts(),
        two in any_counts(),
        margin in margins(),
    ) {
        let p = farrington_manning(one, two, margin).expect("the margin is valid");
        is_probability(p)?;
        let wider = farrington_manning(one, two, margin + (1.0 - margin) / 2.0);
        prop_assert!(wider.expect("the margin is valid") <= p + 1e-12);
    }

    #[test]
    fn margins_never_overflow(blocks in prop::collection::vec(any::<(bool, bool)>(), 0..300), margin in margins()) {
        let mut process = MarginProcess::new(margin).expect("the margin is valid");
        for (one, two) in blocks {
            process.update(one, two);
        }
        prop_assert!(process.ln_e().is_finite());
        // A block in which only side two is bad is evidence against "not worse".
        let mut bad = process;
        bad.update(false, true);
        prop_assert!(bad.ln_e() < process.ln_e() + 1e-12);
    }

    #[test]
    fn intervals_of_poisson_rates_contain_the_rate(
        events in prop_oneof![0..=3_u64, 0..=2_000_000_u64],
        exposure in 1e-3..1e9,
        alpha in alphas(),
    ) {
        let interval = garwood(events, exposure, alpha).expect("valid arguments");
        prop_assert!(interval.contains(events as f64 / exposure), "{interval:?}");
        prop_assert_eq!(interval.lo == 0.0, events == 0);
        let more = garwood(events + 1, exposure, alpha).expect("valid arguments");
        prop_assert!(interval.lo < more.lo && interval.hi < more.hi);
    }

    #[test]
    fn strata_are_symmetric_in_the_sides(
        strata in prop::collection::vec((counts_up_to(3000), counts_up_to(3000)), 0..5),
        alpha in alphas(),
    ) {
        let swapped: Vec<_> = strata.iter().map(|&(one, two)| (two, one)).collect();
        let there = mantel_haenszel(&strata, alpha).expect("alpha is valid");
        let back = mantel_haenszel(&swapped, alpha).expect("alpha is valid");
        is_probability(there.p)?;
        prop_assert!((there.p - back.p).abs() <= 1e-9 * there.p.max(1e-12));
        let difference = there.difference.unwrap_or(0.0);
        prop_assert!((difference + back.difference.unwrap_or(0.0)).abs() < 1e-12);
        prop_assert_eq!(there.odds_ratio.is_some(), back.odds_ratio.is_some());
        if let Some(interval) = there.interval {
            holds(interval, difference)?;
        }
        if let Some(ratio) = there.odds_ratio {
            prop_assert!(ratio.interval.contains(ratio.estimate), "{ratio:?}");
        }
    }
}
