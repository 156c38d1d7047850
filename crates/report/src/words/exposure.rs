//! Rates by exposure, where rounds differ in length: bad ends an hour, and a million operations.

use crashrate_model::{ALPHA, StopReason};
use crashrate_stats::{Interval, garwood};

use super::notes::{plural, units};
use super::numbers::{quantity, seconds};
use crate::view::{Results, RunFacts, View};

const HOUR: f64 = 3600.0;
const MILLION: f64 = 1e6;

/// How much longer than the shortest the longest round must be before rounds are no measure of exposure.
const DIFFER: f64 = 2.0;

/// Bad ends of a unit by time, and by operations where its rounds counted any; each with Garwood's interval, which holds if
/// they come at a constant rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) an_hour: (f64, Interval),
    /// A million operations, counted by the rounds that ended with a count.
    pub(crate) a_million: Option<(f64, Interval)>,
}

/// The rates of a unit whose rounds differ in length and that has bad ends.
pub(crate) fn rates_by_exposure(results: &Results, run: &RunFacts) -> Option<Rates> {
    // A fixed number of rounds, or a fixed time: anything else was stopped by what is counted here.
    let is_fixed = !run.is_by_data() || run.stopped == Some(StopReason::TimeBudget);
    let differ = results
        .secs
        .is_some_and(|secs| secs.max > DIFFER * secs.min);
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

/// A line for each unit that has such rates.
pub(crate) fn exposure(view: &View) -> Vec<String> {
    let lines = units(view).filter_map(|(name, results)| {
        let rates = rates_by_exposure(results, &view.run)?;
        let operations = rates.a_million.map_or_else(String::new, |rate| {
            format!(
                "; {} a million operations counted by rounds that ended",
                said(rate)
            )
        });
        Some(format!(
            "{name}: {} in {} of running: {} an hour{operations}.",
            plural(results.first_attempt.bad, "bad end"),
            seconds(results.exposure.secs),
            said(rates.an_hour)
        ))
    });
    lines.collect()
}

fn said((rate, interval): (f64, Interval)) -> String {
    let [rate, lo, hi] = [rate, interval.lo, interval.hi].map(quantity);
    format!("{rate} (95%: {lo} to {hi})")
}
