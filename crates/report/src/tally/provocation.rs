//! Tallies the rounds of a search for a perturbation, by unit.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crashrate_model::{Aim, Ended, ProvokeRule, Provoked, RunInfo, kind};

use crate::view::{Provocation, Share};

/// The most signatures that are counted of a unit.
const MAX_SIGNATURES: usize = 100;

#[derive(Clone, Debug)]
pub(super) struct ProvokeTally {
    rule: ProvokeRule,
    unit: String,
    perturbations: Vec<String>,
    aim: Aim,
    signatures: Vec<BTreeMap<String, u32>>,
    /// How often each kind of bad end was seen unperturbed, and perturbed.
    kinds: BTreeMap<String, [u32; 2]>,
    shares: Vec<Share>,
    found: Option<Provoked>,
}

impl ProvokeTally {
    pub(super) fn new(run: &RunInfo, rule: &ProvokeRule) -> ProvokeTally {
        ProvokeTally {
            rule: rule.clone(),
            unit: run
                .units
                .first()
                .map_or_else(String::new, |unit| unit.name.clone()),
            perturbations: run
                .units
                .iter()
                .map(|unit| unit.perturb.to_string())
                .collect(),
            aim: Aim::new(rule, &run.bad),
            signatures: vec![BTreeMap::new(); run.units.len()],
            kinds: BTreeMap::new(),
            shares: vec![Share::default(); run.units.len()],
            found: None,
        }
    }

    pub(super) fn end(&mut self, ended: &Ended) {
        let unit = ended.unit as usize;
        let (Some(share), Some(signatures)) =
            (self.shares.get_mut(unit), self.signatures.get_mut(unit))
        else {
            return;
        };
        if !ended.outcome.counts() || ended.is_apart() {
            return;
        }
        share.n += 1;
        if self.aim.read(ended).is_none() {
            return;
        }
        share.bad += 1;
        let seen = self.kinds.entry(kind(ended)).or_default();
        seen[usize::from(ended.unit > 0)] += 1;
        let signature = match &ended.crash {
            Some(crash) => crash.signature.clone(),
            None => kind(ended),
        };
        if signatures.len() < MAX_SIGNATURES || signatures.contains_key(&signature) {
            *signatures.entry(signature).or_default() += 1;
        }
    }

    pub(super) fn found(&mut self, found: &Provoked) {
        self.found = Some(found.clone());
    }

    /// The rounds of a unit that count.
    pub(super) fn share(&self, unit: u32) -> Share {
        self.shares.get(unit as usize).copied().unwrap_or_default()
    }

    pub(super) fn provocation(&self) -> Provocation {
        let sorted = |signatures: &BTreeMap<String, u32>| {
            let mut all = Vec::from_iter(signatures.clone());
            all.sort_by_key(|(_, n)| Reverse(*n));
            all
        };
        let only_perturbed = self.kinds.iter().filter(|(_, [base, _])| *base == 0);
        Provocation {
            only_perturbed: only_perturbed
                .map(|(kind, [_, n])| (kind.clone(), *n))
                .collect(),
            rule: self.rule.clone(),
            unit: self.unit.clone(),
            perturbations: self.perturbations.clone(),
            target: self.aim.target(),
            signatures: self.signatures.iter().map(sorted).collect(),
            shares: self.shares.clone(),
            found: self.found.clone(),
        }
    }
}
