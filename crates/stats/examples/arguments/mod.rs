//! The arguments of the simulations: `[REPETITIONS [SEED]]`.

use std::env::args;

/// The repetitions, `default` if none are given, and the seed. Wrong arguments end the program with
/// code 2.
pub(crate) fn read(default: u32) -> (u32, u64) {
    let repetitions = args().nth(1).map_or(Ok(default), |text| text.parse());
    let seed = args().nth(2).map_or(Ok(1), |text| text.parse());
    let (Ok(repetitions @ 1..), Ok(seed)) = (repetitions, seed) else {
        eprintln!("usage: {} [REPETITIONS [SEED]]", env!("CARGO_CRATE_NAME"));
        std::process::exit(2);
    };
    (repetitions, seed)
}
