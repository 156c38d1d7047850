//! How often the search for a perturbation is right, on a few simulated programs.
//! `examples/provoke.rs` simulates many.

use crate::simulations::provoke::{EDGES, PROGRAMS};

const SEED: u64 = 1;

/// Searches of each program. With this few, one may be too many.
const REPETITIONS: u32 = 20;

/// The budget, in seconds.
const BUDGET: f64 = 600.0;

#[test]
fn gains_are_shown_where_they_are() {
    for program in PROGRAMS.iter().chain(&EDGES) {
        let measured = program.measure(BUDGET, SEED, REPETITIONS);
        let slack = 1.0 / f64::from(REPETITIONS);
        assert!(
            program.holds(&measured, slack),
            "{}: {measured:?}",
            program.name
        );
    }
}
