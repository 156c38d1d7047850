//! Values of command line arguments: times, devices, rates and choices.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use crashrate_supervisor::toml_file::{NAME, is_device, is_name};

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("must be more than 0".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(format!("{error}; write it as 90s, 10m or 1h 30m")),
    }
}

pub(crate) fn device(text: &str) -> Result<String, String> {
    if is_device(text) {
        Ok(text.to_owned())
    } else {
        Err("use auto, mps, cuda, cuda:N, cuda:* or cpu".into())
    }
}

/// A command line, as a shell reads it.
#[derive(Clone, Debug)]
pub(crate) struct Words(pub(crate) Vec<String>);

pub(crate) fn words(text: &str) -> Result<Words, String> {
    let words = shlex::split(text).filter(|words| !words.is_empty());
    let words = words.ok_or("it is not a command line: expected e.g. './probe --quick'")?;
    Ok(Words(words))
}

/// The name of a suite.
pub(crate) fn suite_name(text: &str) -> Result<String, String> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("expected {NAME}")),
    }
}

/// Accepts one of these names as the value beside it.
pub(crate) fn one_of<T, const N: usize>(
    choices: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
{
    let names = choices.each_ref().map(|(name, _)| *name);
    PossibleValuesParser::new(names).try_map(move |given| {
        let chosen = choices.iter().find(|(name, _)| *name == given);
        chosen
            .map(|(_, value)| value.clone())
            .ok_or("no such value")
    })
}

/// A round of a run: `12:7`, `latest:7`, or a folder.
pub(crate) fn round_of_run(text: &str) -> Result<(String, u32), String> {
    let parsed = text.rsplit_once(':').and_then(|(run, round)| {
        let round = round.parse().ok().filter(|round| *round > 0)?;
        Some((run.to_owned(), round)).filter(|_| !run.is_empty())
    });
    parsed.ok_or_else(|| "write it as RUN:ROUND, such as 12:7".to_owned())
}

/// A rate strictly between 0 and 1, such as `1%` or `0.01`.
pub(crate) fn open_rate(text: &str) -> Result<f64, String> {
    match number(text)? {
        rate if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("must be between 0% and 100%, exclusive".into()),
    }
}

/// Two different rates such as `90%:99%`.
pub(crate) fn two_rates(text: &str) -> Result<[f64; 2], String> {
    let (one, two) = (text.split_once(':')).ok_or("write it as 90%:99% or 0.9:0.99")?;
    let rates = [number(one)?, number(two)?];
    if rates.iter().any(|rate| !(0.0..=1.0).contains(rate)) {
        Err("both must be between 0% and 100%".into())
    } else if rates[0] == rates[1] {
        Err("no number of rounds can distinguish equal rates".into())
    } else {
        Ok(rates)
    }
}

fn number(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let digits = text.strip_suffix('%').unwrap_or(text);
    let invalid = || format!("`{text}` is not a rate; write it as 1% or 0.01");
    let number: f64 = digits.trim_end().parse().map_err(|_| invalid())?;
    Ok(if text.ends_with('%') {
        number / 100.0
    } else {
        number
    })
}

/// A rate from the command line, in percent.
pub(crate) fn exact_percent(rate: f64) -> String {
    // Twelve digits: 0.07 * 100 is 7.000000000000001.
    let percent = (rate * 100.0 * 1e12).round() / 1e12;
    format!("{percent}%")
}

/// A measured rate in percent, to two digits.
pub(crate) fn rounded_percent(rate: f64) -> String {
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
        assert_eq!(exact_percent(0.07), "7%");
        for wrong in ["", "%", "x", "0", "100%", "1", "-1%", "NaN", "inf", "5 %%"] {
            assert!(open_rate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "90%", "0.5:0.5", "50%:0.5", "1:2", ":", "NaN:1", "0:-1"] {
            assert!(two_rates(wrong).is_err(), "{wrong}");
        }
    }
}
