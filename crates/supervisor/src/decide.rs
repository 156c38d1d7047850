//! The stopping rule. A run feeds it the records of its journal; every report feeds them again and
//! gets the same decisions.

use crashrate_model::{
    ALPHA, BlockChange, Gate, Outcome, OutcomeSet, Pairing, Part, PlanOrder, RateBound, Record,
    Shard, StopReason, Stopping, Unit, contrasts, places,
};
use crashrate_stats::{GateVerdict, GateWatch, PairWatch, StatsError};

use crate::bisect::BisectSearch;
use crate::minimize::MinimizeSearch;
use crate::plan::{Plan, RoundKey};
use crate::provoke::ProvokeSearch;
use crate::schedule::Input;
use crate::search::SharedSearch;

/// A stopping rule and its state. It sees rounds in the order of the plan: a round is used once all
/// rounds before it have ended.
pub struct Decider {
    rule: Rule,
}

enum Rule {
    Never,
    FirstBad {
        bad: OutcomeSet,
        /// By unit: whether each round was bad.
        rounds: Vec<PlanOrder<bool>>,
    },
    Contrasts {
        pairing: Box<Pairing>,
        rules: Vec<(bool, PairWatch)>,
    },
    Gates {
        bad: OutcomeSet,
        gates: Vec<OpenGate>,
    },
    Search(SharedSearch),
}

struct OpenGate {
    unit: u32,
    limit: RateBound,
    rounds: PlanOrder<GateRound>,
    watch: GateWatch,
}

/// What a gate learns from a round: `Some(Some(bad))`, `Some(None)` if its end is unknown, and
/// `None` if the round says nothing about the gate.
type GateRound = Option<Option<bool>>;

impl Decider {
    /// The rule of a run of these units; `not_worse_by` is the margin, as a share, within which the
    /// second side of a comparison counts as no worse.
    ///
    /// # Errors
    /// A gate's limit is not between 0 and 1.
    pub fn new(
        stopping: &Stopping,
        units: &[Unit],
        bad: &OutcomeSet,
        not_worse_by: Option<f64>,
    ) -> Result<Self, StatsError> {
        let rule = match stopping {
            Stopping::FixedRounds => Rule::Never,
            Stopping::FirstBad => Rule::FirstBad {
                bad: bad.clone(),
                rounds: vec![PlanOrder::default(); units.len()],
            },
            Stopping::Decided(axis) => {
                let contrasts = contrasts(units, *axis);
                let primary = contrasts.iter().filter(|c| c.primary).count().max(1);
                let rule = PairWatch::new(ALPHA, primary)?.with_margin(not_worse_by)?;
                Rule::Contrasts {
                    rules: contrasts.iter().map(|c| (c.primary, rule)).collect(),
                    pairing: Box::new(Pairing::new(units, bad, contrasts)),
                }
            }
            Stopping::Minimized(rule) => {
                Rule::Search(SharedSearch::new(MinimizeSearch::new(units, bad, rule)?))
            }
            Stopping::Bisected(rule) => {
                Rule::Search(SharedSearch::new(BisectSearch::new(units, bad, rule)?))
            }
            Stopping::Provoked(rule) => {
                Rule::Search(SharedSearch::new(ProvokeSearch::new(units, bad, rule)?))
            }
            Stopping::Gates(gates) => Rule::Gates {
                bad: bad.clone(),
                gates: open(gates, units)?,
            },
        };
        Ok(Decider { rule })
    }

    /// The same for the rounds of a shard. Searches have no shards.
    #[must_use]
    pub fn of_shard(mut self, shard: Option<Shard>) -> Self {
        let Some(shard) = shard else {
            return self;
        };
        match &mut self.rule {
            Rule::Never | Rule::Search(_) => {}
            Rule::FirstBad { rounds, .. } => rounds.fill(PlanOrder::of_shard(shard)),
            Rule::Contrasts { pairing, .. } => **pairing = pairing.as_ref().clone().of_shard(shard),
            Rule::Gates { gates, .. } => {
                for gate in gates {
                    gate.rounds = PlanOrder::of_shard(shard);
                }
            }
        }
        self
    }

    /// Applies a record. Returns what the schedule has to do: start no more rounds of a unit, or
    /// none at all.
    pub fn push(&mut self, record: &Record) -> Option<Input> {
        let has_stopped = match &mut self.rule {
            Rule::Never => false,
            Rule::FirstBad { bad, rounds } => first_bad(rounds, bad, record),
            Rule::Contrasts { pairing, rules } => {
                for change in pairing.push(record) {
                    feed(rules, change);
                }
                // Only primary comparisons answer the question of the run; the others explain it.
                let mut primary = rules.iter().filter(|(is_primary, _)| *is_primary);
                !rules.is_empty() && primary.all(|(_, rule)| rule.is_answered())
            }
            Rule::Gates { bad, gates } => {
                return decided_unit(gates, bad, record).map(Input::Retire);
            }
            Rule::Search(search) => search.push(record),
        };
        has_stopped.then_some(Input::Stop(StopReason::Decided))
    }

    /// The search that chooses the rounds; `None` if the plan does.
    pub(crate) fn search(&self) -> Option<SharedSearch> {
        match &self.rule {
            Rule::Search(search) => Some(search.clone()),
            _ => None,
        }
    }

    /// The part of its sequence that a round runs; `None` for the whole unit.
    pub(crate) fn part(&self, key: RoundKey) -> Option<Part> {
        self.search()?.part(key)
    }

    /// The verdict so far of the gate at this place; undecided if there is none.
    pub fn gate_verdict(&self, place: usize) -> GateVerdict {
        match &self.rule {
            Rule::Gates { gates, .. } => gates.get(place).map(|gate| gate.watch.verdict()),
            _ => None,
        }
        .unwrap_or(GateVerdict::Undecided)
    }
}

fn feed(rules: &mut [(bool, PairWatch)], change: BlockChange) {
    let (pairs, is_drawn) = match change {
        BlockChange::Drawn(pairs) => (pairs, true),
        BlockChange::Withdrawn(pairs) => (pairs, false),
    };
    for ((_, rule), pair) in rules.iter_mut().zip(pairs) {
        match pair {
            Some(pair) if is_drawn => rule.push(pair),
            Some(pair) => rule.withdraw(pair),
            None => {}
        }
    }
}

fn open(gates: &[Gate], units: &[Unit]) -> Result<Vec<OpenGate>, StatsError> {
    let mut all = Vec::new();
    let places = places(units);
    for gate in gates {
        if let Some(&unit) = places.get(&(gate.name.as_str(), gate.mode, gate.variant.as_str())) {
            all.push(OpenGate {
                unit,
                limit: gate.limit.clone(),
                rounds: PlanOrder::default(),
                watch: GateWatch::new(gate.limit.below, ALPHA, gates.len())?,
            });
        }
    }
    Ok(all)
}

fn first_bad(units: &mut [PlanOrder<bool>], bad: &OutcomeSet, record: &Record) -> bool {
    match record {
        Record::Opened(_) => {
            units.iter_mut().for_each(|rounds| drop(rounds.reopen()));
            false
        }
        Record::Ended(ended) if ended.attempt == 1 => {
            let Some(rounds) = units.get_mut(ended.unit as usize) else {
                return false;
            };
            let is_bad = ended.is_bad_measurement(bad);
            rounds.put(ended.round, is_bad, ended.outcome != Outcome::NotStarted);
            // Not `any`, which would stop at the first bad one: all rounds must be popped.
            std::iter::from_fn(|| rounds.pop()).fold(false, |seen, (_, is_bad)| seen | is_bad)
        }
        _ => false,
    }
}

/// Applies a record to the gates. Returns its unit if all gates of that have verdicts.
fn decided_unit(gates: &mut [OpenGate], bad: &OutcomeSet, record: &Record) -> Option<u32> {
    let ended = match record {
        Record::Opened(_) => {
            gates.iter_mut().for_each(|gate| drop(gate.rounds.reopen()));
            return None;
        }
        Record::Ended(ended) if ended.attempt == 1 => ended,
        _ => return None,
    };
    let unit = ended.unit;
    for gate in gates.iter_mut().filter(|g| g.unit == unit) {
        let seen = gate.limit.sees(ended, bad);
        (gate.rounds).put(ended.round, seen, ended.outcome != Outcome::NotStarted);
        while let Some((_, seen)) = gate.rounds.pop() {
            if let Some(is_bad) = seen {
                gate.watch.push(is_bad);
            }
        }
    }
    let mut of_unit = gates.iter().filter(|g| g.unit == unit).peekable();
    let retires = of_unit.peek().is_some() && of_unit.all(|g| g.watch.is_decided());
    retires.then_some(unit)
}

/// Gates that cannot be shown within the rounds of their units; one sentence each.
pub(crate) fn unreachable_gates(plan: &Plan, stopping: &Stopping) -> Vec<String> {
    let Stopping::Gates(gates) = stopping else {
        return Vec::new();
    };
    let places = places(&plan.units);
    let unreachable = gates.iter().filter_map(|gate| {
        let key = (gate.name.as_str(), gate.mode, gate.variant.as_str());
        // The gate of a shard is judged when the shards are merged.
        let rounds = plan.units.get(*places.get(&key)? as usize)?.rounds;
        let bound = crashrate_stats::Gate::new(gate.limit.below).ok()?;
        let needed = bound.rounds_to_pass(0, ALPHA).ok()?;
        (needed > u64::from(rounds)).then(|| {
            format!(
                "the gate `{}` of {} ({}) cannot be shown in {rounds} rounds: it needs at \
                 least {needed} rounds without a bad one",
                gate.limit, gate.name, gate.mode
            )
        })
    });
    unreachable.collect()
}
