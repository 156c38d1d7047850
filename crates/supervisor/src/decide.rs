//! When a run stops by itself: the stopping rule fed with the journal's records, as every report feeds it again.

use crashrate_model::{
    ALPHA, BlockPairs, Gate, Limit, Mode, Outcome, OutcomeSet, Pairing, Record, Stopping, Unit,
    contrasts,
};
use crashrate_stats::{Counts, DEFAULT_GAMMA, GateVerdict, PairProcess, StatsError, ln_threshold};

/// What the rule says after a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// These units need no more rounds.
    pub retire: Vec<u32>,
    /// The whole run needs no more rounds.
    pub stop: bool,
}

/// A stopping rule at work.
pub struct Decider {
    rule: Rule,
}

enum Rule {
    Never,
    FirstBad(OutcomeSet),
    Contrasts {
        pairing: Pairing,
        processes: Vec<PairProcess>,
        threshold: f64,
    },
    Gates(Vec<OpenGate>),
}

struct OpenGate {
    unit: u32,
    counter: RateCounter,
    decided: bool,
}

/// Counts what a gate counts, over first attempts.
struct RateCounter {
    gate: crashrate_stats::Gate,
    outcome: Option<Outcome>,
    bad: OutcomeSet,
    k: u64,
    n: u64,
}

impl RateCounter {
    fn new(limit: &Limit, bad: &OutcomeSet) -> Result<Self, StatsError> {
        Ok(RateCounter {
            gate: crashrate_stats::Gate::new(limit.below)?,
            outcome: limit.outcome,
            bad: bad.clone(),
            k: 0,
            n: 0,
        })
    }

    fn push(&mut self, outcome: Outcome) -> Result<GateVerdict, StatsError> {
        if outcome.counts() {
            let hit = match self.outcome {
                Some(wanted) => wanted == outcome,
                None => self.bad.contains(outcome),
            };
            self.n += 1;
            self.k += u64::from(hit);
        }
        self.gate.verdict(Counts::new(self.k, self.n)?, ALPHA)
    }
}

impl Decider {
    /// A rule for a run of these units.
    ///
    /// # Errors
    /// A gate's limit is no rate.
    pub fn new(stopping: &Stopping, units: &[Unit], bad: &OutcomeSet) -> Result<Self, StatsError> {
        let rule = match stopping {
            Stopping::FixedRounds => Rule::Never,
            Stopping::FirstBad => Rule::FirstBad(bad.clone()),
            Stopping::Decided(axis) => {
                let contrasts = contrasts(units, *axis);
                let processes = vec![PairProcess::new(DEFAULT_GAMMA)?; contrasts.len()];
                Rule::Contrasts {
                    threshold: ln_threshold(ALPHA, contrasts.len().max(1))?,
                    pairing: Pairing::new(units, bad, contrasts),
                    processes,
                }
            }
            Stopping::Gates(gates) => Rule::Gates(open(gates, units, bad)?),
        };
        Ok(Decider { rule })
    }

    /// Takes a record and says what follows from it.
    pub fn push(&mut self, record: &Record) -> Decision {
        match &mut self.rule {
            Rule::Never => Decision::default(),
            Rule::FirstBad(bad) => Decision {
                retire: Vec::new(),
                stop: first_attempt(record).is_some_and(|(_, outcome)| bad.contains(outcome)),
            },
            Rule::Contrasts {
                pairing,
                processes,
                threshold,
            } => {
                for block in pairing.push(record) {
                    advance(processes, &block, *threshold);
                }
                Decision {
                    retire: Vec::new(),
                    stop: !processes.is_empty() && processes.iter().all(|p| p.reached(*threshold)),
                }
            }
            Rule::Gates(gates) => match first_attempt(record) {
                Some((unit, outcome)) => count(gates, unit, outcome),
                None => Decision::default(),
            },
        }
    }
}

/// A verdict that was reached stays: later pairs do not change it.
fn advance(processes: &mut [PairProcess], block: &BlockPairs, threshold: f64) {
    for (process, pair) in processes.iter_mut().zip(block) {
        if let Some([one, two]) = *pair
            && !process.reached(threshold)
        {
            process.update(one, two);
        }
    }
}

fn open(gates: &[Gate], units: &[Unit], bad: &OutcomeSet) -> Result<Vec<OpenGate>, StatsError> {
    let mut all = Vec::new();
    for gate in gates {
        let same =
            |u: &Unit| u.name == gate.name && u.mode == gate.mode && u.variant == gate.variant;
        if let Some((unit, _)) = (0u32..).zip(units).find(|(_, u)| same(u)) {
            all.push(OpenGate {
                unit,
                counter: RateCounter::new(&gate.limit, bad)?,
                decided: false,
            });
        }
    }
    Ok(all)
}

fn count(gates: &mut [OpenGate], unit: u32, outcome: Outcome) -> Decision {
    for gate in gates.iter_mut().filter(|g| g.unit == unit && !g.decided) {
        let verdict = gate.counter.push(outcome);
        gate.decided = verdict.is_ok_and(|v| v != GateVerdict::Undecided);
    }
    let mut of_unit = gates.iter().filter(|g| g.unit == unit).peekable();
    let retires = of_unit.peek().is_some() && of_unit.all(|g| g.decided);
    Decision {
        retire: retires.then_some(unit).into_iter().collect(),
        stop: false,
    }
}

fn first_attempt(record: &Record) -> Option<(u32, Outcome)> {
    match record {
        Record::Ended(e) if e.attempt == 1 => Some((e.unit, e.outcome)),
        _ => None,
    }
}

/// The gates that a limit for everything makes: one for each unit.
pub fn gates_for_all(units: &[Unit], limit: &Limit) -> Vec<Gate> {
    let gate = |u: &Unit| Gate {
        name: u.name.clone(),
        mode: u.mode,
        variant: u.variant.clone(),
        limit: limit.clone(),
    };
    units.iter().map(gate).collect()
}

/// Whether the units of a plan have both sides of anything to compare by mode.
pub fn has_both_modes(units: &[Unit]) -> bool {
    let has = |mode| units.iter().any(|u| u.mode == mode);
    has(Mode::Isolated) && has(Mode::Sequential)
}
