//! The plan: which units of a suite are measured, in how many rounds, in which order.

mod error;
mod identity;
mod order;
mod perturb;
mod progress;
mod spec;
mod unit_spec;

use std::collections::HashSet;
use std::slice;
use std::time::Duration;

use crashrate_model::{Mode, Perturbations, Shard, Spawn, Unit};
use serde_json::json;
use wildmatch::WildMatch;

use crate::hash;
use crate::names::unknown;
use crate::suite::{ById, DEFAULT_VARIANT, Suite, UnitSettings, Variant};

pub use error::PlanError;
pub(crate) use order::in_order;
pub use order::{RoundKey, Rounds, round_seed};
pub use perturb::PerturbSpec;
pub use progress::{Pending, Progress};
pub use spec::AttemptSpec;
pub(crate) use spec::SpecBuilder;
pub use unit_spec::{ChapterSpec, UnitSpec};

/// The part of a suite that is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only this mode; both if `None`.
    pub mode: Option<Mode>,
    /// Only these chapters, and sequences of only these; all if empty. `*` stands for any text, `?`
    /// for any character. Sequences of a framework's tests keep the chosen ones.
    pub chapters: Vec<String>,
    /// These variants; only the default one if empty.
    pub variants: Vec<String>,
    /// Number of rounds of each unit, in place of the suite's.
    pub rounds: Option<u32>,
    /// Only the round of this number of each unit.
    pub only_round: Option<u32>,
    /// Whether processes are executed or forked, in place of what the suite says.
    pub spawn: Option<SpawnChoice>,
    /// The perturbations of all units, in addition to those of their variants. With several sets
    /// each unit is measured under each; with none, as the suite says.
    pub perturb: Vec<Perturbations>,
}

/// `--spawn`: whether processes are executed or forked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnChoice {
    /// Execute all units.
    Exec,
    /// Fork the units that can be forked.
    Fork,
    /// Measure units that can be forked twice, executed and forked, in the same blocks.
    Both,
}

/// The units to measure, and the seed of their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The suite.
    pub suite: Suite,
    /// The units; journal records refer to them by index.
    pub units: Vec<Unit>,
    /// Seed of the order in each block and of the seeds of rounds.
    pub seed: u64,
    /// The only block that runs; all if `None`.
    pub only_round: Option<u32>,
    /// The part of the blocks that runs here; all if `None`. Not part of the fingerprint: all
    /// shards have one plan.
    pub shard: Option<Shard>,
    /// Seed of the order of chapters in shuffled sequences; each round's own seed if `None`.
    pub order_seed: Option<u64>,
}

impl Plan {
    /// Plans the selected part of a suite.
    ///
    /// # Errors
    /// The selection names something unknown, or leaves nothing to run.
    pub fn new(mut suite: Suite, selection: &Selection, seed: u64) -> Result<Plan, PlanError> {
        let variants = variants(&suite, &selection.variants)?;
        for variant in suite.variants.iter().filter(|v| variants.contains(&v.id)) {
            check_preloads(&suite, variant)?;
        }
        let chosen = chosen(&suite, &selection.chapters)?;
        if let Some(chosen) = &chosen {
            suite.choose_tests(chosen).map_err(PlanError::Unknown)?;
        }
        let by_id = ById::of(&suite);
        if let Some(choice) = selection.spawn
            && choice != SpawnChoice::Exec
            && !can_fork(&suite)
        {
            let problem = "nothing in the suite can be forked: that needs worker chapters, or \
                           commands with `zygote = true`";
            return Err(PlanError::Nothing(problem.into()));
        }
        let is_chosen = |id: &String| chosen.as_ref().is_none_or(|chosen| chosen.contains(id));
        let mut units = Vec::new();
        for variant in &variants {
            let chosen = units_of(&suite, variant).filter(|unit| {
                selection.mode.is_none_or(|mode| mode == unit.mode)
                    && unit.chapters.iter().all(is_chosen)
            });
            let own = suite.variant(variant).map(|variant| variant.perturb);
            for unit in chosen {
                for unit in perturbed(unit, own.unwrap_or_default(), &selection.perturb) {
                    units.extend(spawned(&by_id, unit, selection.spawn)?);
                }
            }
        }
        if units.is_empty() {
            return Err(PlanError::Nothing(why_nothing(&suite, selection)));
        }
        if let Some(rounds) = selection.rounds {
            units.iter_mut().for_each(|u| u.rounds = rounds);
        }
        let most = units.iter().map(|u| u.rounds).max().unwrap_or(0);
        if let Some(round) = selection
            .only_round
            .filter(|round| !(1..=most).contains(round))
        {
            return Err(PlanError::NoSuchRound { round, most });
        }
        Ok(Plan {
            suite,
            units,
            seed,
            only_round: selection.only_round,
            shard: None,
            order_seed: None,
        })
    }

    /// The planned rounds in order, computed as they are needed.
    pub fn rounds(&self) -> Rounds {
        let all = Rounds::new(self.units.iter().map(|u| u.rounds).collect(), self.seed);
        match (self.only_round, self.shard) {
            (Some(round), _) => all.only(round),
            (None, Some(shard)) => all.of_shard(shard),
            (None, None) => all,
        }
    }

    /// Number of planned rounds of a unit.
    pub fn rounds_of(&self, unit: &Unit) -> u32 {
        match (self.only_round, self.shard) {
            (Some(round), _) => u32::from(unit.rounds >= round),
            (None, Some(shard)) => shard.rounds_of(unit.rounds),
            (None, None) => unit.rounds,
        }
    }

    /// Whether a unit's round of this number is planned.
    pub fn has(&self, unit: &Unit, round: u32) -> bool {
        (1..=unit.rounds).contains(&round)
            && self.only_round.is_none_or(|only| only == round)
            && self.shard.is_none_or(|shard| shard.has(round))
    }

    /// Number of planned rounds.
    pub fn count(&self) -> u64 {
        let rounds = self.units.iter().map(|unit| self.rounds_of(unit));
        rounds.map(u64::from).sum()
    }

    /// Number of retries of each unit.
    pub fn retries(&self) -> Vec<u32> {
        let by_id = ById::of(&self.suite);
        let of = |unit| by_id.settings(unit).map_or(0, |settings| settings.retries);
        self.units.iter().map(of).collect()
    }

    /// The longest time between SIGTERM and SIGKILL of any attempt.
    pub fn longest_grace(&self) -> Duration {
        let graces = self.suite.chapters.iter().map(|c| c.timing.grace);
        let sequences = self
            .suite
            .sequences
            .iter()
            .filter_map(|s| s.timing.as_ref());
        let graces = graces.chain(sequences.map(|timing| timing.grace));
        graces.fold(self.suite.sequence_timing.grace, Duration::max)
    }

    /// Whether attempts that run at the same time would disturb each other's measures: those of
    /// worker chapters and of sequences.
    pub fn is_load_sensitive(&self) -> bool {
        self.suite.chapters.iter().any(|c| c.command().is_none())
            || self.units.iter().any(|u| u.mode == Mode::Sequential)
    }

    /// The name of the device that its attempts use. `None` if they use none, or if it is unknown:
    /// crashrate does not know what `auto` means to a command.
    pub fn device_in_use(&self) -> Option<&str> {
        let by_id = ById::of(&self.suite);
        let mut settings = self.units.iter().filter_map(|unit| by_id.settings(unit));
        let has_worker = settings.any(|settings| settings.command.is_none());
        let device = self.suite.device.as_str();
        (device != "cpu" && (has_worker || device != "auto")).then_some(device)
    }

    /// Whether the suite asks to fork any of the units, also where the plan does not.
    pub(crate) fn wants_forks(&self) -> bool {
        let by_id = ById::of(&self.suite);
        let mut settings = self.units.iter().filter_map(|unit| by_id.settings(unit));
        settings.any(|settings| settings.spawning.spawn == Spawn::Fork)
    }

    /// A hash of everything that makes two plans the same measurement: suite, units and seed, but
    /// not the path of the suite file, and not the folders in which crashrate keeps its own files.
    pub fn fingerprint(&self) -> String {
        let mut suite = self.suite.clone();
        suite.file = None;
        suite.python_package = None;
        suite.builds = None;
        // Each machine asks its devices in its own way.
        suite.probe = None;
        let text = json!({
            "suite": suite,
            "units": self.units,
            "seed": self.seed,
            "only_round": self.only_round,
            "order_seed": self.order_seed,
        })
        .to_string();
        hash::of_bytes(text.as_bytes())
    }
}

/// The ids of the chapters that these ids and patterns name; `None` for all. A whole id is no
/// pattern: names of tests may contain `*` and `?`.
fn chosen(suite: &Suite, patterns: &[String]) -> Result<Option<HashSet<String>>, PlanError> {
    let mut chosen = HashSet::new();
    for pattern in patterns {
        let glob = WildMatch::new(pattern);
        let is_id = suite.chapters.iter().any(|c| c.id == *pattern);
        let named = suite.chapters.iter().map(|chapter| &chapter.id);
        let named = named.filter(|id| match is_id {
            true => *id == pattern,
            false => glob.matches(id),
        });
        let mut named = named.peekable();
        if named.peek().is_none() {
            let known = suite.chapters.iter().map(|c| c.id.as_str());
            return Err(PlanError::Unknown(match pattern.contains(['*', '?']) {
                true => format!("no chapter matches `{}`", pattern.escape_debug()),
                false => unknown("chapter", pattern, known),
            }));
        }
        chosen.extend(named.cloned());
    }
    Ok((!patterns.is_empty()).then_some(chosen))
}

fn variants(suite: &Suite, names: &[String]) -> Result<Vec<String>, PlanError> {
    if names.is_empty() {
        return Ok(vec![DEFAULT_VARIANT.into()]);
    }
    let mut chosen = Vec::new();
    for name in names {
        if !suite.variants.iter().any(|v| v.id == *name) {
            let known = suite.variants.iter().map(|v| v.id.as_str());
            return Err(PlanError::Unknown(unknown("variant", name, known)));
        }
        if !chosen.contains(name) {
            chosen.push(name.clone());
        }
    }
    Ok(chosen)
}

/// Checks preloaded libraries: the dynamic loader only warns about a missing one and continues.
fn check_preloads(suite: &Suite, variant: &Variant) -> Result<(), PlanError> {
    for variable in ["LD_PRELOAD", "DYLD_INSERT_LIBRARIES"] {
        let libraries = variant.env.get(variable).into_iter();
        for library in libraries.flat_map(|list| list.split([':', ' '])) {
            let path = suite.sequence_timing.directory.join(library);
            if library.contains('/') && !path.exists() {
                return Err(PlanError::Preload {
                    variant: variant.id.clone(),
                    variable: variable.into(),
                    path,
                });
            }
        }
    }
    Ok(())
}

/// The isolated chapters and the sequences, executed.
pub(crate) fn units_of(suite: &Suite, variant: &str) -> impl Iterator<Item = Unit> {
    let unit = |name: &String, mode, chapters: &[String], rounds| Unit {
        name: name.clone(),
        mode,
        variant: variant.into(),
        perturb: Perturbations::NONE,
        spawn: Spawn::Exec,
        chapters: chapters.to_vec(),
        rounds,
    };
    let isolated = (suite.chapters.iter())
        .filter(|c| c.modes.contains(&Mode::Isolated))
        .map(move |c| unit(&c.id, Mode::Isolated, slice::from_ref(&c.id), c.rounds));
    let sequences =
        (suite.sequences.iter()).map(move |s| unit(&s.id, Mode::Sequential, &s.chapters, s.rounds));
    isolated.chain(sequences)
}

/// Whether any chapter or sequence can be forked.
fn can_fork(suite: &Suite) -> bool {
    (suite.chapters.iter()).any(|c| c.spawning.zygote || c.command().is_none())
        || (suite.sequences.iter()).any(|s| s.spawning.zygote || s.command.is_none())
}

/// The unit under each set of perturbations, besides those of its variant.
fn perturbed(unit: Unit, own: Perturbations, chosen: &[Perturbations]) -> Vec<Unit> {
    let chosen = match chosen {
        [] => &[Perturbations::NONE],
        chosen => chosen,
    };
    let mut units: Vec<Unit> = Vec::new();
    for perturb in chosen {
        let unit = unit.clone().perturbed(own.and(*perturb));
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    units
}

/// Applies the choice to an executed unit. A perturbed unit is executed also where the suite asks for
/// a fork: a zygote's settings of memory and cores would be those of all its children, and its
/// tracer perturbs nothing.
fn spawned(
    suite: &ById<'_>,
    unit: Unit,
    choice: Option<SpawnChoice>,
) -> Result<Vec<Unit>, PlanError> {
    let Some(settings) = suite.settings(&unit).filter(UnitSettings::can_fork) else {
        return Ok(vec![unit]);
    };
    let perturb = unit.perturb;
    if !perturb.is_none() {
        return match choice {
            Some(SpawnChoice::Fork | SpawnChoice::Both) => {
                Err(PlanError::ForkedAndPerturbed { perturb })
            }
            Some(SpawnChoice::Exec) | None => Ok(vec![unit]),
        };
    }
    Ok(match (choice, settings.spawning.spawn) {
        (Some(SpawnChoice::Both), _) => vec![unit.clone(), unit.forked()],
        (Some(SpawnChoice::Fork), _) | (None, Spawn::Fork) => vec![unit.forked()],
        (Some(SpawnChoice::Exec), _) | (None, Spawn::Exec) => vec![unit],
    })
}

fn why_nothing(suite: &Suite, selection: &Selection) -> String {
    match selection.mode {
        Some(Mode::Sequential) if suite.sequences.is_empty() => {
            "the suite has no [[sequence]] for sequential mode".into()
        }
        Some(Mode::Sequential) => "no [[sequence]] consists only of the chosen chapters".into(),
        _ => "no chosen chapter runs in isolated mode".into(),
    }
}
