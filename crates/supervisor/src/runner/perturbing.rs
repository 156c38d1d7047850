//! What perturbed attempts need to know of earlier ones: how long a run is, and where threads were
//! when it crashed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crashrate_model::{Ended, Mode, Outcome, Perturbation, Unit};
use crashrate_postmortem::CrashPlaces;

use crate::crashes::{self, LearnedPlaces};
use crate::plan::PerturbSpec;

/// The most places of a kind that are kept of a unit.
const MAX_PLACES: usize = 256;

/// What is known of the units of a run. Units that differ only in their variant share it.
#[derive(Default)]
pub(super) struct Perturbing {
    /// By unit.
    kin: Vec<usize>,
    known: Vec<Known>,
}

#[derive(Default)]
struct Known {
    /// The shortest run that passed.
    shortest: Option<Duration>,
    places: Arc<CrashPlaces>,
}

impl Perturbing {
    /// Begins with the places of an earlier run, and with those of the crash files in the folder of
    /// this one, which may be resumed.
    pub(super) fn new(units: &[Unit], folder: &Path, earlier: &[LearnedPlaces]) -> Perturbing {
        let mut by_name: HashMap<(&str, Mode), usize> = HashMap::new();
        let mut perturbing = Perturbing::default();
        for unit in units {
            let next = by_name.len();
            let kin = *by_name.entry((&unit.name, unit.mode)).or_insert(next);
            perturbing.kin.push(kin);
        }
        perturbing.known.resize_with(by_name.len(), Known::default);
        let is_ambushed = |unit: &Unit| unit.perturb.contains(Perturbation::Ambush);
        if units.iter().any(is_ambushed) {
            for learned in earlier.iter().chain(&crashes::places(folder)) {
                if let Some(kin) = by_name.get(&(learned.name.as_str(), learned.mode)) {
                    perturbing.known[*kin].learn(&learned.places);
                }
            }
        }
        perturbing
    }

    /// Completes the spec of an attempt.
    pub(super) fn complete(&self, unit: u32, spec: &mut PerturbSpec) {
        let known = &self.known[self.kin[unit as usize]];
        spec.run_length = known.shortest.unwrap_or(spec.run_length);
        spec.places = known.places.clone();
    }

    /// An attempt has ended.
    pub(super) fn ended(&mut self, ended: &Ended, places: &CrashPlaces) {
        let known = &mut self.known[self.kin[ended.unit as usize]];
        if ended.outcome == Outcome::Passed
            && let Some(secs) = ended.secs
        {
            let length = Duration::from_secs_f64(secs);
            known.shortest = Some(known.shortest.map_or(length, |known| known.min(length)));
        }
        if ended.outcome == Outcome::Crashed {
            known.learn(places);
        }
    }
}

impl Known {
    fn learn(&mut self, places: &CrashPlaces) {
        // Attempts that run now have the places known when they began.
        Arc::make_mut(&mut self.places).add(places, MAX_PLACES);
    }
}

#[cfg(test)]
mod tests {
    use crashrate_postmortem::{Build, CodePlace, Hex};

    use super::*;

    fn unit(name: &str) -> Unit {
        Unit {
            name: name.into(),
            mode: Mode::Isolated,
            variant: "default".into(),
            perturb: Perturbation::Ambush.into(),
            spawn: Default::default(),
            chapters: vec![name.into()],
            rounds: 9,
        }
    }

    fn places(faults: &[u64]) -> CrashPlaces {
        let place = |offset: &u64| CodePlace {
            module: "prog".into(),
            build: Build::BuildId("1f".into()),
            offset: Hex(*offset),
        };
        CrashPlaces {
            fault: faults.iter().map(place).collect(),
            ..CrashPlaces::default()
        }
    }

    fn completed(perturbing: &Perturbing, unit: u32) -> (Duration, usize) {
        let mut spec = PerturbSpec {
            perturb: Perturbation::Ambush.into(),
            seed: 0,
            run_length: Duration::from_millis(20),
            places: Arc::default(),
        };
        perturbing.complete(unit, &mut spec);
        (spec.run_length, spec.places.len())
    }

    #[test]
    fn variants_learn_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let units = [
            unit("a"),
            unit("b"),
            unit("a").perturbed(Perturbation::Stops.into()),
        ];
        let earlier = LearnedPlaces {
            name: "b".into(),
            mode: Mode::Isolated,
            places: places(&[1]),
        };
        let mut perturbing = Perturbing::new(&units, folder.path(), &[earlier]);
        let first = Duration::from_millis(20);
        assert_eq!(completed(&perturbing, 0), (first, 0));
        assert_eq!(completed(&perturbing, 1), (first, 1));
        let ended = |outcome, secs| Ended {
            secs: Some(secs),
            ..Ended::of(2, 1, 1, outcome)
        };
        perturbing.ended(&ended(Outcome::Passed, 0.3), &places(&[2]));
        perturbing.ended(&ended(Outcome::Passed, 0.2), &places(&[]));
        perturbing.ended(&ended(Outcome::Crashed, 0.1), &places(&[3, 4]));
        perturbing.ended(&ended(Outcome::Crashed, 0.1), &places(&[3]));
        assert_eq!(completed(&perturbing, 0), (Duration::from_millis(200), 2));
        assert_eq!(completed(&perturbing, 1), (first, 1));
    }
}
