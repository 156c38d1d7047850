//! The rounds as a grid: a row for each chapter in each mode, and a square for each round. In a
//! long run a square represents several rounds, with their counts.

use crashrate_model::Outcome;

use super::anchors::Anchors;
use super::lines::ALL_LISTED;
use super::plot::GridRow;
use super::unit_rows::{UnitRow, unit_rows};
use super::{Block, Grid, Square};
use crate::view::{
    Cell, Described, OptionalStopping, Outcomes, Results, RoundOrder, RoundRange, View,
};
use crate::words::{LETTERS, count, counted, letter};

/// The most squares that represent one round each.
const SINGLE: u64 = 6_000;
/// The most rounds in a row that have a square each.
const SINGLE_ROUNDS: u32 = 200;
/// The most squares that represent several rounds each, in all and in a row.
const SQUARES: usize = 20_000;
const COLUMNS: usize = 50;

/// The rounds that a grid shows, and how many a square represents.
pub(super) struct Squares {
    pub(super) rounds: RoundRange,
    pub(super) per_square: u32,
    /// The last round of the run.
    last: u32,
}

impl Squares {
    /// Nothing without rounds.
    pub(super) fn of(view: &View, rows: &[UnitRow]) -> Option<Squares> {
        let longest = rows.iter().map(|row| shown(row.results)).max()?;
        let rounds = match &view.zoom {
            Some(zoom) => *zoom.start().max(&1)..=longest.min(*zoom.end()),
            None => 1..=longest,
        };
        let n = (rounds.end() + 1).checked_sub(*rounds.start())?;
        (n > 0).then(|| Squares {
            per_square: per_square(rows.len(), n),
            rounds,
            last: longest,
        })
    }

    pub(super) fn is_single(&self) -> bool {
        self.per_square == 1
    }

    /// The rounds of each square of a row.
    pub(super) fn of_row(&self, results: &Results) -> impl Iterator<Item = RoundRange> {
        let last = shown(results).min(*self.rounds.end());
        let begins = (*self.rounds.start()..=last).step_by(self.per_square as usize);
        let per_square = self.per_square;
        begins.map(move |begin| begin..=begin.saturating_add(per_square - 1).min(last))
    }
}

/// The grid; nothing without rounds.
pub(super) fn grid(view: &View) -> Vec<Block> {
    let rows = unit_rows(view);
    let Some(squares) = Squares::of(view, &rows) else {
        return Vec::new();
    };
    let mut outcomes = Outcomes::default();
    let mut open = 0u32;
    let (described, anchors) = (Described::of(view), Anchors::of(view));
    let rows = rows.into_iter().map(|row| {
        let in_row = squares.of_row(row.results).map(|rounds| {
            let cells = cells(row.results, &rounds);
            let ended = first_outcomes(cells);
            open = open.saturating_add(rounds.end() + 1 - rounds.start() - ended.sum());
            outcomes.add_all(&ended);
            let mut square = square(&rounds, cells, row.results.order);
            square.link = row.unit.and_then(|unit| {
                let round = described.linked(unit, &rounds, cells)?;
                Some(anchors.round(unit, round))
            });
            square
        });
        GridRow {
            squares: in_row.collect(),
            // Its squares are only counts.
            name: match row.results.order {
                RoundOrder::Unknown => format!("{}, order not known", row.name),
                RoundOrder::Known => row.name,
            },
        }
    });
    let mut rows: Vec<GridRow> = rows.collect();
    let mut folded = Vec::new();
    if rows.len() > ALL_LISTED {
        (folded, rows) = rows.into_iter().partition(GridRow::has_only_passed);
    }
    if rows.is_empty() {
        std::mem::swap(&mut rows, &mut folded);
    }
    vec![Block::Grid(Grid {
        per_square: squares.per_square,
        rounds: squares.rounds,
        last: squares.last,
        rows,
        folded,
        outcomes,
        open,
    })]
}

impl GridRow {
    fn has_only_passed(&self) -> bool {
        let mut squares = self.squares.iter();
        squares.all(|square| square.worst == Some(Outcome::Passed) && !square.flaky)
    }
}

fn first_outcomes(cells: &[Cell]) -> Outcomes {
    cells.iter().filter_map(|cell| cell.first).collect()
}

/// The recorded rounds among these.
pub(super) fn cells<'a>(results: &'a Results, rounds: &RoundRange) -> &'a [Cell] {
    let recorded = results.cells.len();
    let begin = (*rounds.start() as usize - 1).min(recorded);
    let end = (*rounds.end() as usize).min(recorded);
    &results.cells[begin..end]
}

/// The rounds that a row has squares for: those planned, unless the data decide their number.
fn shown(results: &Results) -> u32 {
    let recorded = u32::try_from(results.cells.len()).unwrap_or(u32::MAX);
    match results.optional_stopping {
        OptionalStopping::Possible => recorded,
        OptionalStopping::No => results.planned.max(recorded),
    }
}

/// How many rounds a square represents: one if they fit, else a round number.
fn per_square(rows: usize, rounds: u32) -> u32 {
    if rounds <= SINGLE_ROUNDS && rows as u64 * u64::from(rounds) <= SINGLE {
        return 1;
    }
    let columns = (SQUARES / rows.max(1)).clamp(1, COLUMNS) as u32;
    let least = rounds.div_ceil(columns);
    let powers = (0..10).map(|power| 10u32.pow(power));
    let mut steps = powers.flat_map(|power| [1u32, 2, 5].map(|step| step.saturating_mul(power)));
    steps.find(|step| *step >= least).unwrap_or(u32::MAX)
}

/// The worst outcome of some rounds; nothing if none has a result.
fn worst(outcomes: &Outcomes) -> Option<Outcome> {
    let mut worst_first = LETTERS.map(|(outcome, _)| outcome).into_iter();
    worst_first.find(|outcome| outcomes.get(*outcome) > 0)
}

/// The square of these rounds.
fn square(rounds: &RoundRange, cells: &[Cell], order: RoundOrder) -> Square {
    let (first, last) = (*rounds.start(), *rounds.end());
    let outcomes = first_outcomes(cells);
    let rounds = last + 1 - first;
    let worst = worst(&outcomes);
    let n = worst.map_or(0, |worst| outcomes.get(worst));
    let mark = match n {
        n if n == rounds || n == 0 => letter(worst).to_string(),
        n => format!("{}{}", letter(worst), count(n.into())),
    };
    let name = match (order, rounds) {
        (RoundOrder::Unknown, 1) => "one round".to_owned(),
        (RoundOrder::Unknown, _) => "rounds".to_owned(),
        (RoundOrder::Known, 1) => format!("round {}", count(first.into())),
        (RoundOrder::Known, _) => {
            format!("rounds {} to {}", count(first.into()), count(last.into()))
        }
    };
    let flaky = cells.iter().any(Cell::is_flaky);
    Square {
        worst,
        quarters: (4 * u64::from(n)).div_ceil(u64::from(rounds)) as u32,
        mark,
        title: format!("{name}: {}", in_words(rounds, &outcomes, flaky)),
        flaky,
        link: None,
    }
}

fn in_words(rounds: u32, outcomes: &Outcomes, flaky: bool) -> String {
    let mut words = match (rounds, outcomes.occurred().next()) {
        (_, None) => Vec::new(),
        (1, Some((outcome, _))) => vec![outcome.to_string()],
        (_, Some(_)) => vec![counted(outcomes, |_| true)],
    };
    match (rounds, rounds - outcomes.sum()) {
        (_, 0) => {}
        (1, _) => words.push("no result yet".to_owned()),
        (_, open) => words.push(format!("{} without a result", count(open.into()))),
    }
    if flaky {
        words.push("passed on a retry".to_owned());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use crashrate_model::Outcome;

    use super::*;

    fn cell(first: Outcome) -> Cell {
        Cell {
            first: Some(first),
            last: Some(first),
            attempts: 1,
            vanished: false,
            run: 0,
        }
    }

    #[test]
    fn squares_combine_rounds_in_long_runs() {
        assert_eq!(per_square(7, 10), 1);
        assert_eq!(per_square(7, 200), 1);
        assert_eq!(per_square(7, 201), 5);
        assert_eq!(per_square(40, 200), 5);
        assert_eq!(per_square(7, 10_000), 200);
        assert_eq!(per_square(1, 100_000), 2_000);
        assert_eq!(per_square(1_000, 100), 5);
        assert_eq!(per_square(100_000, 1), 1);
        assert_eq!(per_square(1, u32::MAX), 100_000_000);
    }

    #[test]
    fn a_square_shows_the_worst_outcome_and_lists_all() {
        let mut cells = vec![cell(Outcome::Passed); 7];
        cells.extend([cell(Outcome::Crashed), cell(Outcome::Unreached)]);
        let square = square(&(11..=20), &cells, RoundOrder::Known);
        assert_eq!((square.mark.as_str(), square.quarters), ("C1", 1));
        assert_eq!(
            square.title,
            "rounds 11 to 20: 7 passed, 1 crashed, 1 unreached, 1 without a result"
        );
        let none = super::square(&(3..=3), &[], RoundOrder::Known);
        assert_eq!((none.mark.as_str(), none.worst), (".", None));
        assert_eq!(none.title, "round 3: no result yet");
    }
}
