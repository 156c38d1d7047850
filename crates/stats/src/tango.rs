//! The difference of two rates in matched pairs: the score interval and the non-inferiority test.
//!
//! Only discordant blocks, in which exactly one side was bad, show which side is worse. The total
//! number of blocks sets the scale of the difference.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::special::{bisect, normal_critical, normal_upper};

/// Tango's score interval of rate one minus rate two (as shares, -1 to 1) at confidence 1 - `alpha`
/// (0 < `alpha` < 1). Of `n` blocks, only side one was bad in `b` and only side two in `c`. Without
/// blocks the interval is -1 to 1.
///
/// The number of blocks must be fixed in advance. The level is asymptotic.
///
/// # Errors
/// `alpha` is out of range, `b + c` exceeds `n`, or `n` exceeds [`crate::MAX_ROUNDS`].
///
/// Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
/// paired-sample design", Statist. Med. 17.
pub fn tango_interval(b: u64, c: u64, n: u64, alpha: f64) -> Result<Interval, StatsError> {
    let critical = normal_critical(open_unit("alpha", alpha)?);
    check_blocks(b, c, n)?;
    if n == 0 {
        return Ok(Interval { lo: -1.0, hi: 1.0 });
    }
    // The score falls as the difference grows. Searching for the cube root keeps small differences
    // accurate: the search ends at 1e-14.
    let end = |beyond: &dyn Fn(f64) -> bool| {
        let root = bisect(-1.0, 1.0, |s| beyond(score(b, c, n, s.powi(3))));
        root.powi(3)
    };
    Ok(Interval {
        lo: if c == n { -1.0 } else { end(&|z| z < critical) },
        hi: if b == n {
            1.0
        } else {
            end(&|z| z <= -critical)
        },
    })
}

/// One-sided p-value of the null "rate one minus rate two is at least `margin`" (0 < `margin` < 1).
/// A small value shows that side one is worse than side two by less than the margin. The counts are
/// those of [`tango_interval`]; without blocks the p-value is 1.
///
/// The number of blocks must be fixed in advance. The test is asymptotic and can be too optimistic
/// with few discordant blocks: with none it gives 0.077 for 100 blocks and a margin of 2 %, where
/// the exact probability 0.98^100 is 0.133. [`crate::MarginProcess`] keeps its level at every
/// number of blocks.
///
/// # Errors
/// `margin` is out of range, `b + c` exceeds `n`, or `n` exceeds [`crate::MAX_ROUNDS`].
///
/// Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
/// paired-sample design", Statist. Med. 17.
pub fn tango_test(b: u64, c: u64, n: u64, margin: f64) -> Result<f64, StatsError> {
    let margin = open_unit("the margin", margin)?;
    check_blocks(b, c, n)?;
    if n == 0 {
        return Ok(1.0);
    }
    Ok(normal_upper(-score(b, c, n, margin)))
}

/// Applies the limits of [`Counts`] to blocks; the discordant ones are a subset of all.
fn check_blocks(b: u64, c: u64, n: u64) -> Result<(), StatsError> {
    Counts::new(b.saturating_add(c), n).map(|_| ())
}

/// The score statistic of the hypothesis "rate one minus rate two is `difference`", for `n` > 0.
fn score(b: u64, c: u64, n: u64, difference: f64) -> f64 {
    if difference < 0.0 {
        // With the sides swapped, the terms of the quadratic below have fixed signs.
        return -score(c, b, n, -difference);
    }
    let (b, c, n) = (b as f64, c as f64, n as f64);
    let distance = b - c - n * difference;
    let spread = difference * (1.0 - difference);
    // The constrained estimate of "only side two bad" is the positive root of 2n q^2 + lean q - c
    // spread.
    let lean = difference * (2.0 * n - b + c) - (b + c);
    let root = (lean * lean + 8.0 * n * c * spread).sqrt();
    let only_two = if lean > 0.0 {
        2.0 * c * spread / (lean + root)
    } else {
        (root - lean) / (4.0 * n)
    };
    if distance == 0.0 {
        0.0
    } else {
        // Zero variance away from the observed difference excludes the hypothesis: plus or minus
        // infinity.
        distance / (n * (2.0 * only_two + spread)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64, within: f64) {
        assert!(
            (got - expected).abs() <= within,
            "{got}, expected {expected}"
        );
    }

    #[test]
    fn intervals_agree_with_a_numeric_likelihood() {
        // From scripts/make_vectors.py.
        for (b, c, n, lo, hi) in [
            (12, 2, 50, 0.061_112_406_186, 0.344_708_748_282),
            (0, 0, 30, -0.113_513_393_174, 0.113_513_393_174),
            (53, 0, 54, 0.849_884_186_561, 0.996_723_512_282),
        ] {
            let got = tango_interval(b, c, n, 0.05).unwrap();
            near(got.lo, lo, 1e-11);
            near(got.hi, hi, 1e-11);
        }
    }

    #[test]
    fn edges() {
        let everything = Interval { lo: -1.0, hi: 1.0 };
        assert_eq!(tango_interval(0, 0, 0, 0.05), Ok(everything));
        assert_eq!(tango_test(0, 0, 0, 0.02), Ok(1.0));
        assert_eq!(tango_interval(9, 0, 9, 0.05).unwrap().hi, 1.0);
        assert_eq!(tango_interval(0, 9, 9, 0.05).unwrap().lo, -1.0);
        near(tango_test(0, 0, 100, 0.02).unwrap(), 0.0766, 1e-4);
        near(tango_test(100, 0, 100, 0.02).unwrap(), 1.0, 1e-12);
        assert_eq!(tango_test(0, 100, 100, f64::NAN).ok(), None);
        assert!(tango_interval(3, 3, 5, 0.05).is_err());
        assert!(tango_interval(u64::MAX, 2, 5, 0.05).is_err());
    }

    #[test]
    fn swapped_sides_mirror_the_interval() {
        for (b, c, n) in [(3, 1, 10), (0, 4, 9), (7, 7, 1_000_000), (1, 0, 1)] {
            let (one, two) = (
                tango_interval(b, c, n, 0.05).unwrap(),
                tango_interval(c, b, n, 0.05).unwrap(),
            );
            near(one.lo, -two.hi, 1e-12);
            near(one.hi, -two.lo, 1e-12);
        }
    }

    #[test]
    fn the_test_inverts_to_the_interval() {
        for (b, c, n) in [(3, 1, 40), (0, 0, 77), (300, 250, 1_000_000)] {
            let hi = tango_interval(b, c, n, 0.1).unwrap().hi;
            near(tango_test(b, c, n, hi).unwrap(), 0.05, 1e-7);
        }
    }
}
