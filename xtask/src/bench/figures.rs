//! Samples and what is told of them: the median, and the least and the most.

use super::measure::Cost;

/// What one sample of one way came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Seconds a round.
    pub(super) secs: f64,
    /// Own processor time a round, microseconds.
    pub(super) cpu: Option<f64>,
    /// Bytes.
    pub(super) peak: Option<u64>,
}

impl Sample {
    /// The difference of two calls, so that what a program does once in a call is in none of its rounds. Nothing if
    /// the longer call was not the slower one: the rounds were too few for this machine.
    pub(super) fn between(short: (u64, Cost), long: (u64, Cost)) -> Option<Self> {
        let rounds = long.0.checked_sub(short.0).filter(|n| *n > 0)? as f64;
        let secs = (long.1.secs - short.1.secs) / rounds;
        let cpu = long.1.cpu.zip(short.1.cpu);
        (secs > 0.0).then_some(Sample {
            secs,
            cpu: cpu.map(|(long, short)| (long - short).max(0.0) * 1e6 / rounds),
            peak: long.1.peak.max(short.1.peak),
        })
    }
}

/// A median with its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Nothing of nothing.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Some(Spread { median, min, max })
    }

    /// `median (min..max)`
    pub(super) fn told(self) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(number);
        format!("{median} ({min}..{max})")
    }
}

/// Three digits or more, with commas between thousands.
pub(super) fn number(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 || v == 0.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod test {
    use super::*;

    fn cost(secs: f64, cpu: f64, peak: u64) -> Cost {
        Cost {
            secs,
            cpu: Some(cpu),
            peak: Some(peak),
        }
    }

    #[test]
    fn the_median_is_the_middle_one_or_between_two() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(spread(&[]), None);
        let odd = spread(&[9.0, 1.0, 2.0]).expect("three values");
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 9.0));
        assert_eq!(spread(&[4.0, 1.0]).map(|s| s.median), Some(2.5));
    }

    #[test]
    fn what_is_done_once_in_a_call_is_in_no_round() {
        let sample = Sample::between((2, cost(1.0, 0.5, 9)), (102, cost(2.0, 0.6, 7)));
        let sample = sample.expect("a longer call");
        assert!((sample.secs - 0.01).abs() < 1e-9);
        assert!((sample.cpu.expect("both are known") - 1000.0).abs() < 1e-6);
        assert_eq!(sample.peak, Some(9));
        let faster = Sample::between((2, cost(1.0, 0.0, 0)), (102, cost(0.9, 0.0, 0)));
        assert!(faster.is_none());
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (14_900.4, "14,900"),
            (1_234_567.0, "1,234,567"),
            (148.2, "148"),
            (42.25, "42.2"),
            (1.26, "1.26"),
            (0.0, "0.00"),
            (0.0561, "0.056"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
