//! Tests whether rates differ between machines or between devices.

use crashrate_model::ALPHA;
use crashrate_stats::{Counts, holm, homogeneity};

use crate::view::{CountedRounds, RateTest, RunFacts, Share};

/// Tests whether each unit has the same rate everywhere. `units` has the first attempts of each
/// unit, by machine or by device. All tests share the error.
///
/// Empty if the data may end the run, or a device failed: each machine or device then has as many
/// rounds as its own results decide, and the test would be wrong too often.
pub(super) fn rate_tests(
    run: &RunFacts,
    units: impl Iterator<Item = (usize, CountedRounds, Vec<Share>)>,
) -> Vec<RateTest> {
    if run.ends_by_data() || !run.device_failures.is_empty() {
        return Vec::new();
    }
    let tested = units.filter_map(|(unit, counted, shares)| {
        // A machine on which no round of the unit ended says nothing about it.
        let shares = shares.iter().filter(|share| share.n > 0);
        let counts: Option<Vec<Counts>> = shares.map(|share| share.counts().ok()).collect();
        Some((unit, counted, homogeneity(&counts?)?))
    });
    let tested: Vec<_> = tested.collect();
    let alone: Vec<f64> = tested.iter().map(|(.., test)| test.p).collect();
    let adjusted = holm(&alone).unwrap_or_default().into_iter();
    let tests = tested.into_iter().zip(adjusted);
    let tests = tests.map(|((unit, counted, test), p)| RateTest {
        unit,
        counted,
        test,
        p,
        differs: p <= ALPHA,
    });
    tests.collect()
}
