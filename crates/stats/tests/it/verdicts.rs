//! A small version of `examples/verdicts.rs`: the rate of false verdicts is not significantly above
//! 5 %.

use crate::simulations::dice::Dice;
use crate::simulations::verdicts::{
    ALPHA, Blocks, NULLS, Tests, alarms, gates, is_beyond, peeking,
};

const RUNS: u32 = 300;

#[test]
fn no_null_hypothesis_is_rejected_too_often() {
    let mut tests = Tests::default();
    for (stream, (name, blocks, is_cautioned)) in (1..).zip(NULLS) {
        let mut dice = Dice::new(7, stream);
        let fixed = tests.fixed(blocks, 60, RUNS, &mut dice);
        let (peeked, _) = peeking(blocks, 200, RUNS, &mut dice);
        if !is_cautioned {
            assert!(!is_beyond(fixed, RUNS, ALPHA), "{name}, fixed: {fixed}");
            assert!(!is_beyond(peeked, RUNS, ALPHA), "{name}, peeking: {peeked}");
        }
    }
}

#[test]
fn differences_are_found() {
    let mut dice = Dice::new(7, 100);
    let blocks = Blocks::Independent([0.6, 0.1]);
    let (found, mean) = peeking(blocks, 200, RUNS, &mut dice);
    assert!(found > RUNS * 9 / 10 && mean < 25.0, "{found} after {mean}");
    let found = Tests::default().fixed(blocks, 30, RUNS, &mut dice);
    assert!(found > RUNS * 9 / 10, "{found}");
    let (found, _) = peeking(Blocks::SeedDecidedFix, 200, RUNS, &mut dice);
    assert!(found > RUNS * 9 / 10, "{found}");
}

#[test]
fn several_gates_keep_the_error_rate() {
    let mut dice = Dice::new(7, 200);
    let mut one = vec![0.0; 10];
    one[0] = 0.1;
    for rates in [one, vec![0.1; 10]] {
        for hits in gates(&rates, 300, RUNS, &mut dice) {
            assert!(!is_beyond(hits, RUNS, ALPHA), "{hits}");
        }
    }
    let hits = alarms(20, 40, RUNS, &mut dice);
    assert!(!is_beyond(hits, RUNS, ALPHA), "{hits}");
}
