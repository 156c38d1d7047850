//! Times in the form that the journal has.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The current time.
pub(super) fn now() -> String {
    written(SystemTime::now())
}

/// A time in the local time zone. A clock that is off by thousands of years gives 1970.
fn written(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// Rounds to microseconds. More digits only lengthen the journal.
pub(super) fn rounded(secs: f64) -> f64 {
    (secs * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn any_clock_is_formatted() {
        const YEAR: u64 = 31_556_952;
        let time = |years: u64| Duration::from_secs(years * YEAR);
        let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(100 * 86_400);
        assert!(written(epoch + time(30)).starts_with("2000-0"));
        assert!(written(epoch - time(100)).starts_with("1870-0"));
        assert!(written(epoch + time(8028)).starts_with("9998-0"));
        for far in [epoch + time(8100), epoch - time(13_000)] {
            assert!(written(far).contains("19"), "{}", written(far));
        }
    }
}
