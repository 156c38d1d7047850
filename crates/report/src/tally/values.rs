//! Measured values, all kept because a median needs them all.

use crashrate_model::Measure;

use crate::view::{MeasureStat, Spread};

/// The most measures (name, label and unit) kept per row; values of others are counted as left out.
const KINDS: usize = 256;

#[derive(Clone, Debug, Default)]
pub(super) struct MeasureTally {
    kinds: Vec<Kind>,
    /// Where to look first for the next measure: attempts report theirs in the same order.
    next: usize,
    left_out: u32,
}

#[derive(Clone, Debug)]
struct Kind {
    name: String,
    label: String,
    unit: String,
    values: Vec<f64>,
}

impl MeasureTally {
    pub(super) fn add(&mut self, measure: &Measure) {
        if !measure.value.is_finite() {
            self.left_out += 1;
            return;
        }
        let place = match self.find(measure) {
            Some(place) => place,
            None if self.kinds.len() < KINDS => {
                self.kinds.push(Kind {
                    name: measure.name.clone(),
                    label: measure.label.clone(),
                    unit: measure.unit.clone(),
                    values: Vec::new(),
                });
                self.kinds.len() - 1
            }
            None => {
                self.left_out += 1;
                return;
            }
        };
        self.kinds[place].values.push(measure.value);
        self.next = place + 1;
    }

    fn find(&self, measure: &Measure) -> Option<usize> {
        let kinds = self.kinds.len();
        let places = (0..kinds).map(|step| (self.next + step) % kinds);
        places.into_iter().find(|place| {
            let kind = &self.kinds[*place];
            kind.name == measure.name && kind.label == measure.label && kind.unit == measure.unit
        })
    }

    /// The measures in first-reported order, and the number of values left out.
    pub(super) fn stats(&self) -> (Vec<MeasureStat>, u32) {
        let stats = self.kinds.iter().filter_map(|kind| {
            Some(MeasureStat {
                name: kind.name.clone(),
                label: kind.label.clone(),
                unit: kind.unit.clone(),
                spread: spread(kind.values.clone())?,
                sum: kind.values.iter().sum(),
            })
        });
        (stats.collect(), self.left_out)
    }
}

/// The spread of finite values; `None` if there are none.
pub(super) fn spread(mut values: Vec<f64>) -> Option<Spread> {
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
    fn spreads() {
        assert_eq!(spread(vec![]), None);
        let odd = spread(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.n, odd.min, odd.median, odd.max), (3, 1.0, 2.0, 3.0));
        let even = spread(vec![f64::MAX, f64::MAX]).unwrap();
        assert_eq!(even.median, f64::MAX);
    }
}
