//! The tables, as Markdown that can be read on a terminal, too.

use std::fmt::Write as _;

use super::figures::{Sample, Spread, number};
use super::ways::Group;

/// A group with the samples of each of its ways.
pub(super) struct Measured {
    pub(super) group: Group,
    pub(super) samples: Vec<Vec<Sample>>,
}

impl Measured {
    /// The samples of a way.
    pub(super) fn of(&self, key: &str) -> Option<&[Sample]> {
        let place = self.group.ways.iter().position(|way| way.key == key)?;
        self.samples.get(place).map(Vec::as_slice)
    }

    /// How many times the seconds of a round of `one` those of `two` are, sample by sample.
    pub(super) fn ratio(&self, one: &str, two: &str) -> Option<Spread> {
        let pairs = self.of(one)?.iter().zip(self.of(two)?);
        Spread::of(pairs.map(|(one, two)| two.secs / one.secs))
    }

    pub(super) fn cpu(&self, key: &str) -> Option<Spread> {
        Spread::of(self.of(key)?.iter().filter_map(|sample| sample.cpu))
    }

    /// How many times the own processor time of `two` that of `one` is, sample by sample.
    pub(super) fn cpu_ratio(&self, one: &str, two: &str) -> Option<Spread> {
        let pairs = self.of(one)?.iter().zip(self.of(two)?);
        Spread::of(pairs.filter_map(|(one, two)| Some(one.cpu? / two.cpu?)))
    }

    /// MiB.
    pub(super) fn peak(&self, key: &str) -> Option<Spread> {
        let peaks = self.of(key)?.iter().filter_map(|sample| sample.peak);
        Spread::of(peaks.map(|bytes| bytes as f64 / f64::from(1 << 20)))
    }

    /// The section of this group.
    pub(super) fn markdown(&self) -> String {
        let by_time = self.group.by_time;
        let first = match by_time {
            true => "seconds a round",
            false => "rounds/s",
        };
        let mut rows =
            vec![["what", first, "ratio", "own CPU us a round", "peak MiB"].map(str::to_owned)];
        for way in &self.group.ways {
            let samples = self.of(way.key).unwrap_or_default();
            let speed = samples.iter().map(|sample| match by_time {
                true => sample.secs,
                false => 1.0 / sample.secs,
            });
            let ratio = match by_time {
                true => self.ratio(self.group.reference, way.key),
                false => self.ratio(way.key, self.group.reference),
            };
            let ratio = match way.key == self.group.reference {
                true => "1".to_owned(),
                false => told(ratio),
            };
            rows.push([
                way.name.to_owned(),
                told(Spread::of(speed)),
                ratio,
                told(self.cpu(way.key)),
                self.peak(way.key)
                    .map_or("-".to_owned(), |peak| number(peak.max)),
            ]);
        }
        format!(
            "### {}\n\n{}\n{}\n",
            self.group.title,
            table(&rows),
            self.group.note
        )
    }
}

fn told(spread: Option<Spread>) -> String {
    spread.map_or("-".to_owned(), Spread::told)
}

/// A table whose first row is its head: the first column to the left, figures to the right.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(3)
    });
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Writing to a string never fails.
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if place == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                let _ = match column {
                    0 => write!(text, "|{}|", "-".repeat(width + 2)),
                    _ => write!(text, "{}:|", "-".repeat(width + 1)),
                };
            }
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["what", "n"], ["one", "1,000"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows),
            "| what |     n |\n|------|------:|\n| one  | 1,000 |\n"
        );
    }
}
