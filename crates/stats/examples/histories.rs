//! Measures how often histories of runs are marked as changed: `histories [REPETITIONS [SEED]]`.
//!
//! Exits with code 1 if a share exceeds its limit.

mod arguments;
#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;

use simulations::histories::{ALPHA, Marked, Scene, Shape, median, simulate};
use statrs::distribution::{Binomial, DiscreteCDF};

/// The limit for the share of marked histories.
enum Limit {
    /// Not significantly above alpha, at 0.001 one-sided.
    Alpha,
    AtLeast(f64),
    None,
}

fn main() -> ExitCode {
    let (repetitions, seed) = arguments::read(1000);
    println!("seed {seed}, {repetitions} repetitions, 50 rounds a run");
    println!(
        "{:<32} {:>8}  {:>12}  limit",
        "history", "marked", "first mark"
    );
    let mut beyond = false;
    for (scene, limit) in scenes() {
        let marked = simulate(&scene, seed, repetitions);
        let (said, holds) = limit.judge(&marked);
        let first = median(&marked.first).map_or("-".to_owned(), |run| format!("median {run}"));
        let verdict = if holds { "" } else { "  BEYOND" };
        println!(
            "{:<32} {:>6.1} %  {first:>12}  {said}{verdict}",
            scene.name,
            100.0 * marked.share()
        );
        described(&scene, &marked);
        beyond |= !holds;
    }
    ExitCode::from(u8::from(beyond))
}

/// Prints how the changes are described after the last run.
fn described(scene: &Scene, marked: &Marked) {
    if scene.shape == Shape::Flat {
        return;
    }
    let percent = |count: u32| 100.0 * f64::from(count) / f64::from(marked.repetitions);
    println!(
        "    described as creeping: {:.1} %",
        percent(marked.creeping)
    );
    if scene.shape == Shape::Step {
        println!(
            "    95 % range holds the true run: {:.1} %; its median width: {}",
            percent(marked.in_range),
            median(&marked.ranges).unwrap_or(0)
        );
    }
}

fn scenes() -> Vec<(Scene, Limit)> {
    vec![
        (Scene::flat(0.01, 1, 50), Limit::Alpha),
        (Scene::flat(0.1, 1, 50), Limit::Alpha),
        (Scene::flat(0.5, 1, 50), Limit::Alpha),
        (Scene::flat(0.1, 3, 50), Limit::Alpha),
        (Scene::flat(0.5, 3, 50), Limit::Alpha),
        (Scene::creeping(0.02, 0.4, 20), Limit::AtLeast(0.9)),
        (Scene::step(0.1, 0.3, 20), Limit::AtLeast(0.8)),
        (Scene::step(0.3, 0.1, 20), Limit::AtLeast(0.8)),
        (Scene::step(0.1, 0.2, 20), Limit::None),
    ]
}

impl Limit {
    fn judge(&self, marked: &Marked) -> (String, bool) {
        match *self {
            Limit::Alpha => {
                let count = marked.first.len() as u64;
                let null =
                    Binomial::new(ALPHA, marked.repetitions.into()).expect("the rate is valid");
                let p = count.checked_sub(1).map_or(1.0, |below| null.sf(below));
                let said = format!("at most {:.0} % (binomial p >= 0.001)", 100.0 * ALPHA);
                (said, p >= 0.001)
            }
            Limit::AtLeast(least) => {
                let said = format!("at least {:.0} %", 100.0 * least);
                (said, marked.share() >= least)
            }
            Limit::None => ("none".to_owned(), true),
        }
    }
}
