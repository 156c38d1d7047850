//! Medians with their spread, and the tables of a group.

use super::groups::Group;
use super::measure::Cost;

/// A median with the least and the greatest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// `None` without values.
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
    thousands(whole) + fraction
}

/// Digits with commas between thousands.
pub(crate) fn thousands(digits: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A group with the samples of each case; those of the other program are empty without one.
pub(super) struct Measured {
    pub(super) group: Group,
    pub(super) samples: Vec<Vec<Cost>>,
    pub(super) other: Vec<Vec<Cost>>,
}

impl Measured {
    /// The section of this group.
    pub(super) fn markdown(&self) -> String {
        let side_by_side = self.other.iter().any(|samples| !samples.is_empty());
        let table = match side_by_side {
            true => self.side_by_side(),
            false => self.by_reference(),
        };
        format!("### {}\n\n{table}\n{}\n", self.group.title, self.group.note)
    }

    fn by_reference(&self) -> String {
        let group = &self.group;
        let cases = || group.cases.iter().zip(&self.samples);
        let reference = cases().find(|(case, _)| case.name == group.reference);
        let head = [
            "case",
            self.unit(),
            "ratio",
            "own CPU us a round",
            "peak MiB",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        for (case, samples) in cases() {
            let ratio = match reference {
                Some((reference, _)) if reference.name == case.name => "1".to_owned(),
                Some((_, reference)) => self.ratio(samples, reference),
                None => "-".to_owned(),
            };
            rows.push([
                case.name.clone(),
                self.speed(samples),
                ratio,
                cpu(samples),
                peak(samples),
            ]);
        }
        table(&rows)
    }

    fn side_by_side(&self) -> String {
        let head = [
            "case",
            self.unit(),
            "other",
            "ratio",
            "own CPU us a round",
            "other",
            "peak MiB",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        let pairs = self.samples.iter().zip(&self.other);
        for (case, (this, other)) in self.group.cases.iter().zip(pairs) {
            rows.push([
                case.name.clone(),
                self.speed(this),
                self.speed(other),
                self.ratio(this, other),
                cpu(this),
                cpu(other),
                format!("{}, {}", peak(this), peak(other)),
            ]);
        }
        table(&rows)
    }

    fn unit(&self) -> &'static str {
        match self.group.by_time {
            true => "seconds a round",
            false => "rounds/s",
        }
    }

    fn value(&self, sample: &Cost) -> f64 {
        match self.group.by_time {
            true => sample.secs,
            false => 1.0 / sample.secs,
        }
    }

    fn speed(&self, samples: &[Cost]) -> String {
        spread(samples.iter().map(|sample| self.value(sample)))
    }

    /// The ratio of each pair of samples.
    fn ratio(&self, of: &[Cost], to: &[Cost]) -> String {
        let pairs = of.iter().zip(to);
        spread(pairs.map(|(of, to)| self.value(of) / self.value(to)))
    }
}

fn cpu(samples: &[Cost]) -> String {
    spread(samples.iter().filter_map(|sample| sample.cpu))
}

fn peak(samples: &[Cost]) -> String {
    let peak = samples.iter().filter_map(|sample| sample.peak).max();
    peak.map_or("-".to_owned(), |bytes| {
        number(bytes as f64 / f64::from(1 << 20))
    })
}

/// `median (least..greatest)`
fn spread(values: impl IntoIterator<Item = f64>) -> String {
    let Some(Spread { median, min, max }) = Spread::of(values) else {
        return "-".to_owned();
    };
    format!("{} ({}..{})", number(median), number(min), number(max))
}

/// A Markdown table whose first row is its head: the first column to the left, the others to the
/// right.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(3)
    });
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            text += &match column {
                0 => format!("| {cell:<width$} "),
                _ => format!("| {cell:>width$} "),
            };
        }
        text += "|\n";
        if index == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                text += &match column {
                    0 => format!("|{}", "-".repeat(width + 2)),
                    _ => format!("|{}:", "-".repeat(width + 1)),
                };
            }
            text += "|\n";
        }
    }
    text
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_two() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(spread(&[]), None);
        let odd = spread(&[9.0, 1.0, 2.0]).expect("three values");
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 9.0));
        assert_eq!(spread(&[4.0, 1.0]).map(|s| s.median), Some(2.5));
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

    #[test]
    fn columns_are_aligned() {
        let rows = [["what", "n"], ["one", "1,000"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows),
            "| what |     n |\n|------|------:|\n| one  | 1,000 |\n"
        );
    }

    #[test]
    fn ratios_are_computed_per_pair() {
        let sample = |secs| Cost {
            secs,
            cpu: None,
            peak: Some(1 << 20),
        };
        let group = toml::from_str(
            r#"
            key = "g"
            title = "A group"
            reference = "one"
            note = "A note."
            case = [{ name = "one", rounds = 1, run = "" }]"#,
        );
        let mut measured = Measured {
            group: group.expect("the group is valid"),
            samples: vec![vec![sample(0.5), sample(1.0)]],
            other: vec![vec![sample(1.0), sample(3.0)]],
        };
        let row = |measured: &Measured| measured.markdown().lines().nth(4).unwrap().to_owned();
        let expected = [
            "| one  | 1.50 (1.00..2.00) | 0.667 (0.333..1.00) | 2.50 (2.00..3.00) ",
            "|                  - |     - | 1.00, 1.00 |",
        ];
        assert_eq!(row(&measured), expected.concat());
        measured.group.by_time = true;
        assert!(row(&measured).contains("| 0.417 (0.333..0.500) |"));
        measured.other = vec![Vec::new()];
        assert!(row(&measured).contains("| 0.750 (0.500..1.00) |     1 |"));
    }
}
