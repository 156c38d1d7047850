//! Parser for macOS crash reports: `.ips` files, and the `.crash` text files of macOS 11 and
//! earlier. Does no I/O.

mod facts;
mod ips;
mod text;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::Value;

use crate::crash::Crash;

/// The `bug_type` of a crash reported as a JSON object, and of one reported as text.
const JSON: &str = "309";
const TEXT: &str = "109";
/// Tolerance in seconds: the clocks are read at different moments, and fractions are truncated.
const SLACK: i64 = 2;

/// A parsed report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The process ID.
    pub pid: i32,
    /// The process name.
    pub process: String,
    /// The time of the crash in the system's format: `2025-12-22 10:15:00.1234 +0100`.
    pub captured: String,
    /// Whether the system killed the process because of an invalid code signature.
    pub code_signing: bool,
    /// The evidence of the crash.
    pub crash: Crash,
}

/// Why a text is not a crash report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAReport(String);

impl Report {
    /// Reads a report in either format.
    ///
    /// # Errors
    /// The text is not a crash report, or it is damaged.
    pub fn read(text: &str) -> Result<Report, NotAReport> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let facts = match text.starts_with('{') {
            true => with_header(text)?,
            false => text::facts(text),
        };
        let facts = facts.ok_or_else(|| {
            NotAReport(
                "not a macOS crash report: expected an .ips file (a line of JSON with `bug_type`, \
                 then a JSON object) or a .crash text (with `Process:` and `Exception Type:` lines)"
                    .into(),
            )
        })?;
        Ok(facts.report())
    }

    /// Whether the report is about process `pid`, which ran between `from` and `to` (seconds since
    /// 1970). A report with an unreadable time is accepted, because process IDs are reused only
    /// after a long time.
    pub fn is_of(&self, pid: i32, from: i64, to: i64) -> bool {
        self.pid == pid
            && seconds(&self.captured).is_none_or(|at| (from - SLACK..=to + SLACK).contains(&at))
    }
}

/// Converts `YYYY-MM-DD hh:mm:ss[.fraction] [+-]zzzz` to seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let (date, time) = (words.next()?, words.next()?);
    let zone = words.next().unwrap_or("+0000");
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", format!("{date} {time}")).ok()?;
    // A sign, and two digits each for hours and minutes.
    let zone: i64 = Some(zone).filter(|zone| zone.len() <= 5)?.parse().ok()?;
    let offset = (zone / 100 * 60 + zone % 100) * 60;
    Some(Offset::UTC.to_timestamp(time).ok()?.as_second() - offset)
}

/// Reads a report that begins with a line of JSON.
fn with_header(text: &str) -> Result<Option<facts::Facts>, NotAReport> {
    let (header, body) = text.split_once('\n').unwrap_or((text, ""));
    let header: Value = serde_json::from_str(header)
        .map_err(|error| NotAReport(format!("line 1 is not an .ips header: {error}")))?;
    let kind = match header.get("bug_type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(kind) => kind.to_string(),
        None => return Ok(None),
    };
    match kind.as_str() {
        JSON => ips::facts(body).map_err(NotAReport),
        TEXT => Ok(text::facts(body)),
        other => {
            // The value comes from the file, so its length must be bounded.
            let other: String = other.chars().take(20).collect();
            let what = format!("bug_type {other:?} is not a crash; crashes have {JSON} or {TEXT}");
            Err(NotAReport(what))
        }
    }
}

#[cfg(test)]
mod tests;
