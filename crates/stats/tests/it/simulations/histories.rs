//! Simulated histories: how often a row is marked as changed.

use crashrate_stats::{
    ChangeShape, Counts, HistoryLook, change_point, change_shape, history_looks,
};

use super::dice::Dice;

pub(crate) const ALPHA: f64 = 0.05;

/// How the rates of a scenario develop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Flat,
    Creep,
    /// Halfway through the runs.
    Step,
}

/// A history to simulate.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// The rate of each run, the same in all rows.
    pub(crate) rates: Vec<f64>,
    pub(crate) rows: usize,
    pub(crate) rounds: u32,
}

impl Scene {
    pub(crate) fn flat(rate: f64, rows: usize, runs: usize) -> Self {
        let rows_named = if rows == 1 { "row" } else { "rows" };
        Self {
            name: format!(
                "flat {:.0} %, {rows} {rows_named}, {runs} runs",
                100.0 * rate
            ),
            shape: Shape::Flat,
            rates: vec![rate; runs],
            rows,
            rounds: 50,
        }
    }

    /// From one rate to the other in equal steps.
    pub(crate) fn creeping(from: f64, to: f64, runs: usize) -> Self {
        let rate = |run: usize| from + (to - from) * run as f64 / (runs - 1) as f64;
        Self {
            name: format!(
                "creep {:.0} to {:.0} %, {runs} runs",
                100.0 * from,
                100.0 * to
            ),
            shape: Shape::Creep,
            rates: (0..runs).map(rate).collect(),
            rows: 1,
            rounds: 50,
        }
    }

    /// From one rate to the other at the halfway point.
    pub(crate) fn step(from: f64, to: f64, runs: usize) -> Self {
        let rate = |run: usize| if run < runs / 2 { from } else { to };
        Self {
            name: format!(
                "step {:.0} to {:.0} %, {runs} runs",
                100.0 * from,
                100.0 * to
            ),
            shape: Shape::Step,
            rates: (0..runs).map(rate).collect(),
            rows: 1,
            rounds: 50,
        }
    }

    /// Draws the history of one repetition.
    pub(crate) fn draw(&self, dice: &mut Dice) -> Vec<Vec<Option<Counts>>> {
        let row = |dice: &mut Dice| {
            let run = |rate: &f64| {
                let bad = (0..self.rounds).filter(|_| dice.bad(*rate)).count();
                Counts::new(bad as u64, self.rounds.into()).ok()
            };
            self.rates.iter().map(run).collect()
        };
        (0..self.rows).map(|_| row(dice)).collect()
    }
}

/// The results of all repetitions of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marked {
    /// For each marked repetition, the run (from 1) at which the first row was marked.
    pub(crate) first: Vec<usize>,
    pub(crate) repetitions: u32,
    /// The number of repetitions in which the 95 % range of the change contains its true location,
    /// halfway.
    pub(crate) in_range: u32,
    /// The number of runs in each of these ranges.
    pub(crate) ranges: Vec<usize>,
    /// The number of repetitions described as creeping.
    pub(crate) creeping: u32,
}

impl Marked {
    pub(crate) fn share(&self) -> f64 {
        self.first.len() as f64 / f64::from(self.repetitions)
    }

    /// Adds the range and the shape of a row after its last run.
    fn describe(&mut self, row: &[Option<Counts>]) {
        let points: Vec<Counts> = row.iter().flatten().copied().collect();
        let Ok(Some(found)) = change_point(&points, ALPHA) else {
            return;
        };
        let range = found.first..=found.last;
        self.in_range += u32::from(range.contains(&(points.len() / 2)));
        self.ranges.push(found.last - found.first + 1);
        self.creeping += u32::from(change_shape(&points) == ChangeShape::Creeping);
    }
}

/// The median of the values.
pub(crate) fn median(values: &[usize]) -> Option<usize> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Repeats a scenario; each repetition uses a separate random stream.
pub(crate) fn simulate(scene: &Scene, seed: u64, repetitions: u32) -> Marked {
    let mut marked = Marked {
        repetitions,
        ..Marked::default()
    };
    for repetition in 0..repetitions {
        let rows = scene.draw(&mut Dice::new(seed, repetition.into()));
        marked.describe(&rows[0]);
        let looks = history_looks(&rows, ALPHA).expect("alpha is valid");
        let first = looks.iter().filter_map(|row| {
            row.iter()
                .position(|look| look.is_some_and(HistoryLook::is_shown))
        });
        marked.first.extend(first.min().map(|run| run + 1));
    }
    marked
}
