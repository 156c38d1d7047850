//! How an attempt is perturbed by its tracer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crashrate_model::{Perturbation, Perturbations};
use crashrate_postmortem::CrashPlaces;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::process;

/// The assumed length of a run until one has been measured.
const FIRST_LENGTH: Duration = Duration::from_millis(20);

/// What a tracer does to an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct PerturbSpec {
    /// The perturbations. The tracer ignores those that need none.
    pub perturb: Perturbations,
    /// The seed of all its choices.
    pub seed: u64,
    /// The length of an undisturbed run, which scales all times.
    pub run_length: Duration,
    /// Where threads were when earlier attempts crashed. An ambush prefers these places.
    pub places: Arc<CrashPlaces>,
}

impl PerturbSpec {
    /// The perturbations of an attempt. `None` if a tracer does none of them.
    pub(super) fn of(perturb: Perturbations, round_seed: u64, attempt: u32) -> Option<PerturbSpec> {
        perturb.needs_tracer().then(|| PerturbSpec {
            perturb,
            seed: attempt_seed(round_seed, attempt),
            run_length: FIRST_LENGTH,
            places: Arc::default(),
        })
    }
}

/// The seed of the choices for an attempt: retries of a round are perturbed in different ways.
pub(super) fn attempt_seed(round_seed: u64, attempt: u32) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(round_seed);
    random.set_stream(u64::from(attempt));
    random.next_u64()
}

/// The variables that the perturbation of memory sets, on top of a unit's.
pub(super) fn perturb_env(
    perturb: Perturbations,
    (env, unset): (&BTreeMap<String, String>, &BTreeSet<String>),
    seed: u64,
) -> Vec<(&'static str, String)> {
    if !perturb.contains(Perturbation::Malloc) {
        return Vec::new();
    }
    process::malloc_env(seed, |name| {
        let inherited = || std::env::var(name).ok().filter(|_| !unset.contains(name));
        env.get(name).cloned().or_else(inherited)
    })
}
