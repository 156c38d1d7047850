//! Rates on the command line: percentages or fractions.

/// A rate strictly between 0 and 1, such as `1%` or `0.01`.
pub(crate) fn open_rate(text: &str) -> Result<f64, String> {
    match number(text)? {
        rate if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("must be between 0% and 100%, both excluded".into()),
    }
}

/// Two different rates such as `90%:99%`.
pub(crate) fn two_rates(text: &str) -> Result<[f64; 2], String> {
    let (one, two) = (text.split_once(':')).ok_or("write it as 90%:99% or 0.9:0.99")?;
    let rates = [number(one)?, number(two)?];
    if rates.iter().any(|rate| !(0.0..=1.0).contains(rate)) {
        Err("both must be between 0% and 100%".into())
    } else if rates[0] == rates[1] {
        Err("no number of rounds tells equal rates apart".into())
    } else {
        Ok(rates)
    }
}

fn number(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let digits = text.strip_suffix('%').unwrap_or(text);
    let wrong = || format!("`{text}` is no rate; write it as 1% or 0.01");
    let number: f64 = digits.trim_end().parse().map_err(|_| wrong())?;
    match text.ends_with('%') {
        true => Ok(number / 100.0),
        false => Ok(number),
    }
}

/// A rate in percent, as it was written.
pub(crate) fn said(rate: f64) -> String {
    // Twelve digits: no noise of binary fractions.
    let percent = (rate * 100.0 * 1e12).round() / 1e12;
    format!("{percent}%")
}

/// A measured rate in percent, to two digits.
pub(crate) fn rounded(rate: f64) -> String {
    let percent = 100.0 * rate;
    match percent.abs() {
        9.95.. | 0.0 => format!("{percent:.0}%"),
        _ => format!("{percent:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_and_fractions() {
        assert_eq!(open_rate("1%"), Ok(0.01));
        assert_eq!(open_rate(" 0.05 "), Ok(0.05));
        assert_eq!(two_rates("90%:1"), Ok([0.9, 1.0]));
        assert_eq!(said(0.07), "7%");
        for wrong in ["", "%", "x", "0", "100%", "1", "-1%", "NaN", "inf", "5 %%"] {
            assert!(open_rate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "90%", "0.5:0.5", "50%:0.5", "1:2", ":", "NaN:1", "0:-1"] {
            assert!(two_rates(wrong).is_err(), "{wrong}");
        }
    }
}
