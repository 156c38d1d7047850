//! Measures how often the search for needed chapters is right, and how many rounds it takes:
//! `minimize [REPETITIONS [SEED]]`.
//!
//! Exits with code 1 if a limit is missed.

mod arguments;
#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;

use simulations::minimize::{EDGES, ERROR, NOISE, SCENES};

fn main() -> ExitCode {
    let (repetitions, seed) = arguments::read(200);
    println!("seed {seed}, {repetitions} repetitions, error {ERROR}, noise {NOISE}");
    println!(
        "{:<28} {:>7} {:>8} {:>8}  limits",
        "program", "right", "rounds", "90 %"
    );
    let mut beyond = false;
    for scene in SCENES.iter().chain(&EDGES) {
        let measured = scene.measure(seed, repetitions);
        let least = scene
            .least
            .map(|share| format!(">= {:.1} %", 100.0 * share));
        let most = scene.most.map(|runs| format!("<= {runs} rounds"));
        let limits = [least, most]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ");
        let verdict = if scene.holds(&measured) {
            ""
        } else {
            "  BEYOND"
        };
        println!(
            "{:<28} {:>5.1} % {:>8.1} {:>8}  {limits}{verdict}",
            scene.name,
            100.0 * measured.right,
            measured.mean,
            measured.nine_of_ten
        );
        beyond |= !scene.holds(&measured);
    }
    ExitCode::from(u8::from(beyond))
}
