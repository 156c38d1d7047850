//! The search of `crashrate provoke`: under which perturbation each round runs.

mod request;

use crashrate_model::{
    Aim, BadEnd, Ended, OutcomeSet, Perturbation, ProvokeAnswer, ProvokeRule, Provoked,
    ProvokedArm, Record, Started, Unit,
};
use crashrate_stats::{
    self as stats, Provocation, ProvokeSettings, Slice, SliceResult, StatsError,
};

use crate::plan::{Pending, RoundKey};
use crate::search::{ProvokeStatus, Search, SearchStatus};

pub use crashrate_stats::ProvokePhase;
pub(crate) use request::plan;
pub use request::{ProvokeError, ProvokeOptions};

/// The seconds of a slice: short, so that changes of the machine's load meet all arms alike.
const SLICE: f64 = 0.25;
/// The attempts that a crowd has at the same time.
pub(crate) const CROWD: u32 = 4;

/// The search, with the slice that runs.
pub(crate) struct ProvokeSearch {
    search: Provocation,
    aim: Aim,
    units: Vec<Unit>,
    /// The unit of each arm. An arm that ambushes learned places shares that of the blind one.
    arms: Vec<u32>,
    /// The first arm that was added for learned places.
    added: usize,
    /// Whether every ambush knows places from the start.
    knows_places: bool,
    current: Option<Running>,
    last: u32,
    most: u32,
}

/// The slice that runs.
struct Running {
    slice: Slice,
    result: SliceResult,
    /// When its first round started, seconds since the run was opened.
    begun: Option<f64>,
    /// The rounds that were chosen, or have started, and have not ended.
    open: Vec<RoundKey>,
}

impl ProvokeSearch {
    /// The search among the units of a plan, one for each arm.
    pub(crate) fn new(
        units: &[Unit],
        bad: &OutcomeSet,
        rule: &ProvokeRule,
    ) -> Result<ProvokeSearch, StatsError> {
        let search = Provocation::new(ProvokeSettings {
            gain: rule.gain,
            error: rule.error,
            budget: rule.budget,
            seed: rule.seed,
            slice: SLICE,
            ..ProvokeSettings::new(units.len())
        })?;
        Ok(ProvokeSearch {
            search,
            aim: Aim::new(rule, bad),
            arms: (0..).take(units.len()).collect(),
            added: units.len(),
            knows_places: rule.places.is_some(),
            units: units.to_vec(),
            current: None,
            last: 0,
            most: units.iter().map(|unit| unit.rounds).max().unwrap_or(0),
        })
    }

    fn started(&mut self, started: &Started) {
        self.last = self.last.max(started.round);
        let key = RoundKey {
            unit: started.unit,
            round: started.round,
        };
        self.begin_slice();
        if let Some(running) = &mut self.current {
            running.begun.get_or_insert(started.at);
            if !running.open.contains(&key) {
                running.open.push(key);
            }
        }
    }

    fn ended(&mut self, ended: &Ended) -> Result<(), StatsError> {
        let Some(running) = &mut self.current else {
            return Ok(());
        };
        let is_it = |key: &RoundKey| (key.unit, key.round) == (ended.unit, ended.round);
        let Some(place) = running.open.iter().position(is_it) else {
            return Ok(());
        };
        running.open.remove(place);
        let counts = ended.outcome.counts() && !ended.is_apart();
        let end = if counts { self.aim.read(ended) } else { None };
        running.result.rounds += u64::from(counts);
        match end {
            Some(BadEnd::Aim) => running.result.crashes += 1,
            Some(BadEnd::Other) => running.result.others += 1,
            None => {}
        }
        running.result.seconds = ended.at - running.begun.unwrap_or(ended.at);
        let is_over = running.result.seconds >= SLICE && running.open.is_empty();
        if is_over && let Some(running) = self.current.take() {
            self.search.push(running.slice, running.result)?;
        }
        if end == Some(BadEnd::Aim) && ended.crash.is_some() {
            self.learn(ended.unit);
        }
        Ok(())
    }

    /// A traced crash has shown where threads were: from now on an ambush knows places, which makes
    /// it another arm.
    fn learn(&mut self, unit: u32) {
        let is_traced = self.units[unit as usize].perturb.needs_tracer();
        if !is_traced || self.knows_places || self.arms.len() > self.added {
            return;
        }
        let ambushes = (0..).zip(&self.units);
        let ambushes = ambushes.filter(|(_, unit)| unit.perturb.contains(Perturbation::Ambush));
        for (unit, _) in ambushes {
            self.search.add_arm();
            self.arms.push(unit);
        }
    }

    fn begin_slice(&mut self) {
        if self.current.is_none() {
            self.current = self.search.next().map(|slice| Running {
                slice,
                result: SliceResult::default(),
                begun: None,
                open: Vec::new(),
            });
        }
    }

    fn arm_of(&self, arm: &stats::ArmState) -> ProvokedArm {
        let interval = arm.interval;
        let unit = self.arms[arm.arm];
        let is_ambush = self.units[unit as usize]
            .perturb
            .contains(Perturbation::Ambush);
        ProvokedArm {
            unit,
            learned: arm.arm >= self.added || (is_ambush && self.knows_places),
            secs: arm.seconds,
            rounds: arm.rounds,
            crashes: arm.crashes,
            others: arm.others,
            gain: arm.gain,
            gain_from: interval.map(|interval| interval.lo),
            gain_to: interval
                .map(|interval| interval.hi)
                .filter(|hi| hi.is_finite()),
        }
    }
}

impl Search for ProvokeSearch {
    fn push(&mut self, record: &Record) -> bool {
        match record {
            // The slice of an earlier supervisor was cut short.
            Record::Opened(_) => self.current = None,
            Record::Started(started) => self.started(started),
            Record::Ended(ended) => {
                // The arms of slices are those that the search chose.
                if let Err(error) = self.ended(ended) {
                    tracing::warn!("{error}");
                }
            }
            _ => {}
        }
        self.search.answer().is_some()
    }

    fn next(&mut self) -> Option<Pending> {
        self.begin_slice();
        let running = self.current.as_mut()?;
        let unit = self.arms[running.slice.arm];
        let limit = match self.units[unit as usize]
            .perturb
            .contains(Perturbation::Crowd)
        {
            true => CROWD,
            false => 1,
        };
        let is_used_up = running.result.seconds >= SLICE;
        let round = self.last + 1;
        if is_used_up || running.open.len() >= limit as usize || round > self.most {
            return None;
        }
        self.last = round;
        let key = RoundKey { unit, round };
        running.open.push(key);
        Some(Pending { key, attempt: 1 })
    }

    fn found(&self, at: f64) -> Record {
        let progress = self.search.progress();
        let answer = self.search.answer().map(|answer| match answer {
            stats::ProvokeAnswer::Shown(shown) => ProvokeAnswer::Shown {
                arm: shown.arm as u32,
                ln_e: shown.ln_e,
                ln_needed: shown.ln_needed,
            },
            stats::ProvokeAnswer::NothingShown => ProvokeAnswer::NothingShown,
        });
        Record::Provoked(Box::new(Provoked {
            at,
            target: self.aim.target(),
            arms: progress.arms.iter().map(|arm| self.arm_of(arm)).collect(),
            answer,
            secs: progress.seconds,
        }))
    }

    fn status(&self) -> SearchStatus {
        SearchStatus::Provoke(Box::new(ProvokeStatus {
            target: self.aim.target(),
            units: self.arms.clone(),
            progress: self.search.progress(),
        }))
    }
}
