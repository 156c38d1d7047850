//! Missed expectations, grouped by expectation because the measured numbers differ from round to
//! round.

use super::values::spread;
use crate::view::Missed;

/// The most distinct expectations kept per row. A suite has a handful, but the texts come from a
/// file.
const DISTINCT: usize = 32;

#[derive(Clone, Debug, Default)]
pub(super) struct MissedTally {
    tallies: Vec<MissTally>,
    left_out: u32,
}

#[derive(Clone, Debug)]
struct MissTally {
    expected: String,
    count: u32,
    values: Vec<f64>,
}

impl MissedTally {
    /// Adds a failure's reason if it is a missed expectation.
    pub(super) fn add(&mut self, reason: &str) {
        let parts = reason.split("; ").map(parse).collect::<Option<Vec<_>>>();
        for (expected, value) in parts.into_iter().flatten() {
            self.add_one(expected, value);
        }
    }

    fn add_one(&mut self, expected: &str, value: Option<f64>) {
        let place = match self
            .tallies
            .iter()
            .position(|miss| miss.expected == expected)
        {
            Some(place) => place,
            None if self.tallies.len() < DISTINCT => {
                self.tallies.push(MissTally {
                    expected: expected.to_owned(),
                    count: 0,
                    values: Vec::new(),
                });
                self.tallies.len() - 1
            }
            None => {
                self.left_out += 1;
                return;
            }
        };
        self.tallies[place].count += 1;
        self.tallies[place].values.extend(value);
    }

    /// The expectations with their counts, and the number of misses left out.
    pub(super) fn sums(&self) -> (Vec<Missed>, u32) {
        let sums = self.tallies.iter().map(|miss| Missed {
            expected: miss.expected.clone(),
            count: miss.count,
            measured: spread(miss.values.clone()),
        });
        (sums.collect(), self.left_out)
    }
}

/// Parses a recorded miss: `expected ratio at least 1, measured 0.9`, or `expected ratio, which was
/// not measured`.
fn parse(text: &str) -> Option<(&str, Option<f64>)> {
    let text = text.strip_prefix("expected ")?;
    if let Some(name) = text.strip_suffix(", which was not measured") {
        return Some((name, None));
    }
    let (expected, value) = text.rsplit_once(", measured ")?;
    let value: f64 = value.parse().ok()?;
    let bound = expected.contains(" at most ") || expected.contains(" at least ");
    (bound && value.is_finite()).then_some((expected, Some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_of_one_expectation_come_together() {
        let mut tally = MissedTally::default();
        tally.add(
            "expected ratio (a / b) at least 1, measured 0.9; expected x, which was not measured",
        );
        tally.add("expected ratio (a / b) at least 1, measured 0.7");
        tally.add("exit code 3");
        tally.add("expected something else; exit code 3");
        let (missed, left_out) = tally.sums();
        assert_eq!((missed.len(), left_out), (2, 0));
        assert_eq!(missed[0].expected, "ratio (a / b) at least 1");
        let measured = missed[0].measured.unwrap();
        assert_eq!((missed[0].count, measured.min, measured.max), (2, 0.7, 0.9));
        assert_eq!((missed[1].count, missed[1].measured), (1, None));
    }
}
