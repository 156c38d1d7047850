//! A small version of `examples/shards.rs`: campaigns over several machines, looked at after every
//! round, reach a false verdict in at most 5 %.

use crate::simulations::dice::Dice;
use crate::simulations::shards::{ALPHA, Campaign, Ends, Evidence, gates, interval, verdicts};

const RUNS: u32 = 300;

#[test]
fn equal_rates_are_rarely_told_apart() {
    for (stream, rate) in [0.02, 0.1, 0.3, 0.5].into_iter().enumerate() {
        for ends in [Ends::Alike, Ends::Unlike] {
            let campaign = Campaign::alike([rate; 2], ends, Evidence::Begun);
            let mut dice = Dice::new(25, stream as u64);
            let (wrong, _) = verdicts(&campaign, RUNS, &mut dice);
            let [lower, _] = interval(wrong, RUNS);
            assert!(lower <= ALPHA, "{rate} {ends:?}: {wrong} of {RUNS}");
        }
    }
}

#[test]
fn machines_may_differ() {
    let mut campaign = Campaign::alike([0.3; 2], Ends::Unlike, Evidence::Begun);
    campaign.rates = [[0.05; 2], [0.2; 2], [0.5; 2], [0.9; 2]];
    let (wrong, _) = verdicts(&campaign, RUNS, &mut Dice::new(25, 10));
    assert!(interval(wrong, RUNS)[0] <= ALPHA, "{wrong} of {RUNS}");
}

#[test]
fn blocks_must_wait_for_those_begun_before() {
    let campaign = Campaign::alike([0.3; 2], Ends::Unlike, Evidence::Ended);
    let (wrong, _) = verdicts(&campaign, 4 * RUNS, &mut Dice::new(25, 20));
    assert!(interval(wrong, 4 * RUNS)[0] > ALPHA, "{wrong}");
}

#[test]
fn shards_find_what_one_run_finds() {
    let mut campaign = Campaign::alike([0.6, 0.1], Ends::Alike, Evidence::Begun);
    campaign.blocks = 100;
    let (found, median) = verdicts(&campaign, RUNS, &mut Dice::new(25, 30));
    let alone = Campaign {
        evidence: Evidence::Product,
        ..campaign
    };
    let (_, of_product) = verdicts(&alone, RUNS, &mut Dice::new(25, 31));
    assert!(of_product > median, "{of_product} {median}");
    campaign.shards = 1;
    let (_, of_one) = verdicts(&campaign, RUNS, &mut Dice::new(25, 32));
    assert!(
        found == RUNS && median <= of_one + 4,
        "{found} {median} {of_one}"
    );
}

#[test]
fn gates_at_their_limit_have_no_verdict() {
    for wrong in gates(0.1, 100, RUNS, &mut Dice::new(25, 40)) {
        assert!(interval(wrong, RUNS)[0] <= ALPHA, "{wrong} of {RUNS}");
    }
}
