//! Measures how often a bisection on a crash rate is right, and how many rounds and builds it takes:
//! `bisect [REPETITIONS [SEED [PART OF A NAME]]]`. Histories without a change are repeated twice as
//! often.
//!
//! Exits with code 1 if a limit is missed.

#[path = "../tests/bisected/mod.rs"]
mod bisected;

use std::process::ExitCode;
use std::time::Instant;

use crashrate_stats::{ChangeModel, Counts};

use bisected::{EDGES, ERROR, End, Measured, REFERENCE, Scene};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (Ok(repetitions @ 1..), Ok(seed)) = (number(500), number(1)) else {
        eprintln!("usage: bisect [REPETITIONS [SEED [PART OF A NAME]]]");
        return ExitCode::from(2);
    };
    let part = arguments.next().unwrap_or_default();
    let chosen = |scene: &&Scene| scene.name.contains(&part);
    println!("seed {seed}, {repetitions} repetitions, error {ERROR}");
    println!(
        "{:<34} {:>6} {:>6} {:>9} {:>7} {:>8} {:>6} {:>12} {:>7} {:>8}",
        "history",
        "right",
        "wrong",
        "no change",
        "several",
        "rounds",
        "90 %",
        "by phase",
        "builds",
        "of limit"
    );
    let mut beyond = false;
    for scene in REFERENCE.iter().chain(&EDGES).filter(chosen) {
        let doubled = scene.wanted.is_some_and(|(end, _)| end == End::NoChange);
        let measured = scene.measure(seed.into(), repetitions * (1 + u32::from(doubled)));
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
    let of_reference = scene.reference.map(|[runs, builds]| {
        let (runs, builds) = (measured.mean_runs / runs, measured.mean_builds / builds);
        format!("{runs:.2} {builds:.2}")
    });
    let verdict = if scene.holds(measured, 0.0) {
        ""
    } else {
        "  BEYOND"
    };
    let phases = measured.by_purpose.map(|runs| format!("{runs:.0}"));
    println!(
        "{:<34} {:>6.1} {:>6.1} {:>9.1} {:>7.1} {:>8.1} {:>6} {:>12} {:>7.2} {:>9} {:>6.1} {:>19}{verdict}",
        scene.name,
        percent(End::Right),
        percent(End::Wrong),
        percent(End::NoChange),
        100.0 * measured.several,
        measured.mean_runs,
        measured.nine_of_ten,
        phases.join("+"),
        measured.mean_builds,
        of_reference.unwrap_or_default(),
        100.0 * measured.covered,
        format!(
            "{:.0}/{:.0} {:.1}/{:.1}",
            measured.left[0][0], measured.left[1][0], measured.left[0][1], measured.left[1][1]
        ),
    );
}
