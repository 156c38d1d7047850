//! Measures how often a bisection on a crash rate is right, and how many rounds and builds it takes:
//! `bisect [REPETITIONS [SEED [PART OF A NAME]]]`. Histories without a change are repeated twice as
//! often.
//!
//! Exits with code 1 if a limit is missed.

mod arguments;
#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;
use std::time::Instant;

use crashrate_stats::{ChangeModel, Counts};

use simulations::bisect::{EDGES, ERROR, End, Measured, REFERENCE, SLACK, Scene};

fn main() -> ExitCode {
    let (repetitions, seed) = arguments::read(500);
    let part = std::env::args().nth(3).unwrap_or_default();
    let chosen = |scene: &&Scene| scene.name.contains(&part);
    println!("seed {seed}, {repetitions} repetitions, error {ERROR}; shares in %");
    println!("rounds: mean, 90 %, and means of gate+search+certificate");
    println!("left: mean rounds and builds after the gate, estimated/counted");
    println!(
        "{:<34} {:>5} {:>5} {:>9} {:>7} {:>6} {:>7} {:>5} {:>12} {:>6} {:>19}  limits",
        "history",
        "right",
        "wrong",
        "no change",
        "several",
        "in set",
        "rounds",
        "90 %",
        "phases",
        "builds",
        "left"
    );
    let mut beyond = false;
    for scene in REFERENCE.iter().chain(&EDGES).filter(chosen) {
        let doubled = scene.wanted.is_some_and(|(end, _)| end == End::NoChange);
        let measured = scene.measure(seed, repetitions * (1 + u32::from(doubled)));
        print_line(scene, &measured);
        beyond |= !scene.holds(&measured, 0.0);
    }
    println!(
        "a decision among 1,024 commits takes {:.1} ms",
        decision_time()
    );
    ExitCode::from(u8::from(beyond))
}

/// The mean time of the choice of the next commit, in milliseconds, with 14 of 1,024 commits
/// tested.
fn decision_time() -> f64 {
    const DECISIONS: u32 = 50;
    let mut model = ChangeModel::new(1024).expect("there are commits");
    for tested in 0..14 {
        let counts = Counts::new(tested / 2, 20).expect("fewer bad rounds than rounds");
        model.observe(tested as usize * 78, counts);
    }
    let start = Instant::now();
    for _ in 0..DECISIONS {
        std::hint::black_box(model.next_probe(&model.evidence()));
    }
    1000.0 * start.elapsed().as_secs_f64() / f64::from(DECISIONS)
}

fn print_line(scene: &Scene, measured: &Measured) {
    let percent = |end: End| 100.0 * measured.share(end);
    let phases = measured.by_purpose.map(|runs| format!("{runs:.0}"));
    let [estimated, counted] = measured.left;
    let left = format!(
        "{:.0}/{:.0} {:.1}/{:.1}",
        estimated[0], counted[0], estimated[1], counted[1]
    );
    let limits = scene.reference.map(|[runs, builds]| {
        let [runs, builds] = [SLACK * runs, SLACK * builds];
        format!("<= {runs:.0} rounds, <= {builds:.1} builds")
    });
    let wanted = (scene.wanted).map(|(end, least)| format!("{end:?} >= {:.0} %", 100.0 * least));
    let verdict = if scene.holds(measured, 0.0) {
        ""
    } else {
        "  BEYOND"
    };
    println!(
        "{:<34} {:>5.1} {:>5.1} {:>9.1} {:>7.1} {:>6.1} {:>7.1} {:>5} {:>12} {:>6.2} {:>19}  {}{verdict}",
        scene.name,
        percent(End::Right),
        percent(End::Wrong),
        percent(End::NoChange),
        100.0 * measured.several,
        100.0 * measured.covered,
        measured.mean_runs,
        measured.nine_of_ten,
        phases.join("+"),
        measured.mean_builds,
        left,
        limits.or(wanted).unwrap_or_default(),
    );
}
