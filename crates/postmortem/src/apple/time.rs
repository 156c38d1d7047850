//! Parses the timestamps in reports.

/// Converts `YYYY-MM-DD hh:mm:ss[.fraction] [+-]zzzz` to seconds since 1970.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let (date, time, zone) = (
        words.next()?,
        words.next()?,
        words.next().unwrap_or("+0000"),
    );
    let fields = |text: &str, by: char| -> Option<[i64; 3]> {
        let fields: Option<Vec<i64>> = text.split(by).map(|f| f.parse().ok()).collect();
        fields?.try_into().ok()
    };
    let [year, month, day] = fields(date, '-')?;
    let [hour, minute, second] = fields(time.split('.').next()?, ':')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if !(0..=23).contains(&hour) || !(0..=59).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    // Hours and minutes have two digits each. Longer offsets are invalid and would overflow.
    let offset = zone.get(1..).filter(|digits| digits.len() <= 4)?;
    let offset: i64 = offset.parse().ok()?;
    let offset = (offset / 100 * 60 + offset % 100) * 60;
    let offset = if zone.starts_with('-') {
        -offset
    } else {
        offset
    };
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March, so that the leap day
/// comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    of_years + (153 * month + 2) / 5 + day - 1 - 719_468
}
