//! Error rate and power of the marks in histories, on a few simulated histories.
//! `examples/histories.rs` simulates many.

use crate::simulations::histories::{Scene, simulate};

const SEED: u64 = 20;
const REPETITIONS: u32 = 200;

/// At an error rate of 5 %, 21 or more marked histories of 200 have a probability below 0.001.
#[test]
fn flat_histories_are_hardly_ever_marked() {
    for scene in [
        Scene::flat(0.01, 1, 30),
        Scene::flat(0.1, 3, 30),
        Scene::flat(0.5, 1, 30),
    ] {
        let marked = simulate(&scene, SEED, REPETITIONS);
        assert!(marked.first.len() < 21, "{}: {marked:?}", scene.name);
    }
}

#[test]
fn a_creep_and_a_step_are_marked() {
    for (scene, least) in [
        (Scene::creeping(0.02, 0.4, 20), 0.9),
        (Scene::step(0.1, 0.3, 20), 0.8),
    ] {
        let marked = simulate(&scene, SEED, REPETITIONS);
        assert!(marked.share() >= least, "{}: {marked:?}", scene.name);
    }
}
