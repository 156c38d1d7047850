//! Tallies the rounds of a search for a commit, by commit.

use std::collections::BTreeMap;

use crashrate_model::{BisectRule, Bisected, Built, Death, Deaths, Ended, Outcome, RunInfo};

use crate::view::{Bisection, CommitSeen, Share};

#[derive(Clone, Debug)]
pub(super) struct BisectTally {
    rule: BisectRule,
    unit: String,
    labels: Vec<String>,
    deaths: Deaths<u32>,
    commits: BTreeMap<u32, CommitSeen>,
    found: Option<Bisected>,
}

impl BisectTally {
    pub(super) fn new(run: &RunInfo, rule: &BisectRule) -> BisectTally {
        BisectTally {
            unit: run
                .units
                .first()
                .map_or_else(String::new, |unit| unit.name.clone()),
            labels: run.units.iter().map(|unit| unit.variant.clone()).collect(),
            deaths: rule.deaths(&run.units, &run.bad),
            rule: rule.clone(),
            commits: BTreeMap::new(),
            found: None,
        }
    }

    pub(super) fn end(&mut self, ended: &Ended) {
        let problem = match ended.outcome {
            Outcome::Skipped => Some("skipped by exit code 125".to_owned()),
            Outcome::NotStarted => ended.reason.clone(),
            _ => None,
        };
        if problem.is_some() {
            self.commit(ended.unit).problem = problem;
            return;
        }
        for (commit, death) in self.deaths.push(ended.unit, ended) {
            let seen = self.commit(commit);
            match death {
                Death::Other => seen.others += 1,
                Death::None => seen.rounds += 1,
                Death::Target(_) => {
                    seen.rounds += 1;
                    seen.deaths += 1;
                }
            }
        }
    }

    pub(super) fn built(&mut self, built: &Built) {
        let seen = self.commit(built.unit);
        seen.is_built = built.problem.is_none();
        seen.problem.clone_from(&built.problem);
    }

    pub(super) fn found(&mut self, found: &Bisected) {
        self.found = Some(found.clone());
    }

    pub(super) fn is_answered(&self) -> bool {
        self.found
            .as_ref()
            .is_some_and(|found| found.answer.is_some())
    }

    /// The rounds of a commit that count.
    pub(super) fn share(&self, commit: u32) -> Share {
        let seen = self.commits.get(&commit);
        seen.map_or_else(Share::default, CommitSeen::share)
    }

    fn commit(&mut self, index: u32) -> &mut CommitSeen {
        self.commits.entry(index).or_insert_with(|| CommitSeen {
            index,
            ..CommitSeen::default()
        })
    }

    pub(super) fn bisection(&self) -> Bisection {
        Bisection {
            rule: self.rule.clone(),
            unit: self.unit.clone(),
            labels: self.labels.clone(),
            target: self.deaths.target().map(str::to_owned),
            signatures: self.deaths.signatures(),
            commits: self.commits.values().cloned().collect(),
            found: self.found.clone(),
        }
    }
}
