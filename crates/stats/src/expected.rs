//! Power curves: the expected power by number of rounds.

use crate::counts::MAX_ROUNDS;
use crate::error::{StatsError, open_unit};
use crate::plan::{different_rates, normal_power};
use crate::power::{MAX_EXACT_POWER, boschloo_power};

/// The curve ends at the first number of rounds with this power.
const ENOUGH: f64 = 0.99;

/// The power of Boschloo's two-sided test at error `alpha` (0 < `alpha` < 1) to detect a difference
/// between `rate_one` and `rate_two` (0 to 1, different), as pairs of rounds per side and power.
/// The rounds are 5, 10, 20, 50, 100 and so on, up to the first with a power of 0.99, or to a
/// billion.
///
/// The power is exact up to [`MAX_EXACT_POWER`] rounds per side, and the normal approximation
/// beyond.
///
/// # Errors
/// The rates are equal or are not probabilities, or `alpha` is out of range.
///
/// See [`boschloo_power`] and [`normal_power`] for the sources.
pub fn power_curve(
    rate_one: f64,
    rate_two: f64,
    alpha: f64,
) -> Result<Vec<(u64, f64)>, StatsError> {
    different_rates(rate_one, rate_two)?;
    open_unit("alpha", alpha)?;
    let mut curve = Vec::new();
    let sizes = (0..).map(|decade| 10_u64.pow(decade));
    let sizes = sizes.flat_map(|ten| [5 * ten, 10 * ten, 20 * ten]);
    for per_side in sizes.take_while(|&n| n <= MAX_ROUNDS) {
        let power = if per_side <= MAX_EXACT_POWER {
            boschloo_power(per_side, rate_one, rate_two, alpha)?
        } else {
            normal_power(per_side, rate_one, rate_two, alpha)?
        };
        curve.push((per_side, power));
        if power >= ENOUGH {
            break;
        }
    }
    Ok(curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_ends_with_enough_power() {
        let curve = power_curve(0.4, 0.9, 0.05).unwrap();
        let sizes: Vec<u64> = curve.iter().map(|&(n, _)| n).collect();
        assert_eq!(sizes, [5, 10, 20, 50]);
        assert!(curve.windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert_eq!(curve[1].1, boschloo_power(10, 0.4, 0.9, 0.05).unwrap());
        assert!(curve[3].1 >= ENOUGH);
    }

    #[test]
    fn close_rates_use_the_normal_approximation() {
        let curve = power_curve(0.5, 0.51, 0.05).unwrap();
        let (last, power) = curve[curve.len() - 1];
        assert!(last > MAX_EXACT_POWER && power >= ENOUGH, "{last} {power}");
        let hopeless = power_curve(0.5, 0.500_000_01, 0.05).unwrap();
        assert_eq!(hopeless[hopeless.len() - 1].0, MAX_ROUNDS);
    }

    #[test]
    fn bad_arguments_are_refused() {
        assert!(power_curve(0.5, 0.5, 0.05).is_err());
        assert!(power_curve(0.5, 1.5, 0.05).is_err());
        assert!(power_curve(0.5, 0.6, 1.0).is_err());
    }
}
