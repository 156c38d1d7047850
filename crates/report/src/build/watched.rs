//! Feeds the run's stopping rule with the journal's records, exactly as the engine does while it runs: the same journal
//! has the same verdicts, and they stay what they were when they were reached.

use crashrate_model::{ALPHA, Axis, Pairing, Record, RunInfo, Stopping, contrasts, places};
use crashrate_stats::{GateWatch, PairWatch};

use crate::view::{GateSeen, PairsSeen};

#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    pairs: Vec<(Axis, Pairing, Vec<PairWatch>)>,
    /// Each with the place of its unit.
    gates: Vec<(u32, GateSeen)>,
}

impl Watched {
    pub(super) fn new(run: &RunInfo) -> Self {
        let mut pairs = Vec::new();
        for axis in [Axis::Mode, Axis::Variant, Axis::Spawn] {
            // A run of a fixed number of rounds is compared by its counts.
            let contrasts = match run.stopping.is_by_data() {
                true => contrasts(&run.units, axis),
                false => Vec::new(),
            };
            if let Ok(watch) = PairWatch::new(ALPHA, contrasts.len()) {
                let watches = vec![watch; contrasts.len()];
                pairs.push((axis, Pairing::new(&run.units, &run.bad, contrasts), watches));
            }
        }
        let gates = match &run.stopping {
            Stopping::Gates(gates) => gates.as_slice(),
            _ => &[],
        };
        let places = places(&run.units);
        let gates = gates.iter().filter_map(|gate| {
            let key = (gate.name.as_str(), gate.mode, gate.variant.as_str());
            let unit = *places.get(&key)?;
            // A limit that is no rate is refused before a run begins.
            let watch = GateWatch::new(gate.limit.below, ALPHA).ok()?;
            let gate = gate.clone();
            Some((unit, GateSeen { gate, watch }))
        });
        Watched {
            gates: gates.collect(),
            pairs,
        }
    }

    pub(super) fn push(&mut self, record: &Record, run: &RunInfo) {
        for (_, pairing, watches) in &mut self.pairs {
            for block in pairing.push(record) {
                for (watch, pair) in watches.iter_mut().zip(block) {
                    if let Some([one, two]) = pair {
                        watch.push(one, two);
                    }
                }
            }
        }
        let Record::Ended(ended) = record else {
            return;
        };
        for (unit, seen) in &mut self.gates {
            if ended.attempt == 1
                && ended.spawn.is_none()
                && ended.unit == *unit
                && let Some(hit) = seen.gate.limit.hits(ended.outcome, &run.bad)
            {
                seen.watch.push(hit);
            }
        }
    }

    pub(super) fn pairs(&self) -> Vec<PairsSeen> {
        let seen = self.pairs.iter().map(|(axis, pairing, watches)| PairsSeen {
            axis: *axis,
            contrasts: pairing
                .contrasts()
                .iter()
                .cloned()
                .zip(watches.iter().copied())
                .collect(),
        });
        seen.collect()
    }

    pub(super) fn gates(&self) -> Vec<GateSeen> {
        self.gates.iter().map(|(_, seen)| seen.clone()).collect()
    }
}
