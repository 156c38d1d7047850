//! Rates with their intervals, in words.

use crashrate_model::ALPHA;
use crashrate_stats::{Counts, Interval, confidence_sequence, wilson, zero_failure_upper};

use schemars::JsonSchema;
use serde::Serialize;

use super::numbers::{NOTHING, count, rate, share};
use crate::view::{Bounds, OptionalStopping, Results, Share};

/// The 95 % interval of a rate.
pub(crate) struct Estimate {
    pub(crate) interval: Interval,
    pub(crate) method: Method,
}

/// How an interval was computed.
#[derive(Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    /// Wilson's interval, for a number of rounds fixed in advance.
    Wilson,
    /// The exact one-sided bound for no crashes in a number of rounds fixed in advance.
    ExactOneSided,
    /// The beta-binomial confidence sequence: valid whenever the run stops.
    ConfidenceSequence,
}

/// The interval of the rate of `k` in `n` rounds; nothing without rounds.
pub(crate) fn known(k: u32, n: u32, optional_stopping: OptionalStopping) -> Option<Estimate> {
    let counts = Counts::new(k.into(), n.into()).ok()?;
    if n == 0 {
        return None;
    }
    let (interval, method) = if optional_stopping.is_possible() {
        let interval = confidence_sequence(counts, ALPHA).ok()?;
        (interval, Method::ConfidenceSequence)
    } else if k == 0 {
        let hi = zero_failure_upper(n.into(), ALPHA).ok()?;
        (Interval { lo: 0.0, hi }, Method::ExactOneSided)
    } else {
        (wilson(counts, ALPHA).ok()?, Method::Wilson)
    };
    Some(Estimate { interval, method })
}

/// A rate with its interval: `6/10 = 60% (95%: 31-83%)`, `0/10, rate below 26% (95%)`. If the data
/// decided the number of rounds (`optional_stopping`), the interval is valid whenever the run
/// stops.
pub fn estimate(k: u32, n: u32, optional_stopping: OptionalStopping) -> String {
    match (k, interval_points(k, n, optional_stopping)) {
        (_, None) => NOTHING.to_owned(),
        (0, Some([_, hi])) => format!("{}, rate below {hi}% (95%)", share(k, n)),
        (_, Some([lo, hi])) => format!("{} (95%: {lo}-{hi}%)", rate(k, n)),
    }
}

/// The same for a table whose head says what the interval is: `6/10 (31-83%)`, `0/10 (<26%)`.
pub(crate) fn short_estimate(of: Share, optional_stopping: OptionalStopping) -> String {
    match (of.bad, interval_points(of.bad, of.n, optional_stopping)) {
        (_, None) => NOTHING.to_owned(),
        (0, Some([_, hi])) => format!("{} (<{hi}%)", share(of.bad, of.n)),
        (_, Some([lo, hi])) => format!("{} ({lo}-{hi}%)", share(of.bad, of.n)),
    }
}

fn interval_points(k: u32, n: u32, optional_stopping: OptionalStopping) -> Option<[String; 2]> {
    let Interval { lo, hi } = known(k, n, optional_stopping)?.interval;
    Some([points(lo), points(hi)])
}

/// The interval of a crash rate above 0: ` (95%: 5.4% to 13%)`.
pub(crate) fn interval_words(of: Share, optional_stopping: OptionalStopping) -> Option<String> {
    let [lo, hi] = interval_points(of.bad, of.n, optional_stopping)?;
    (of.bad > 0).then(|| format!(" (95%: {lo}% to {hi}%)"))
}

/// A row's rate with its interval, and the bounds of lost rounds.
pub(crate) fn rate_of(results: &Results) -> String {
    let Share { bad, n } = results.first_attempt;
    estimate(bad, n, results.optional_stopping) + &in_bounds(results.telling_bounds())
}

/// The same for a table whose head says what the interval is: `0/16 (<17%) [0/20..4/20]`.
pub(crate) fn short_rate_of(results: &Results) -> String {
    let rate = short_estimate(results.first_attempt, results.optional_stopping);
    rate + &short_bounds(results.telling_bounds())
}

/// The bounds that lost rounds allow: ` [4 missing: 0/20 to 4/20]`; empty without lost rounds.
pub(crate) fn in_bounds(bounds: Option<Bounds>) -> String {
    bounds.map_or_else(String::new, |bounds| {
        let [best, worst] = [bounds.best, bounds.worst].map(|of| share(of.bad, of.n));
        let missing = count(bounds.missing.into());
        format!(" [{missing} missing: {best} to {worst}]")
    })
}

/// The same for a table: ` [0/20..4/20]`.
pub(crate) fn short_bounds(bounds: Option<Bounds>) -> String {
    bounds.map_or_else(String::new, |bounds| {
        let [best, worst] = [bounds.best, bounds.worst].map(|of| share(of.bad, of.n));
        format!(" [{best}..{worst}]")
    })
}

/// A share between -1 and 1 in hundredths, with two digits of its distance to 0 or 1. 0 and 100 are
/// printed only for exactly 0 and 1.
pub(crate) fn points(share: f64) -> String {
    let value = 100.0 * share;
    let size = value.abs();
    let next = size.min(100.0 - size);
    if size == 0.0 || size == 100.0 {
        return format!("{:.0}", value + 0.0);
    }
    let decimals = match next {
        9.95.. => 0,
        0.995.. => 1,
        0.0995.. => 2,
        0.00995.. => 3,
        0.000995.. => 4,
        _ if size < 50.0 => return format!("{value:.1e}"),
        _ => return if value < 0.0 { "<-99.99" } else { ">99.99" }.to_owned(),
    };
    format!("{value:.decimals$}")
}

/// A round number in percent: `99%`, `0.5%`.
pub(crate) fn percent_of(share: f64) -> String {
    let text = points(share);
    match text.contains('.') && !text.contains('e') {
        true => format!("{}%", text.trim_end_matches('0').trim_end_matches('.')),
        false => format!("{text}%"),
    }
}

/// A p-value: `0.82`, `0.0035`, `2.1e-7`.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        0.995.. => "1".to_owned(),
        0.01.. => format!("{p:.2}"),
        0.001.. => format!("{p:.4}"),
        0.0 => "0".to_owned(),
        _ => format!("{p:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_with_their_intervals() {
        let said = [
            estimate(6, 10, OptionalStopping::No),
            estimate(0, 10, OptionalStopping::No),
            estimate(10, 10, OptionalStopping::No),
            estimate(1, 1000, OptionalStopping::No),
            estimate(0, 100_000, OptionalStopping::No),
            estimate(0, 0, OptionalStopping::No),
            estimate(6, 10, OptionalStopping::Possible),
            estimate(0, 328, OptionalStopping::Possible),
            short_estimate(Share { bad: 1, n: 3 }, OptionalStopping::No),
            short_estimate(Share { bad: 0, n: 3 }, OptionalStopping::Possible),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        6/10 = 60% (95%: 31-83%)
        0/10, rate below 26% (95%)
        10/10 = 100% (95%: 72-100%)
        1/1,000 = 0.1% (95%: 0.018-0.56%)
        0/100,000, rate below 0.0030% (95%)
        -
        6/10 = 60% (95%: 18-93.1%)
        0/328, rate below 2.0% (95%)
        1/3 (6.1-79%)
        0/3 (<75%)
        ");
    }

    #[test]
    fn numbers_of_tests() {
        let said = [
            0.832,
            -0.2011,
            0.0266,
            0.00501,
            0.9974,
            1.0,
            0.0,
            -0.0,
            1e-9,
            1.0 - 1e-9,
        ];
        assert_eq!(
            said.map(points).join(" "),
            "83 -20 2.7 0.50 99.74 100 0 0 1.0e-7 >99.99"
        );
        let said = [1.0, 0.8193, 0.0498, 0.00350, 2.13e-7, 0.0];
        assert_eq!(said.map(p_value).join(" "), "1 0.82 0.05 0.0035 2.1e-7 0");
    }
}
