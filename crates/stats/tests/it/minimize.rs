//! How often the search for needed chapters is right, on a few simulated programs.
//! `examples/minimize.rs` simulates many.

use crate::simulations::minimize::{EDGES, SCENES};

const SEED: u64 = 1;

/// The limits hold for the mean of many searches. With this few, a share may be two searches lower
/// and a mean a seventh higher.
const REPETITIONS: u32 = 40;

#[test]
fn answers_are_right_and_cheap() {
    for scene in SCENES.iter().chain(&EDGES) {
        let measured = scene.measure(SEED, REPETITIONS);
        let slack = 2.0 / f64::from(REPETITIONS);
        let is_right = scene
            .least
            .is_none_or(|least| measured.right >= least - slack);
        let is_cheap = scene
            .most
            .is_none_or(|most| measured.mean <= most * 8.0 / 7.0);
        assert!(is_right && is_cheap, "{}: {measured:?}", scene.name);
    }
}
