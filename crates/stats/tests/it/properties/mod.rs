//! Properties that hold for any counts.

mod pairs;
mod rates;

use crashrate_stats::Counts;
use proptest::prelude::*;

/// Counts of all sizes, often edge cases.
fn counts_up_to(most: u64) -> impl Strategy<Value = Counts> {
    let n = prop_oneof![0..=3_u64, 0..=60_u64, 0..=most].prop_map(move |n| n.min(most));
    (n, prop_oneof![Just(0.0), Just(1.0), 0.0..1.0, 0.0..0.01]).prop_map(|(n, share)| {
        Counts::new((share * n as f64) as u64, n).expect("no more bad rounds than rounds")
    })
}

fn any_counts() -> impl Strategy<Value = Counts> {
    counts_up_to(2_000_000)
}

fn alphas() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.05), 1e-6..0.5]
}
