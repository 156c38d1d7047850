//! When a run stops by itself: the stopping rule fed with the journal's records, as every report feeds it again.

use crashrate_model::{
    ALPHA, Gate, Limit, Mode, Outcome, OutcomeSet, Pairing, Record, Stopping, Unit, contrasts,
    places,
};
use crashrate_stats::{GateWatch, PairWatch, StatsError};

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
        watches: Vec<PairWatch>,
    },
    Gates(Vec<OpenGate>),
}

struct OpenGate {
    unit: u32,
    limit: Limit,
    bad: OutcomeSet,
    watch: GateWatch,
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
                let watch = PairWatch::new(ALPHA, contrasts.len().max(1))?;
                Rule::Contrasts {
                    watches: vec![watch; contrasts.len()],
                    pairing: Pairing::new(units, bad, contrasts),
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
            Rule::Contrasts { pairing, watches } => {
                for block in pairing.push(record) {
                    for (watch, pair) in watches.iter_mut().zip(block) {
                        if let Some([one, two]) = pair {
                            watch.push(one, two);
                        }
                    }
                }
                Decision {
                    retire: Vec::new(),
                    stop: !watches.is_empty() && watches.iter().all(PairWatch::is_decided),
                }
            }
            Rule::Gates(gates) => match first_attempt(record) {
                Some((unit, outcome)) => count(gates, unit, outcome),
                None => Decision::default(),
            },
        }
    }
}

fn open(gates: &[Gate], units: &[Unit], bad: &OutcomeSet) -> Result<Vec<OpenGate>, StatsError> {
    let mut all = Vec::new();
    let places = places(units);
    for gate in gates {
        if let Some(&unit) = places.get(&(gate.name.as_str(), gate.mode, gate.variant.as_str())) {
            all.push(OpenGate {
                unit,
                limit: gate.limit.clone(),
                bad: bad.clone(),
                watch: GateWatch::new(gate.limit.below, ALPHA)?,
            });
        }
    }
    Ok(all)
}

fn count(gates: &mut [OpenGate], unit: u32, outcome: Outcome) -> Decision {
    for gate in gates.iter_mut().filter(|g| g.unit == unit) {
        if let Some(hit) = gate.limit.hits(outcome, &gate.bad) {
            gate.watch.push(hit);
        }
    }
    let mut of_unit = gates.iter().filter(|g| g.unit == unit).peekable();
    let retires = of_unit.peek().is_some() && of_unit.all(|g| g.watch.is_decided());
    Decision {
        retire: retires.then_some(unit).into_iter().collect(),
        stop: false,
    }
}

fn first_attempt(record: &Record) -> Option<(u32, Outcome)> {
    match record {
        Record::Ended(e) if e.attempt == 1 && e.spawn.is_none() => Some((e.unit, e.outcome)),
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
