//! The small objects of the JSON report: shares, counts, measures, reasons, findings.

use crashrate_model::{ALPHA, Finding, Level};
use crashrate_stats::Interval;
use serde::Serialize;

use crate::view::{OptionalStopping, Share};
use crate::words::{Method, Rates, known};

/// The crash rate of the first attempts.
#[derive(Serialize)]
pub(super) struct Estimated {
    rate: f64,
    lo: f64,
    hi: f64,
    confidence: f64,
    method: Method,
    /// Whether the interval is valid whenever the run stops.
    peek_safe: bool,
}

impl Estimated {
    /// `None` without rounds.
    pub(super) fn of(share: Share, optional_stopping: OptionalStopping) -> Option<Self> {
        let Share { bad, n } = share;
        let known = known(bad, n, optional_stopping)?;
        Some(Estimated {
            rate: f64::from(bad) / f64::from(n),
            lo: known.interval.lo,
            hi: known.interval.hi,
            confidence: 1.0 - ALPHA,
            method: known.method,
            peek_safe: known.method == Method::ConfidenceSequence,
        })
    }
}

/// Bad rounds per time and per operation, each with its interval.
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

/// A finding.
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
