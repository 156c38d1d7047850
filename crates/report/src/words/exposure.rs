//! Crashes per hour and per million operations, where rounds differ in length.

use crashrate_model::{ALPHA, StopReason};
use crashrate_stats::{Interval, garwood};

use super::names::units;
use super::numbers::{plural, quantity, seconds};
use crate::view::{Results, RunFacts, View};

const HOUR: f64 = 3600.0;
const MILLION: f64 = 1e6;

/// From this ratio of the longest to the shortest round on, a count of rounds does not measure
/// exposure.
const DIFFER: f64 = 2.0;

/// Crashes of a unit by time, and by operations if its rounds counted them. Garwood's interval
/// assumes a constant rate.
pub(crate) struct Rates {
    pub(crate) an_hour: (f64, Interval),
    /// Per million operations of the rounds that reported a count.
    pub(crate) a_million: Option<(f64, Interval)>,
}

/// The rates of a unit that crashed and whose rounds differ in length.
pub(crate) fn rates_by_exposure(results: &Results, run: &RunFacts) -> Option<Rates> {
    // Any other run was stopped by what is counted here.
    let is_fixed =
        !run.optional_stopping().is_possible() || run.stopped == Some(StopReason::TimeBudget);
    let differ = (results.secs).is_some_and(|secs| secs.max > DIFFER * secs.min);
    let bad = results.first_attempt.bad;
    if !is_fixed || !differ || bad == 0 {
        return None;
    }
    let counted = results.measures.iter().find(|stat| stat.unit == "ops");
    Some(Rates {
        an_hour: rate(bad, results.exposure.secs / HOUR)?,
        a_million: counted.and_then(|stat| rate(bad, stat.sum / MILLION)),
    })
}

fn rate(bad: u32, exposure: f64) -> Option<(f64, Interval)> {
    let interval = garwood(bad.into(), exposure, ALPHA).ok()?;
    Some((f64::from(bad) / exposure, interval))
}

/// A line for each unit with such rates.
pub(crate) fn exposure(view: &View) -> Vec<String> {
    let lines = units(view).filter_map(|(name, results)| {
        let rates = rates_by_exposure(results, &view.run)?;
        let operations = rates.a_million.map(with_interval);
        let operations = operations.map_or_else(String::new, |rate| {
            format!("; {rate} per million operations of completed rounds")
        });
        Some(format!(
            "{name}: {} in {} of run time: {} per hour{operations}.",
            plural(results.first_attempt.bad, "bad round"),
            seconds(results.exposure.secs),
            with_interval(rates.an_hour)
        ))
    });
    lines.collect()
}

fn with_interval((rate, interval): (f64, Interval)) -> String {
    let [rate, lo, hi] = [rate, interval.lo, interval.hi].map(quantity);
    format!("{rate} (95%: {lo} to {hi})")
}
