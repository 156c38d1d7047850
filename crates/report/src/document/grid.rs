//! The rounds as a grid: a row for each chapter in each mode, and a square for each round. In a
//! long run a square represents several rounds, with their counts.

use super::plot::GridRow;
use super::rates::rows;
use super::{Block, Grid, Square};
use crate::view::{Cell, OptionalStopping, Outcomes, Results, RoundOrder, View};
use crate::words::{LETTERS, count, counted, letter};

/// The most squares that represent one round each.
const SINGLE: u64 = 6_000;
/// The most rounds in a row that have a square each.
const SINGLE_ROUNDS: u32 = 400;
/// The most squares that represent several rounds each, in all and in a row.
const SQUARES: usize = 20_000;
const COLUMNS: usize = 50;

/// The grid; nothing without rounds.
pub(super) fn grid(view: &View) -> Vec<Block> {
    let rows = rows(view);
    let longest = rows.iter().map(|(_, results)| shown(results)).max();
    let Some(longest) = longest.filter(|longest| *longest > 0) else {
        return Vec::new();
    };
    let per_square = per_square(rows.len(), longest);
    let mut outcomes = Outcomes::default();
    let mut open = 0u32;
    for (_, results) in &rows {
        let ended = first_outcomes(&results.cells);
        open = open.saturating_add(shown(results) - ended.sum());
        outcomes.add_all(&ended);
    }
    let rows = rows.into_iter().map(|(name, results)| GridRow {
        // Its squares are only counts.
        name: match results.order {
            RoundOrder::Unknown => format!("{name}, order not known"),
            RoundOrder::Known => name,
        },
        squares: squares(results, per_square),
    });
    vec![Block::Grid(Grid {
        per_square,
        rounds: longest,
        rows: rows.collect(),
        outcomes,
        open,
    })]
}

fn first_outcomes(cells: &[Cell]) -> Outcomes {
    cells.iter().filter_map(|cell| cell.first).collect()
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

fn squares(results: &Results, per_square: u32) -> Vec<Square> {
    let shown = shown(results);
    let begins = (0..shown).step_by(per_square as usize);
    let square = |begin: u32| {
        let end = begin.saturating_add(per_square).min(shown);
        let recorded = results.cells.len();
        let cells = &results.cells[(begin as usize).min(recorded)..(end as usize).min(recorded)];
        square(begin + 1, end, cells, results.order)
    };
    begins.map(square).collect()
}

/// The square of the rounds from the one to the other.
fn square(first: u32, last: u32, cells: &[Cell], order: RoundOrder) -> Square {
    let outcomes = first_outcomes(cells);
    let rounds = last + 1 - first;
    let mut worst_first = LETTERS.map(|(outcome, _)| outcome).into_iter();
    let worst = worst_first.find(|outcome| outcomes.get(*outcome) > 0);
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
        }
    }

    #[test]
    fn squares_combine_rounds_in_long_runs() {
        assert_eq!(per_square(7, 10), 1);
        assert_eq!(per_square(7, 400), 1);
        assert_eq!(per_square(20, 400), 10);
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
        let square = square(11, 20, &cells, RoundOrder::Known);
        assert_eq!((square.mark.as_str(), square.quarters), ("C1", 1));
        assert_eq!(
            square.title,
            "rounds 11 to 20: 7 passed, 1 crashed, 1 unreached, 1 without a result"
        );
        let none = super::square(3, 3, &[], RoundOrder::Known);
        assert_eq!((none.mark.as_str(), none.worst), (".", None));
        assert_eq!(none.title, "round 3: no result yet");
    }
}
