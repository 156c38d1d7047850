//! Dose finding: the amount at which a target share of rounds passes.

use crate::counts::Interval;
use crate::error::{StatsError, open_unit};

/// The standard deviation of the prior of ln(rate): about a factor of seven either way.
const PRIOR_DEVIATION: f64 = 2.0;
/// The grid of ln(rate) extends this far to both sides of the prior's centre, in steps of
/// [`GRID_STEP`].
const GRID_REACH: f64 = 10.0;
const GRID_STEP: f64 = 0.02;
/// The next amount is at most this many times the largest amount tried, to avoid a leap into the
/// unknown.
const LEAP: f64 = 3.0;

/// Finds the amount at which a target share of rounds passes, in few rounds. Each round runs at the
/// current best estimate.
///
/// The continual reassessment method (O'Quigley, Pepe and Fisher 1990, Biometrics 46) with the
/// working model P(pass at w) = exp(-r w), a constant risk r per unit of the amount, and a normal
/// prior of ln r around -ln(share) / start. The estimate is accurate near the amounts that were
/// tried, so it converges even if the model is wrong elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseFinding {
    share: f64,
    start: u32,
    largest: u32,
    /// Values of ln r with the logarithm of their posterior weight.
    grid: Vec<(f64, f64)>,
}

impl DoseFinding {
    /// Creates a search for the amount at which `share` of the rounds pass (0 < `share` < 1).
    /// `start` is the first amount to try (at least 1).
    ///
    /// # Errors
    /// `share` is out of range, or `start` is 0.
    pub fn new(share: f64, start: u32) -> Result<Self, StatsError> {
        let share = open_unit("the share", share)?;
        if start == 0 {
            return Err(StatsError::Zero {
                what: "the first amount",
            });
        }
        let centre = (-share.ln() / f64::from(start)).ln();
        let steps = (GRID_REACH / GRID_STEP) as i32;
        let point = |step: i32| {
            let offset = f64::from(step) * GRID_STEP;
            let z = offset / PRIOR_DEVIATION;
            (centre + offset, -z * z / 2.0)
        };
        Ok(DoseFinding {
            share,
            start,
            largest: 0,
            grid: (-steps..=steps).map(point).collect(),
        })
    }

    /// Adds a round at `amount`. An amount of 0 carries no information and is ignored.
    pub fn push(&mut self, amount: u32, passed: bool) {
        if amount == 0 {
            return;
        }
        self.largest = self.largest.max(amount);
        for (ln_rate, weight) in &mut self.grid {
            let risk = ln_rate.exp() * f64::from(amount);
            // ln(1 - exp(-risk)), accurate for small risks.
            *weight += if passed {
                -risk
            } else {
                (-(-risk).exp_m1()).ln()
            };
        }
    }

    /// The amount for the next rounds; after the last round, the result.
    pub fn amount(&self) -> u32 {
        let guess = -self.share.ln() / self.quantile(0.5).exp();
        let most = match self.largest {
            0 => f64::from(self.start),
            largest => f64::from(largest) * LEAP,
        };
        // The float-to-integer cast saturates, and the bound is smaller.
        guess.min(most).round().max(1.0) as u32
    }

    /// The central credible interval, at probability 1 - `alpha`, of the share that passes at
    /// `amount`.
    ///
    /// # Errors
    /// `alpha` is not strictly between 0 and 1.
    pub fn interval(&self, amount: u32, alpha: f64) -> Result<Interval, StatsError> {
        let alpha = open_unit("alpha", alpha)?;
        let passes = |ln_rate: f64| (-ln_rate.exp() * f64::from(amount)).exp();
        Ok(Interval {
            lo: passes(self.quantile(1.0 - alpha / 2.0)),
            hi: passes(self.quantile(alpha / 2.0)),
        })
    }

    /// The posterior quantile of ln r, on the grid.
    fn quantile(&self, p: f64) -> f64 {
        let heaviest = self
            .grid
            .iter()
            .fold(f64::NEG_INFINITY, |a, &(_, w)| a.max(w));
        let weight = |w: f64| (w - heaviest).exp();
        let whole: f64 = self.grid.iter().map(|&(_, w)| weight(w)).sum();
        let mut sum = 0.0;
        for &(ln_rate, w) in &self.grid {
            sum += weight(w);
            if sum >= p * whole {
                return ln_rate;
            }
        }
        self.grid.last().map_or(0.0, |&(ln_rate, _)| ln_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence that covers the range from 0 to 1 evenly: a deterministic substitute for random
    /// numbers.
    fn even(n: u32) -> f64 {
        (f64::from(n) * 0.618_033_988_749_895).fract()
    }

    fn found(passes: impl Fn(u32) -> f64, cohorts: u32) -> u32 {
        let mut finding = DoseFinding::new(0.4, 20).unwrap();
        for cohort in 0..cohorts {
            let amount = finding.amount();
            for round in 0..4 {
                finding.push(amount, even(4 * cohort + round) < passes(amount));
            }
        }
        finding.amount()
    }

    #[test]
    fn it_converges_to_the_target_share_from_far_above_and_below() {
        for right in [2.0, 20.0, 400.0] {
            let rate = -(0.4f64.ln()) / right;
            let amount = found(|w| (-rate * f64::from(w)).exp(), 12);
            let passes = (-rate * f64::from(amount)).exp();
            assert!((0.25..0.55).contains(&passes), "{amount}: {passes}");
        }
    }

    #[test]
    fn it_converges_with_a_wrong_model_too() {
        // Almost no risk up to 30, then a steep rise.
        let passes = |w: u32| 1.0 / (1.0 + ((f64::from(w) - 60.0) / 10.0).exp());
        let share = passes(found(passes, 40));
        assert!((0.2..0.65).contains(&share), "{share}");
    }

    #[test]
    fn the_interval_narrows_around_the_observed_share() {
        let mut finding = DoseFinding::new(0.4, 20).unwrap();
        let wide = finding.interval(20, 0.05).unwrap();
        (0..40).for_each(|n| finding.push(20, n % 5 < 2));
        let narrow = finding.interval(20, 0.05).unwrap();
        assert!(wide.lo < 0.01 && wide.hi > 0.95, "{wide:?}");
        assert!(narrow.lo > 0.2 && narrow.hi < 0.6, "{narrow:?}");
        assert!(narrow.lo < 0.4 && 0.4 < narrow.hi, "{narrow:?}");
    }

    #[test]
    fn the_next_dose_is_at_most_three_times_the_largest_tried() {
        let mut finding = DoseFinding::new(0.4, 20).unwrap();
        assert_eq!(finding.amount(), 20);
        (0..50).for_each(|_| finding.push(20, true));
        assert_eq!(finding.amount(), 60);
        let mut finding = DoseFinding::new(0.4, 20).unwrap();
        (0..50).for_each(|_| finding.push(1, false));
        assert_eq!(finding.amount(), 1);
    }

    #[test]
    fn invalid_arguments_are_refused() {
        assert!(DoseFinding::new(1.0, 20).is_err());
        assert!(DoseFinding::new(0.4, 0).is_err());
        let mut finding = DoseFinding::new(0.4, 1).unwrap();
        finding.push(0, false);
        assert_eq!(finding, DoseFinding::new(0.4, 1).unwrap());
    }
}
