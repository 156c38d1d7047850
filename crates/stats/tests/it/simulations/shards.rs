//! Simulated campaigns over several machines, looked at after every round. Shared by the quick test
//! and by the example that prints the whole table.

use crashrate_stats::{GateVerdict, GateWatch, PairWatch};
use statrs::distribution::{Binomial, DiscreteCDF};

use super::dice::Dice;

pub(crate) const ALPHA: f64 = 0.05;

/// The machines of a campaign.
pub(crate) const SHARDS: usize = 4;

/// How long a bad round takes, where a good one takes between 1 and 2.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ends {
    /// As long as a good one.
    Alike,
    /// Bad rounds of side one end at once, those of side two hang. Looks then see too many bad
    /// rounds of side one, unless running rounds count.
    Unlike,
}

/// What the evidence of a campaign is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Evidence {
    /// The blocks in the order in which they were begun: a block waits for those begun before it.
    Begun,
    /// The blocks in the order in which they ended.
    Ended,
    /// The product of what each machine computes from its own blocks.
    Product,
}

/// A campaign to compare two sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Campaign {
    /// The rates of both sides on each machine.
    pub(crate) rates: [[f64; 2]; SHARDS],
    pub(crate) ends: Ends,
    /// The machines used, from the first.
    pub(crate) shards: usize,
    /// The most blocks of each machine.
    pub(crate) blocks: u32,
    pub(crate) evidence: Evidence,
}

impl Campaign {
    pub(crate) fn alike(rates: [f64; 2], ends: Ends, evidence: Evidence) -> Self {
        Campaign {
            rates: [rates; SHARDS],
            ends,
            shards: SHARDS,
            blocks: 50,
            evidence,
        }
    }
}

/// A machine that runs its rounds one after the other.
struct Shard {
    /// When its running block was begun, and when its running round ends.
    begun: f64,
    until: f64,
    /// The results of the running block.
    block: [bool; 2],
    /// The sides that have not ended, in their order.
    left: Vec<usize>,
    blocks: u32,
    watch: PairWatch,
}

impl Shard {
    fn new(watch: PairWatch) -> Self {
        Shard {
            begun: 0.0,
            until: 0.0,
            block: [false; 2],
            left: Vec::new(),
            blocks: 0,
            watch,
        }
    }

    fn begin(&mut self, rates: [f64; 2], dice: &mut Dice) {
        self.begun = self.until;
        self.block = rates.map(|rate| dice.uniform() < rate);
        let first = usize::from(dice.uniform() < 0.5);
        self.left = vec![1 - first, first];
    }

    /// Starts the next round of its block.
    fn start(&mut self, ends: Ends, dice: &mut Dice) {
        if let Some(side) = self.left.last() {
            self.until += duration(ends, *side, self.block[*side], dice);
        }
    }
}

/// How long a round takes.
fn duration(ends: Ends, side: usize, is_bad: bool, dice: &mut Dice) -> f64 {
    match (ends, is_bad, side) {
        (Ends::Unlike, true, 0) => 0.05,
        (Ends::Unlike, true, _) => 20.0,
        _ => 1.0 + dice.uniform(),
    }
}

/// Results that wait for those begun before them.
struct Waiting<T>(Vec<(f64, T)>);

impl<T: Copy> Waiting<T> {
    /// Adds a result, and takes those that were begun before any running one.
    fn take(&mut self, begun: f64, result: T, running: impl Iterator<Item = f64>) -> Vec<T> {
        self.0.push((begun, result));
        self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        let oldest = running.fold(f64::INFINITY, f64::min);
        let ready = self
            .0
            .iter()
            .take_while(|(begun, _)| *begun < oldest)
            .count();
        self.0.drain(..ready).map(|(_, result)| result).collect()
    }
}

/// The number of blocks that had ended at the first look that gave a verdict, if one did.
pub(crate) fn blocks_to_verdict(campaign: &Campaign, dice: &mut Dice) -> Option<u32> {
    let mut all = PairWatch::new(ALPHA, 1).expect("alpha is valid");
    let mut waiting = Waiting(Vec::new());
    let mut shards: Vec<Shard> = (0..campaign.shards).map(|_| Shard::new(all)).collect();
    for (shard, rates) in shards.iter_mut().zip(campaign.rates) {
        shard.until = dice.uniform();
        shard.begin(rates, dice);
        shard.start(campaign.ends, dice);
    }
    loop {
        let open = (0..shards.len()).filter(|at| shards[*at].blocks < campaign.blocks);
        let next = open.min_by(|a, b| shards[*a].until.total_cmp(&shards[*b].until))?;
        let shard = &mut shards[next];
        shard.left.pop();
        let mut ended = None;
        if shard.left.is_empty() {
            shard.watch.push(shard.block.map(Some));
            shard.blocks += 1;
            ended = Some((shard.begun, shard.block));
            shard.begin(campaign.rates[next], dice);
        }
        shard.start(campaign.ends, dice);
        if let Some((begun, block)) = ended {
            let running = shards.iter().filter(|shard| shard.blocks < campaign.blocks);
            let ready = match campaign.evidence {
                Evidence::Begun => waiting.take(begun, block, running.map(|shard| shard.begun)),
                _ => vec![block],
            };
            ready
                .into_iter()
                .for_each(|block| all.push(block.map(Some)));
        }
        let product: f64 = shards.iter().map(|shard| shard.watch.ln_e()).sum();
        let is_decided = match campaign.evidence {
            Evidence::Product => product >= all.ln_needed(),
            _ => all.is_decided(),
        };
        if is_decided {
            return Some(shards.iter().map(|shard| shard.blocks).sum());
        }
    }
}

/// The campaigns of `runs` with a verdict, and the median number of blocks until then.
pub(crate) fn verdicts(campaign: &Campaign, runs: u32, dice: &mut Dice) -> (u32, u32) {
    let found = (0..runs).filter_map(|_| blocks_to_verdict(campaign, dice));
    let mut found: Vec<u32> = found.collect();
    found.sort_unstable();
    let median = found.get(found.len() / 2).copied();
    (found.len() as u32, median.unwrap_or_default())
}

/// Campaigns with a gate at 10 % over machines that all have this rate, of which bad rounds end at
/// once: the number that were found below the limit, and above it.
pub(crate) fn gates(rate: f64, rounds: u32, runs: u32, dice: &mut Dice) -> [u32; 2] {
    let mut found = [0, 0];
    for _ in 0..runs {
        let mut all = GateWatch::new(0.1, ALPHA, 1).expect("the limit is valid");
        let mut waiting = Waiting(Vec::new());
        // When its round was begun and ends, whether that is bad, and how many have ended.
        let mut shards = [(0.0, 0.0, false, 0_u32); SHARDS];
        for (begun, until, is_bad, _) in &mut shards {
            *begun = dice.uniform();
            *is_bad = dice.uniform() < rate;
            *until = *begun + duration(Ends::Unlike, 0, *is_bad, dice);
        }
        loop {
            let open = (0..SHARDS).filter(|at| shards[*at].3 < rounds);
            let next = open.min_by(|a, b| shards[*a].1.total_cmp(&shards[*b].1));
            let Some(next) = next else { break };
            let (begun, until, is_bad, ended) = &mut shards[next];
            let round = (*begun, *is_bad);
            *ended += 1;
            *begun = *until;
            *is_bad = dice.uniform() < rate;
            *until += duration(Ends::Unlike, 0, *is_bad, dice);
            let running = shards.iter().filter(|shard| shard.3 < rounds);
            let ready = waiting.take(round.0, round.1, running.map(|shard| shard.0));
            ready.into_iter().for_each(|is_bad| all.push(Some(is_bad)));
        }
        found[0] += u32::from(all.verdict() == GateVerdict::Below);
        found[1] += u32::from(all.verdict() == GateVerdict::Above);
    }
    found
}

/// The 95 % interval of the share of `hits` in `runs`: Clopper and Pearson 1934, Biometrika 26.
pub(crate) fn interval(hits: u32, runs: u32) -> [f64; 2] {
    let find = |holds: &dyn Fn(&Binomial) -> bool| {
        let (mut lo, mut hi) = (0.0, 1.0);
        for _ in 0..50 {
            let middle = (lo + hi) / 2.0;
            match holds(&Binomial::new(middle, runs.into()).expect("the rate is valid")) {
                true => lo = middle,
                false => hi = middle,
            }
        }
        lo
    };
    let lower = match hits {
        0 => 0.0,
        _ => find(&|at| at.sf(u64::from(hits) - 1) < 0.025),
    };
    let upper = match hits == runs {
        true => 1.0,
        false => find(&|at| at.cdf(hits.into()) > 0.025),
    };
    [lower, upper]
}
