//! Numbers for people: 127,818; 15.6 s; 83.0%; 6,232 ops/s; 1.2e-6.

use crashrate_protocol::chapters::{EFFICIENCY, SPEEDUP};

/// A rate with its counts, such as `4/10 = 40%`.
pub fn rate(k: u32, n: u32) -> String {
    match n {
        0 => NOTHING.to_owned(),
        _ => format!("{} = {}", share(k, n), percent(k, n)),
    }
}

/// Counts such as `4/10`.
pub fn share(k: u32, n: u32) -> String {
    match n {
        0 => NOTHING.to_owned(),
        _ => format!("{}/{}", count(k.into()), count(n.into())),
    }
}

/// What is shown where there is no number.
pub(crate) const NOTHING: &str = "-";

/// A rate in percent. 0% and 100% are printed only for none and all: a rare crash is not rounded
/// away.
pub fn percent(k: u32, n: u32) -> String {
    let percent = 100.0 * f64::from(k) / f64::from(n);
    match format!("{percent:.1}").as_str() {
        _ if n == 0 => NOTHING.to_owned(),
        "0.0" if k > 0 => "<0.1%".to_owned(),
        "100.0" if k < n => ">99.9%".to_owned(),
        tenths => format!("{}%", tenths.strip_suffix(".0").unwrap_or(tenths)),
    }
}

/// A whole number with its thousands apart, such as `127,818`.
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// The counts above 0, each with its words: `4 lost`.
pub(crate) fn counts<'a>(
    all: impl IntoIterator<Item = (u64, &'a str)>,
) -> impl Iterator<Item = String> {
    let some = all.into_iter().filter(|(n, _)| *n > 0);
    some.map(|(n, words)| format!("{} {words}", count(n)))
}

/// `1 round`, `10 rounds`.
pub fn plural(n: impl Into<u64>, word: &str) -> String {
    let n = n.into();
    let s = if n == 1 { "" } else { "s" };
    format!("{} {word}{s}", count(n))
}

/// `9 of 10`, or `10` for all.
pub(crate) fn out_of(n: u32, all: u32) -> String {
    match n == all {
        true => count(n.into()),
        false => format!("{} of {}", count(n.into()), count(all.into())),
    }
}

/// The words with this between them; nothing without words.
pub(crate) fn joined(words: impl Iterator<Item = String>, separator: &str) -> Option<String> {
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| words.join(separator))
}

/// The first lines, and one that counts the others: `3 more gates`.
pub(crate) fn first_lines(mut lines: Vec<String>, most: usize, others: &str) -> Vec<String> {
    let left = lines.len().saturating_sub(most);
    lines.truncate(most);
    if left > 0 {
        lines.push(format!("{} {others}", count(left as u64)));
    }
    lines
}

/// A measured number with three or four digits; tiny and huge ones in scientific form.
pub fn quantity(value: f64) -> String {
    digits(value, true)
}

/// A number as in [`quantity`]. Whole numbers get decimals unless `whole` is set.
fn digits(value: f64, whole: bool) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "?".to_owned();
    }
    if size != 0.0 && !(1e-3..1e15).contains(&size) {
        return format!("{value:.1e}");
    }
    if value == 0.0 || (whole && value.fract() == 0.0) {
        return grouped(&format!("{:.0}", value + 0.0)); // + 0.0: no minus before a zero
    }
    let decimals = match size {
        1000.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        _ => 5,
    };
    grouped(&format!("{value:.decimals$}"))
}

/// A time, such as `4.13 ms`, `15.6 s`, `3 min 20 s` or `1 h 05 min`.
pub fn seconds(secs: f64) -> String {
    if (1e-6..0.1).contains(&secs) {
        return format!("{} ms", quantity(1000.0 * secs));
    }
    if !(59.95..1e12).contains(&secs) {
        return format!("{} s", quantity(secs));
    }
    // At most 1e12 and positive, so nothing is cut off.
    let whole = secs.round() as u64;
    if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = (whole + 30) / 60;
        format!("{} h {:02} min", count(minutes / 60), minutes % 60)
    }
}

/// How the values of a measure are written.
enum Form {
    /// A share in percent, such as an efficiency.
    Percent,
    /// A factor.
    Times,
    Plain,
}

fn form(name: &str, unit: &str) -> Form {
    let bare = matches!(unit, "" | "1" | "ratio" | "fraction");
    let name = name.to_ascii_lowercase();
    if bare && name.ends_with(EFFICIENCY) {
        Form::Percent
    } else if unit == "x" || (bare && name.replace(['-', '_', ' '], "").ends_with(SPEEDUP)) {
        Form::Times
    } else {
        Form::Plain
    }
}

/// A measure's value without its unit, except for `%` and `x` (`83.0%`, `1.66x`).
///
/// `whole` means that all numbers of its column are whole, so that none gets decimals.
pub(crate) fn measured(name: &str, unit: &str, value: f64, whole: bool) -> String {
    match form(name, unit) {
        Form::Percent => percentage(100.0 * value),
        Form::Plain if unit == "%" => percentage(value),
        Form::Times if (0.01..1000.0).contains(&value) => format!("{value:.2}x"),
        Form::Times => format!("{}x", quantity(value)),
        Form::Plain => digits(value, whole),
    }
}

/// The unit to name in a heading or after a value from [`measured`]; empty if the value has it.
pub(crate) fn shown_unit<'a>(name: &str, unit: &'a str) -> &'a str {
    match form(name, unit) {
        Form::Plain if unit != "%" && unit != "1" => unit,
        _ => "",
    }
}

fn percentage(value: f64) -> String {
    if value == 0.0 || (0.05..1e6).contains(&value.abs()) {
        format!("{}%", grouped(&format!("{value:.1}")))
    } else {
        format!("{}%", quantity(value))
    }
}

/// Puts commas between groups of three digits.
fn grouped(number: &str) -> String {
    let first = usize::from(number.starts_with('-'));
    let mut place = number.find('.').unwrap_or(number.len());
    let mut out = number.to_owned();
    while place > first + 3 {
        place -= 3;
        out.insert(place, ',');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_show_n_and_never_round_to_0_or_100_percent() {
        assert_eq!(rate(4, 10), "4/10 = 40%");
        assert_eq!(rate(1, 3), "1/3 = 33.3%");
        assert_eq!(rate(0, 10), "0/10 = 0%");
        assert_eq!(rate(10, 10), "10/10 = 100%");
        assert_eq!(rate(99_999, 100_000), "99,999/100,000 = >99.9%");
        assert_eq!(rate(1, 100_000), "1/100,000 = <0.1%");
        assert_eq!(rate(0, 0), "-");
    }

    #[test]
    fn quantities() {
        let said = [
            (127_818.0, "127,818"),
            (6_232.17, "6,232"),
            (618.34, "618.3"),
            (15.58, "15.6"),
            (1.658, "1.66"),
            (0.2203, "0.220"),
            (0.0123, "0.0123"),
            (1.23e-6, "1.2e-6"),
            (-1.23e-6, "-1.2e-6"),
            (0.0, "0"),
            (-0.0, "0"),
            (160.0, "160"),
            (-1234.5, "-1,234"),
            (2e18, "2.0e18"),
            (f64::NAN, "?"),
        ];
        for (value, text) in said {
            assert_eq!(quantity(value), text);
        }
    }

    #[test]
    fn times() {
        assert_eq!(seconds(0.00413), "4.13 ms");
        assert_eq!(seconds(20.5), "20.5 s");
        assert_eq!(seconds(59.99), "1 min 00 s");
        assert_eq!(seconds(200.4), "3 min 20 s");
        assert_eq!(seconds(3599.6), "1 h 00 min");
        assert_eq!(seconds(7230.0), "2 h 01 min");
    }

    #[test]
    fn measures_by_their_unit() {
        assert_eq!(measured("efficiency", "", 0.8296, false), "83.0%");
        assert_eq!(measured("efficiency", "%", 14.68, false), "14.7%");
        assert_eq!(measured("speedup", "x", 1.658, false), "1.66x");
        assert_eq!(measured("speed-up", "", 1.0, true), "1.00x");
        assert_eq!(measured("throughput", "ops/s", 959.94, false), "959.9");
        assert_eq!(measured("throughput", "ops/s", 612.0, false), "612.0");
        assert_eq!(measured("completed", "ops", 160.0, true), "160");
        assert_eq!(shown_unit("throughput", "ops/s"), "ops/s");
        assert_eq!(shown_unit("efficiency", "ratio"), "");
    }
}
