//! The cases of a bisection on a crash rate: evidence, next commit, and certificates.

use crashrate_stats::{ChangeEvidence, ChangeModel, Counts, PairProcess, StatsError};
use serde::Deserialize;

use super::{ABSOLUTE, Checked, said};

/// Numbers may differ by this much, relative to the expected one.
const TOLERANCE: f64 = 1e-9;

/// The level of the confidence set in the file.
const ALPHA: f64 = 0.05;

/// The file.
#[derive(Debug, Deserialize)]
pub(super) struct Bisections {
    cases: Vec<Case>,
    certificates: Vec<Certificate>,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    commits: usize,
    observations: Vec<[u64; 3]>,
    build_cost: f64,
    batches: Vec<u64>,
    prior_old: [f64; 2],
    prior_new: [f64; 2],
    weights: Option<Vec<f64>>,
    #[serde(default)]
    weight_none: f64,
    #[serde(default)]
    unbuildable: Vec<usize>,
    expect: Expected,
}

#[derive(Debug, Deserialize)]
struct Expected {
    posterior: Vec<f64>,
    posterior_none: f64,
    best_group: Group,
    entropy_bits: f64,
    mean_old: f64,
    mean_new: f64,
    ln_e_none: f64,
    ln_e_single: f64,
    ln_e_at: Vec<f64>,
    confidence_set: Vec<usize>,
    next: Option<Next>,
}

#[derive(Debug, Deserialize)]
struct Group {
    first: usize,
    last: usize,
    probability: f64,
}

#[derive(Debug, Deserialize)]
struct Next {
    commit: usize,
    batch: u64,
    eig_bits: f64,
    score: f64,
    build: bool,
}

#[derive(Debug, Deserialize)]
struct Certificate {
    name: String,
    search_parent: [u64; 2],
    search_suspect: [u64; 2],
    cap: f64,
    pairs: Vec<[u8; 2]>,
    expect: ExpectedCertificate,
}

#[derive(Debug, Deserialize)]
struct ExpectedCertificate {
    ln_e: Vec<f64>,
}

/// The differences found in one case.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn number(&mut self, name: &str, got: f64, expected: f64) {
        let allowed = (TOLERANCE * expected.abs()).max(ABSOLUTE);
        if (got - expected).abs() > allowed || !got.is_finite() {
            self.0
                .push(format!("{name}: got {got:e}, expected {expected:e}"));
        }
    }

    fn numbers(&mut self, name: &str, got: &[f64], expected: &[f64]) {
        self.same(&format!("values of {name}"), &got.len(), &expected.len());
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            self.number(&format!("{name}[{i}]"), *got, *expected);
        }
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, name: &str, got: &T, expected: &T) {
        if got != expected {
            self.0
                .push(format!("{name}: got {got:?}, expected {expected:?}"));
        }
    }
}

impl Bisections {
    pub(super) fn results(&self) -> Vec<Checked> {
        let cases = self.cases.iter().map(|case| (&case.name, case.check()));
        let certificates = self.certificates.iter();
        let certificates = certificates.map(|one| (&one.name, one.check()));
        let checked = |(name, check): (&String, Result<Differences, StatsError>)| Checked {
            name: format!("bisect, {name}"),
            difference: match check {
                Ok(differences) if differences.0.is_empty() => None,
                Ok(differences) => Some(differences.0.join("; ")),
                Err(error) => Some(said(error)),
            },
        };
        cases.chain(certificates).map(checked).collect()
    }
}

impl Case {
    fn model(&self) -> Result<ChangeModel, StatsError> {
        let mut model = ChangeModel::new(self.commits)?
            .with_priors(self.prior_old, self.prior_new)?
            .with_none(self.weight_none)
            .with_build_cost(self.build_cost)
            .with_batches(&self.batches);
        if let Some(weights) = &self.weights {
            model = model.with_weights(weights)?;
        }
        for commit in [0, self.commits] {
            model.set_built(commit);
        }
        for [commit, bad, n] in &self.observations {
            model.observe(*commit as usize, Counts::new(*bad, *n)?);
        }
        for commit in &self.unbuildable {
            model.set_untestable(*commit);
        }
        Ok(model)
    }

    fn check(&self) -> Result<Differences, StatsError> {
        let model = self.model()?;
        let evidence = model.evidence();
        let mut found = Differences::default();
        self.check_posterior(&evidence, &mut found);
        self.check_e_values(&evidence, &mut found);
        match (model.next_probe(&evidence), &self.expect.next) {
            (Some(got), Some(expected)) => {
                found.same("commit", &got.commit, &expected.commit);
                found.same("batch", &got.rounds, &expected.batch);
                found.same("build", &got.needs_build, &expected.build);
                found.number("eig_bits", got.bits, expected.eig_bits);
                found.number("score", got.score, expected.score);
            }
            (got, expected) => found.same("next", &got.is_some(), &expected.is_some()),
        }
        Ok(found)
    }

    fn check_posterior(&self, evidence: &ChangeEvidence, found: &mut Differences) {
        let expect = &self.expect;
        let commits = 1..=self.commits;
        let posterior: Vec<f64> = commits.map(|t| evidence.probability(t)).collect();
        found.numbers("posterior", &posterior, &expect.posterior);
        found.number("posterior_none", evidence.none(), expect.posterior_none);
        let best = evidence.best_group();
        found.same("first of the group", &best.first, &expect.best_group.first);
        found.same("last of the group", &best.last, &expect.best_group.last);
        found.number(
            "probability of the group",
            best.probability,
            expect.best_group.probability,
        );
        found.number("entropy_bits", evidence.entropy(), expect.entropy_bits);
        let [old, new] = evidence.mean_rates();
        found.number("mean_old", old, expect.mean_old);
        found.number("mean_new", new, expect.mean_new);
    }

    fn check_e_values(&self, evidence: &ChangeEvidence, found: &mut Differences) {
        let expect = &self.expect;
        let at = (1..=self.commits).map(|t| evidence.ln_e_at(t));
        found.numbers("ln_e_at", &at.collect::<Vec<f64>>(), &expect.ln_e_at);
        found.number("ln_e_none", evidence.ln_e_none(), expect.ln_e_none);
        found.number("ln_e_single", evidence.ln_e_single(), expect.ln_e_single);
        let ranges = evidence.confidence_set(ALPHA).into_iter();
        let set: Vec<usize> = ranges.flat_map(|range| range.first..=range.last).collect();
        found.same("confidence_set", &set, &expect.confidence_set);
    }
}

impl Certificate {
    fn check(&self) -> Result<Differences, StatsError> {
        let counts = |[bad, n]: [u64; 2]| Counts::new(bad, n);
        let (parent, suspect) = (counts(self.search_parent)?, counts(self.search_suspect)?);
        let mut process = PairProcess::with_learned(parent, suspect, self.cap);
        let each_pair = self.pairs.iter().map(|pair| {
            process.push(pair.map(|bad| bad == 1));
            process.ln_e()
        });
        let each_pair: Vec<f64> = each_pair.collect();
        let mut found = Differences::default();
        found.numbers("ln_e", &each_pair, &self.expect.ln_e);
        Ok(found)
    }
}
