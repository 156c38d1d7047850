//! How often a bisection is right and what it costs, on a few simulated histories.
//! `examples/bisect.rs` simulates many.

use crate::simulations::bisect::{EDGES, REFERENCE};

const SEED: u64 = 1;

/// Long histories take most of the time, so this is the only one.
const LONG: &str = "1024, 0.05 -> 0.4";

/// Searches of each kind.
const REPETITIONS: u32 = 10;

/// The limits hold for the mean of many searches. With this few, it may be a quarter higher.
const SLACK: f64 = 0.25;

#[test]
fn answers_are_right_and_cheap() {
    let scenes = REFERENCE.iter().chain(&EDGES);
    for scene in scenes.filter(|scene| !scene.name.starts_with("1024") || scene.name == LONG) {
        let measured = scene.measure(SEED, REPETITIONS);
        assert!(
            scene.holds(&measured, SLACK),
            "{}: {measured:?}",
            scene.name
        );
    }
}
