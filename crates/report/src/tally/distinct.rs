//! Distinct texts and values with their counts, bounded whatever children print.

use crashrate_model::Measure;

use crate::view::{MeasureStat, Missed, Spread};

/// Characters kept per text.
const LENGTH: usize = 1000;

/// The distinct items among those added, at most `LIMIT` of them.
#[derive(Clone, Debug)]
pub(super) struct Distinct<T, const LIMIT: usize> {
    /// In the order of their first appearance.
    pub(super) kept: Vec<T>,
    /// How many other items were added.
    pub(super) left_out: u32,
    /// Where to look first for the next item: attempts report theirs in the same order.
    next: usize,
}

impl<T, const LIMIT: usize> Default for Distinct<T, LIMIT> {
    fn default() -> Self {
        Distinct {
            kept: Vec::new(),
            left_out: 0,
            next: 0,
        }
    }
}

impl<T, const LIMIT: usize> Distinct<T, LIMIT> {
    /// The kept item that is the same, or else the new one. `None` beyond the limit.
    pub(super) fn entry(
        &mut self,
        is_same: impl Fn(&T) -> bool,
        new: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let kept = self.kept.len();
        let places = (0..kept).map(|step| (self.next + step) % kept);
        let found = places.into_iter().find(|place| is_same(&self.kept[*place]));
        if found.is_none() && kept == LIMIT {
            self.left_out += 1;
            return None;
        }
        let place = found.unwrap_or(kept);
        if place == kept {
            self.kept.push(new());
        }
        self.next = place + 1;
        self.kept.get_mut(place)
    }
}

/// The text, cut if it is too long to keep.
pub(super) fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LENGTH) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// The values of one measure under one label. A median needs them all.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// The first measurement.
    kind: Measure,
    values: Vec<f64>,
}

/// Measures by name, label and unit.
pub(super) type Measures = Distinct<Values, 256>;

impl Measures {
    pub(super) fn add(&mut self, measure: &Measure) {
        if !measure.value.is_finite() {
            self.left_out += 1;
            return;
        }
        fn key(measure: &Measure) -> [&str; 3] {
            [&measure.name, &measure.label, &measure.unit]
        }
        let all = self.entry(
            |all| key(&all.kind) == key(measure),
            || Values {
                kind: measure.clone(),
                values: Vec::new(),
            },
        );
        if let Some(all) = all {
            all.values.push(measure.value);
        }
    }

    pub(super) fn stats(&self) -> Vec<MeasureStat> {
        let stats = self.kept.iter().filter_map(|Values { kind, values }| {
            Some(MeasureStat {
                name: kind.name.clone(),
                label: kind.label.clone(),
                unit: kind.unit.clone(),
                spread: spread(values)?,
                sum: values.iter().sum(),
            })
        });
        stats.collect()
    }
}

/// The misses of one expectation.
#[derive(Clone, Debug)]
pub(super) struct Misses {
    expected: String,
    count: u32,
    values: Vec<f64>,
}

/// Misses by expectation: the measured numbers differ from round to round. A suite has a handful of
/// expectations, but the texts come from a file.
pub(super) type MissedExpectations = Distinct<Misses, 32>;

impl MissedExpectations {
    /// Adds a failure's reason if it is a missed expectation.
    pub(super) fn add(&mut self, reason: &str) {
        let parts = reason
            .split("; ")
            .map(parse_miss)
            .collect::<Option<Vec<_>>>();
        for (expected, value) in parts.into_iter().flatten() {
            let misses = self.entry(
                |misses| misses.expected == expected,
                || Misses {
                    expected: expected.to_owned(),
                    count: 0,
                    values: Vec::new(),
                },
            );
            if let Some(misses) = misses {
                misses.count += 1;
                misses.values.extend(value);
            }
        }
    }

    pub(super) fn sums(&self) -> Vec<Missed> {
        let sums = self.kept.iter().map(|misses| Missed {
            expected: misses.expected.clone(),
            count: misses.count,
            measured: spread(&misses.values),
        });
        sums.collect()
    }
}

/// Parses a recorded miss: `expected ratio at least 1, measured 0.9`, or `expected ratio, which was
/// not measured`.
fn parse_miss(text: &str) -> Option<(&str, Option<f64>)> {
    let text = text.strip_prefix("expected ")?;
    if let Some(name) = text.strip_suffix(", which was not measured") {
        return Some((name, None));
    }
    let (expected, value) = text.rsplit_once(", measured ")?;
    let value: f64 = value.parse().ok()?;
    let bound = expected.contains(" at most ") || expected.contains(" at least ");
    (bound && value.is_finite()).then_some((expected, Some(value)))
}

/// The spread of finite values; `None` if there are none.
pub(super) fn spread(values: &[f64]) -> Option<Spread> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (min, max) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        values[middle]
    } else {
        // Halved before adding, so that two huge values do not overflow.
        values[middle - 1] / 2.0 + values[middle] / 2.0
    };
    Some(Spread {
        n: values.len() as u32,
        min,
        median,
        max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_of_one_expectation_are_grouped() {
        let mut tally = MissedExpectations::default();
        tally.add(
            "expected ratio (a / b) at least 1, measured 0.9; expected x, which was not measured",
        );
        tally.add("expected ratio (a / b) at least 1, measured 0.7");
        tally.add("exit code 3");
        tally.add("expected something else; exit code 3");
        let missed = tally.sums();
        assert_eq!((missed.len(), tally.left_out), (2, 0));
        assert_eq!(missed[0].expected, "ratio (a / b) at least 1");
        let measured = missed[0].measured.unwrap();
        assert_eq!((missed[0].count, measured.min, measured.max), (2, 0.7, 0.9));
        assert_eq!((missed[1].count, missed[1].measured), (1, None));
    }

    #[test]
    fn spreads() {
        assert_eq!(spread(&[]), None);
        let odd = spread(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.n, odd.min, odd.median, odd.max), (3, 1.0, 2.0, 3.0));
        let even = spread(&[f64::MAX, f64::MAX]).unwrap();
        assert_eq!(even.median, f64::MAX);
    }
}
