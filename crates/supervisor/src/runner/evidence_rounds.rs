//! Decides which traced rounds follow the counted ones, to get evidence of deaths that left none. A
//! pure function of the records.

use crashrate_model::{CrashRef, Ended, EvidenceRound, Exit, Outcome, Record};

use crate::plan::RoundKey;

/// After this many seconds of evidence rounds a unit gets no more.
const MAX_SECS: f64 = 120.0;
/// The evidence rounds for an exit code that stands for no signal. A descendant may have crashed.
const FOR_EXIT_CODE: u32 = 3;
/// A shell whose last command died of a signal exits with this plus the signal's number.
const SHELL_SIGNALS: i32 = 128;
/// How many attempts of a unit are checked for children.
const CHILD_CHECKS: u32 = 3;
/// The most rounds remembered of each kind of death.
const MAX_ROUNDS: usize = 64;

/// The evidence rounds of a run.
pub(crate) struct EvidenceRounds {
    units: Vec<UnitEvidence>,
}

#[derive(Default)]
struct UnitEvidence {
    /// Whether the exit status is the verdict, so that an exit code may hide a descendant's crash.
    judged_by_exit: bool,
    counted: u32,
    deaths: Vec<Death>,
    /// How many attempts were checked for children, and whether one had any.
    child_checks: u32,
    had_children: bool,
    longest: f64,
    first_round: Option<u32>,
    /// Evidence rounds that have been started.
    started: u32,
    secs: f64,
}

/// A kind of death that left no evidence.
struct Death {
    exit: Exit,
    /// The rounds that ended so.
    rounds: Vec<u32>,
    seen: bool,
}

impl Death {
    /// Whether a round that ended the same way shows the cause. It does not if another thread ended
    /// the process while one faulted.
    fn is_shown_by(&self, round: &EvidenceRound) -> bool {
        let has_stack = |crash: &CrashRef| !crash.signature.ends_with("no stack");
        let descendants = round.descendants.iter().map(|descendant| &descendant.crash);
        match self.exit {
            Exit::Code(code) if code <= SHELL_SIGNALS => true,
            // A tracer does not see a process before SIGKILL ends it.
            Exit::Signal(ref name) if name == "SIGKILL" => true,
            _ => round.crash.iter().chain(descendants).any(has_stack),
        }
    }

    /// The most evidence rounds for it.
    fn limit(&self, counted: u32) -> u32 {
        match self.exit {
            Exit::Code(code) if code <= SHELL_SIGNALS => counted.min(FOR_EXIT_CODE),
            _ => counted,
        }
    }
}

impl EvidenceRounds {
    /// One item for each unit: whether its exit status is its verdict.
    pub(crate) fn new(judged_by_exit: impl Iterator<Item = bool>) -> EvidenceRounds {
        let unit = |judged_by_exit| UnitEvidence {
            judged_by_exit,
            ..UnitEvidence::default()
        };
        EvidenceRounds {
            units: judged_by_exit.map(unit).collect(),
        }
    }

    /// Takes a record of the run's journal, whose unit the plan has.
    pub(crate) fn push(&mut self, record: &Record) {
        match record {
            Record::Ended(ended) if ended.attempt == 1 => {
                self.units[ended.unit as usize].counted(ended);
            }
            Record::Evidence(round) => self.units[round.unit as usize].made(round),
            _ => {}
        }
    }

    /// Whether it is still unknown if the attempts of a unit have children.
    pub(crate) fn asks_for_children(&self, unit: u32) -> bool {
        let unit = &self.units[unit as usize];
        !unit.had_children && unit.child_checks < CHILD_CHECKS
    }

    /// An attempt was checked for children.
    pub(crate) fn checked_for_children(&mut self, unit: u32, had_children: bool) {
        let unit = &mut self.units[unit as usize];
        unit.child_checks += 1;
        unit.had_children |= had_children;
    }

    /// The next one, which counts as started.
    pub(crate) fn next(&mut self) -> Option<RoundKey> {
        (0..).zip(&mut self.units).find_map(|(index, unit)| {
            let round = unit.next()?;
            unit.started += 1;
            Some(RoundKey { unit: index, round })
        })
    }
}

impl UnitEvidence {
    fn counted(&mut self, ended: &Ended) {
        if ended.outcome.counts() {
            self.counted += 1;
            self.first_round.get_or_insert(ended.round);
            self.longest = self.longest.max(ended.secs.unwrap_or(0.0));
        }
        let has_evidence = ended.crash.is_some() || !ended.descendants.is_empty();
        let Some(exit) = ended.exit().filter(|_| !has_evidence) else {
            return;
        };
        let needs_evidence = match (ended.outcome, exit) {
            (Outcome::Crashed, Exit::Signal(_)) => true,
            (Outcome::Failed, Exit::Code(code)) => {
                *code > SHELL_SIGNALS || *code != 0 && self.judged_by_exit
            }
            _ => false,
        };
        if !needs_evidence {
            return;
        }
        match self.deaths.iter_mut().find(|death| death.exit == *exit) {
            Some(death) if death.rounds.len() < MAX_ROUNDS => death.rounds.push(ended.round),
            Some(_) => {}
            None => self.deaths.push(Death {
                exit: exit.clone(),
                rounds: vec![ended.round],
                seen: false,
            }),
        }
    }

    fn made(&mut self, round: &EvidenceRound) {
        self.secs += round.secs;
        for death in &mut self.deaths {
            death.seen |= round.exit.as_ref() == Some(&death.exit) && death.is_shown_by(round);
        }
    }

    /// The round to repeat: one that died in a way that no evidence round has shown.
    fn next(&self) -> Option<u32> {
        if self.secs >= MAX_SECS {
            return None;
        }
        let mut deaths = self.deaths.iter();
        let unexplained = deaths.find(|d| !d.seen && self.started < d.limit(self.counted));
        match unexplained {
            Some(death) => death
                .rounds
                .get(self.started as usize % death.rounds.len())
                .copied(),
            // If a parent hides the crash of its child, only a tracer sees it.
            None if self.had_children && self.started == 0 && self.longest < MAX_SECS => {
                self.first_round
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(round: u32, outcome: Outcome, exit: Exit) -> Record {
        Record::Ended(Box::new(Ended {
            exit: Some(exit),
            ..Ended::of(0, round, 1, outcome)
        }))
    }

    fn evidence(round: u32, exit: Exit, secs: f64) -> Record {
        Record::Evidence(Box::new(EvidenceRound {
            at: 0.0,
            unit: 0,
            round,
            secs,
            outcome: Outcome::Crashed,
            exit: Some(exit),
            reason: None,
            crash: Some(CrashRef {
                signature: "v1 | SEGV_NULL | a!b".into(),
                file: None,
            }),
            descendants: Vec::new(),
            notes: Vec::new(),
        }))
    }

    fn segv() -> Exit {
        Exit::Signal("SIGSEGV".into())
    }

    fn all(rounds: &mut EvidenceRounds) -> Vec<u32> {
        std::iter::from_fn(|| rounds.next().map(|key| key.round)).collect()
    }

    #[test]
    fn crashed_rounds_are_repeated_until_the_crash_recurs() {
        let mut rounds = EvidenceRounds::new([true].into_iter());
        for round in 1..=5 {
            let outcome = if round % 2 == 0 {
                Outcome::Crashed
            } else {
                Outcome::Passed
            };
            let exit = if round % 2 == 0 {
                segv()
            } else {
                Exit::Code(0)
            };
            rounds.push(&ended(round, outcome, exit));
        }
        assert_eq!(rounds.next().unwrap().round, 2);
        rounds.push(&evidence(2, Exit::Code(0), 1.0));
        assert_eq!(rounds.next().unwrap().round, 4);
        rounds.push(&evidence(4, segv(), 1.0));
        assert_eq!(rounds.next(), None);
    }

    #[test]
    fn evidence_rounds_are_limited_in_number_and_time() {
        let mut rounds = EvidenceRounds::new([true].into_iter());
        (1..=4).for_each(|round| rounds.push(&ended(round, Outcome::Crashed, segv())));
        assert_eq!(all(&mut rounds), [1, 2, 3, 4]);
        let mut rounds = EvidenceRounds::new([true].into_iter());
        (1..=4).for_each(|round| rounds.push(&ended(round, Outcome::Crashed, segv())));
        rounds.push(&evidence(1, Exit::Code(0), 121.0));
        assert_eq!(all(&mut rounds), [0u32; 0]);
    }

    #[test]
    fn a_unit_is_checked_for_children_once() {
        let mut rounds = EvidenceRounds::new([true].into_iter());
        assert!(rounds.asks_for_children(0));
        rounds.checked_for_children(0, true);
        assert!(!rounds.asks_for_children(0));
        (3..=4).for_each(|r| rounds.push(&ended(r, Outcome::Passed, Exit::Code(0))));
        assert_eq!(all(&mut rounds), [3]);
    }

    #[test]
    fn exit_codes_may_hide_a_crash_of_a_descendant() {
        for (judged_by_exit, code, expected) in [
            (true, 139, 6),
            (false, 139, 6),
            (true, 1, 3),
            (false, 1, 0),
            (true, 0, 0),
        ] {
            let mut rounds = EvidenceRounds::new([judged_by_exit].into_iter());
            (1..=6).for_each(|r| rounds.push(&ended(r, Outcome::Failed, Exit::Code(code))));
            assert_eq!(all(&mut rounds).len(), expected, "{judged_by_exit} {code}");
        }
    }
}
