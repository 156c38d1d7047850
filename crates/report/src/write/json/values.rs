//! The small objects of the JSON report: shares, counts, measures, reasons, findings.

use crashrate_model::{ALPHA, Condition, Finding, Level, Mode, Outcome};
use crashrate_stats::Interval;
use serde::{Serialize, Serializer};

use crate::view::{
    Advice, Bounds, Held, MeasureStat, Missed, Note, Outcomes, Reason, Running, Share, Spread,
};
use crate::words::{Method, Rates, known};

#[derive(Serialize)]
pub(super) struct Rate {
    bad: u32,
    n: u32,
}

impl From<Share> for Rate {
    fn from(share: Share) -> Self {
        let Share { bad, n } = share;
        Rate { bad, n }
    }
}

/// What the first attempts say of the crash rate.
#[derive(Serialize)]
pub(super) struct Estimated {
    rate: f64,
    lo: f64,
    hi: f64,
    confidence: f64,
    method: &'static str,
    /// Whether it holds however often one looked, and whenever the run was stopped.
    peek_safe: bool,
}

impl Estimated {
    /// Nothing without rounds.
    pub(super) fn of(share: Share, by_data: bool) -> Option<Self> {
        let Share { bad, n } = share;
        let known = known(bad, n, by_data)?;
        Some(Estimated {
            rate: f64::from(bad) / f64::from(n),
            lo: known.interval.lo,
            hi: known.interval.hi,
            confidence: 1.0 - ALPHA,
            method: known.method.word(),
            peek_safe: known.method == Method::ConfidenceSequence,
        })
    }
}

/// The rates that rounds without a known end allow.
#[derive(Serialize)]
pub(super) struct Range {
    missing: u32,
    best: Rate,
    worst: Rate,
}

impl From<Bounds> for Range {
    fn from(bounds: Bounds) -> Self {
        Range {
            missing: bounds.missing,
            best: bounds.best.into(),
            worst: bounds.worst.into(),
        }
    }
}

/// Bad ends by time and by operations, each with its interval.
#[derive(Serialize)]
pub(super) struct ByExposure {
    an_hour: PerUnit,
    a_million_operations: Option<PerUnit>,
}

#[derive(Serialize)]
struct PerUnit {
    rate: f64,
    lo: f64,
    hi: f64,
}

impl From<Rates> for ByExposure {
    fn from(rates: Rates) -> Self {
        let of = |(rate, interval): (f64, Interval)| PerUnit {
            rate,
            lo: interval.lo,
            hi: interval.hi,
        };
        ByExposure {
            an_hour: of(rates.an_hour),
            a_million_operations: rates.a_million.map(of),
        }
    }
}

/// Counts of those outcomes that occurred.
pub(super) struct Kinds(pub(super) Outcomes);

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.occurred())
    }
}

/// Pairs as a map in their order.
pub(super) fn pairs<S: Serializer>(
    pairs: &[(&str, u32)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

#[derive(Serialize)]
pub(super) struct Values {
    n: u32,
    min: f64,
    median: f64,
    max: f64,
}

impl From<Spread> for Values {
    fn from(spread: Spread) -> Self {
        let Spread {
            n,
            min,
            median,
            max,
        } = spread;
        Values {
            n,
            min,
            median,
            max,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Measure<'a> {
    name: &'a str,
    label: &'a str,
    unit: &'a str,
    #[serde(flatten)]
    values: Values,
}

impl<'a> Measure<'a> {
    pub(super) fn of(stat: &'a MeasureStat) -> Self {
        Measure {
            name: &stat.name,
            label: &stat.label,
            unit: &stat.unit,
            values: stat.spread.into(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Why<'a> {
    outcome: Outcome,
    text: &'a str,
    count: u32,
    /// `null` where the order of rounds is not known.
    round: Option<u32>,
    output: Option<&'a str>,
}

impl<'a> Why<'a> {
    pub(super) fn of(reason: &'a Reason, unordered: bool) -> Self {
        Why {
            outcome: reason.outcome,
            text: &reason.text,
            count: reason.count,
            round: (!unordered).then_some(reason.round),
            output: reason.output.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Said<'a> {
    text: &'a str,
    count: u32,
}

impl<'a> Said<'a> {
    pub(super) fn of(note: &'a Note) -> Self {
        Said {
            text: &note.text,
            count: note.count,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Now<'a> {
    name: &'a str,
    mode: Mode,
    variant: &'a str,
    round: u32,
    attempt: u32,
}

impl<'a> Now<'a> {
    pub(super) fn of(running: &'a Running) -> Self {
        Now {
            name: &running.name,
            mode: running.mode,
            variant: &running.variant,
            round: running.round,
            attempt: running.attempt,
        }
    }
}

/// An expectation that was missed.
#[derive(Serialize)]
pub(super) struct Miss<'a> {
    expected: &'a str,
    count: u32,
    measured: Option<Values>,
}

impl<'a> Miss<'a> {
    pub(super) fn of(missed: &'a Missed) -> Self {
        Miss {
            expected: &missed.expected,
            count: missed.count,
            measured: missed.measured.map(Values::from),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Advised<'a> {
    text: &'a str,
    when: Option<&'a Condition>,
    held: Vec<Holds<'a>>,
}

impl<'a> Advised<'a> {
    pub(super) fn of(advice: &'a Advice) -> Self {
        Advised {
            text: &advice.text,
            when: advice.when.as_ref(),
            held: advice.held.iter().map(Holds::of).collect(),
        }
    }
}

/// The counts by which a condition holds.
#[derive(Serialize)]
pub(super) struct Holds<'a> {
    variant: &'a str,
    count: u32,
    n: u32,
}

impl<'a> Holds<'a> {
    pub(super) fn of(held: &'a Held) -> Self {
        Holds {
            variant: &held.variant,
            count: held.count,
            n: held.n,
        }
    }
}

/// A finding, as JSON has it.
#[derive(Serialize)]
pub(in crate::write) struct Found<'a> {
    level: Level,
    name: &'a str,
    found: &'a str,
    advice: Option<&'a str>,
}

impl<'a> Found<'a> {
    pub(in crate::write) fn of(finding: &'a Finding) -> Self {
        Found {
            level: finding.level,
            name: &finding.name,
            found: &finding.found,
            advice: finding.advice.as_deref(),
        }
    }
}
