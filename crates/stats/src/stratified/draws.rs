//! The p-value from random tables with the observed margins.

use super::margins::Margins;
use crate::hypergeometric::Hypergeometric;
use crate::random::Random;

/// The same counts give the same p-value.
const SEED: u64 = 25;

/// The most random tables.
const MOST_DRAWS: u32 = 19_999;

/// Drawing ends after this many tables that are at most as likely as the observed one.
const ENOUGH: u32 = 100;

/// The p-value and the number of tables drawn.
pub(super) fn drawn(margins: &Margins) -> (f64, u32) {
    let mut random = Random::new(SEED);
    let mut extreme = 0;
    for draws in 1..=MOST_DRAWS {
        extreme += u32::from(table(margins, &mut random) <= margins.ln_most);
        if extreme == ENOUGH {
            return (f64::from(extreme) / f64::from(draws), draws);
        }
    }
    (
        f64::from(extreme + 1) / f64::from(MOST_DRAWS + 1),
        MOST_DRAWS,
    )
}

/// The likelihood of a random table, in the units of [`Margins::ln_most`].
fn table(margins: &Margins, random: &mut Random) -> f64 {
    let (mut ln_p, mut left) = (0.0, margins.bad);
    for (at, n) in margins.rounds.iter().enumerate() {
        let bad = draw(
            Hypergeometric::new(*n, margins.rest[at + 1], left),
            random.uniform(),
        );
        left -= bad;
        ln_p += margins.ln_cell(at, bad);
    }
    ln_p
}

/// Inverts the distribution, from its mode outwards.
fn draw(table: Hypergeometric, uniform: f64) -> u64 {
    let mode = table.mode();
    let (mut below, mut above) = ((mode, table.pmf(mode)), (mode, table.pmf(mode)));
    let mut left = uniform - below.1;
    while left > 0.0 {
        let (is_lowest, is_highest) = (below.0 == table.lowest(), above.0 == table.highest());
        if is_lowest && is_highest {
            break; // the rest is rounding
        }
        if !is_highest {
            above = (above.0 + 1, above.1 * table.ratio(above.0));
            left -= above.1;
            if left <= 0.0 {
                return above.0;
            }
        }
        if !is_lowest {
            below = (below.0 - 1, below.1 / table.ratio(below.0 - 1));
            left -= below.1;
            if left <= 0.0 {
                return below.0;
            }
        }
    }
    mode
}
