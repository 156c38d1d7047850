//! Campaigns over four machines, looked at after every round: `shards [CAMPAIGNS] [SEED]`, 2,000 of
//! each kind by default.
//!
//! Exits with code 1 if equal rates are told apart in more than 5 % of campaigns: if the lower end
//! of the interval of that share is above 5 %.

mod arguments;
#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;

use simulations::dice::Dice;
use simulations::shards::{ALPHA, Campaign, Ends, Evidence, gates, interval, verdicts};

const RATES: [f64; 5] = [0.02, 0.1, 0.3, 0.5, 0.9];

fn main() -> ExitCode {
    let (runs, seed) = arguments::read(2000);
    let mut table = Table {
        runs,
        seed,
        stream: 0,
        beyond: false,
    };
    println!("seed {seed}, {runs} campaigns of each kind, 4 shards of 50 blocks");
    table.equal_rates();
    table.gates();
    table.power();
    ExitCode::from(u8::from(table.beyond))
}

struct Table {
    runs: u32,
    seed: u64,
    stream: u64,
    beyond: bool,
}

impl Table {
    fn dice(&mut self) -> Dice {
        self.stream += 1;
        Dice::new(self.seed, self.stream)
    }

    /// The share in percent with its interval, marked if it exceeds the limit.
    fn judged(&mut self, hits: u32) -> String {
        let [lower, _] = interval(hits, self.runs);
        self.beyond |= lower > ALPHA;
        let mark = if lower > ALPHA { " BEYOND" } else { "" };
        self.share(hits) + mark
    }

    fn share(&self, hits: u32) -> String {
        let [lower, upper] = interval(hits, self.runs).map(|end| 100.0 * end);
        let share = 100.0 * f64::from(hits) / f64::from(self.runs);
        format!("{share:.1} ({lower:.1} to {upper:.1})")
    }

    fn equal_rates(&mut self) {
        println!("\nfalse verdicts in % (95 % interval)");
        println!(
            "{:34} {:>22} {:>22}",
            "rate of both sides", "as they began", "as they ended"
        );
        for (ends, name) in [
            (Ends::Alike, "bad rounds take as long"),
            (Ends::Unlike, "one side crashes, one hangs"),
        ] {
            for rate in RATES {
                let campaign = Campaign::alike([rate; 2], ends, Evidence::Begun);
                self.row(&format!("{rate}, {name}"), campaign);
            }
        }
        let mut campaign = Campaign::alike([0.3; 2], Ends::Unlike, Evidence::Begun);
        campaign.rates = [[0.05; 2], [0.2; 2], [0.5; 2], [0.9; 2]];
        self.row("0.05 to 0.9 by machine", campaign);
    }

    fn row(&mut self, name: &str, mut campaign: Campaign) {
        let (wrong, _) = verdicts(&campaign, self.runs, &mut self.dice());
        let begun = self.judged(wrong);
        campaign.evidence = Evidence::Ended;
        let (wrong, _) = verdicts(&campaign, self.runs, &mut self.dice());
        println!("{name:34} {begun:>22} {:>22}", self.share(wrong));
    }

    fn gates(&mut self) {
        println!("\ngates at 10 %, false verdicts in % (95 % interval)");
        let found = gates(0.1, 250, self.runs, &mut self.dice());
        let [below, above] = found.map(|hits| self.judged(hits));
        println!("at the limit: below {below}, above {above}");
    }

    fn power(&mut self) {
        println!("\n40 % v 90 % not bad: share of verdicts in %, median blocks to the verdict");
        let mut campaign = Campaign::alike([0.6, 0.1], Ends::Alike, Evidence::Begun);
        campaign.blocks = 400;
        for (name, shards, evidence) in [
            ("one run", 1, Evidence::Ended),
            ("4 shards, as blocks began", 4, Evidence::Begun),
            ("4 shards, product of their own E", 4, Evidence::Product),
        ] {
            campaign.shards = shards;
            campaign.evidence = evidence;
            let (found, median) = verdicts(&campaign, self.runs, &mut self.dice());
            println!("{name:34} {:>22} {median:6}", self.share(found));
        }
    }
}
