//! Applies the run's stopping rule to the journal's records, exactly as the runner does. The same
//! journal gives the same verdicts, and a verdict never changes once reached.

use std::iter::zip;

use crashrate_model::{
    ALPHA, Axis, BlockChange, Contrast, Outcome, Pairing, PlanOrder, Record, RunInfo, Stopping,
    contrasts, places,
};
use crashrate_stats::{GateWatch, PairWatch};

use crate::compare::{alpha_of, axes};
use crate::view::{GateSeen, PairsSeen};

#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    pairs: Vec<(Axis, Pairing, Vec<PairWatch>)>,
    gates: Vec<OpenGate>,
}

#[derive(Clone, Debug)]
struct OpenGate {
    unit: u32,
    /// Whether each round was bad; the inner `None` means its end is unknown. The outer `None`: the
    /// round does not count.
    rounds: PlanOrder<Option<Option<bool>>>,
    seen: GateSeen,
}

impl Watched {
    pub(super) fn new(run: &RunInfo) -> Self {
        let pairs = axes(&run.units).into_iter().map(|axis| {
            let contrasts = contrasts(&run.units, axis);
            let alpha = alpha_of(&run.units, &run.stopping, axis);
            let watches = watches(&contrasts, alpha, run.not_worse_by);
            let mut pairing = Pairing::new(&run.units, &run.bad, contrasts);
            if let Some(shard) = run.shard {
                pairing = pairing.of_shard(shard);
            }
            (axis, pairing, watches)
        });
        Watched {
            pairs: pairs.collect(),
            gates: gates(run),
        }
    }

    pub(super) fn push(&mut self, record: &Record, run: &RunInfo) {
        for (_, pairing, watches) in &mut self.pairs {
            for change in pairing.push(record) {
                feed(watches, change);
            }
        }
        for gate in &mut self.gates {
            gate.push(record, run);
        }
    }

    pub(super) fn pairs(&self) -> Vec<PairsSeen> {
        let seen = self.pairs.iter().map(|(axis, pairing, watches)| PairsSeen {
            axis: *axis,
            contrasts: zip(pairing.contrasts().to_vec(), watches.clone()).collect(),
        });
        seen.collect()
    }

    pub(super) fn gates(&self) -> Vec<GateSeen> {
        self.gates.iter().map(|gate| gate.seen.clone()).collect()
    }
}

/// Primary comparisons share an error budget; so do explanatory ones.
fn watches(contrasts: &[Contrast], alpha: f64, not_worse_by: Option<f64>) -> Vec<PairWatch> {
    let all = contrasts.iter().filter_map(|contrast| {
        let same = contrasts.iter().filter(|c| c.primary == contrast.primary);
        let watch = PairWatch::new(alpha, same.count()).ok()?;
        watch.with_margin(not_worse_by).ok()
    });
    all.collect()
}

fn feed(watches: &mut [PairWatch], change: BlockChange) {
    let (pairs, change): (_, fn(&mut PairWatch, _)) = match change {
        BlockChange::Drawn(pairs) => (pairs, PairWatch::push),
        BlockChange::Withdrawn(pairs) => (pairs, PairWatch::withdraw),
    };
    for (watch, pair) in watches.iter_mut().zip(pairs) {
        if let Some(pair) = pair {
            change(watch, pair);
        }
    }
}

fn gates(run: &RunInfo) -> Vec<OpenGate> {
    let gates = match &run.stopping {
        Stopping::Gates(gates) => gates.as_slice(),
        _ => &[],
    };
    let places = places(&run.units);
    let open = gates.iter().filter_map(|gate| {
        let key = (gate.name.as_str(), gate.mode, gate.variant.as_str());
        let unit = *places.get(&key)?;
        // An invalid limit is rejected before the run starts.
        let watch = GateWatch::new(gate.limit.below, ALPHA, gates.len()).ok()?;
        Some(OpenGate {
            unit,
            rounds: run
                .shard
                .map_or_else(PlanOrder::default, PlanOrder::of_shard),
            seen: GateSeen {
                gate: gate.clone(),
                watch,
                clustered: false,
            },
        })
    });
    open.collect()
}

impl OpenGate {
    fn push(&mut self, record: &Record, run: &RunInfo) {
        match record {
            Record::Opened(_) => drop(self.rounds.reopen()),
            Record::Ended(ended) if ended.attempt == 1 && ended.unit == self.unit => {
                let seen = self.seen.gate.limit.sees(ended, &run.bad);
                let is_drawn = ended.outcome != Outcome::NotStarted;
                self.rounds.put(ended.round, seen, is_drawn);
                while let Some((_, seen)) = self.rounds.pop() {
                    if let Some(is_bad) = seen {
                        self.seen.watch.push(is_bad);
                    }
                }
            }
            _ => {}
        }
    }
}
