//! The plan: which units of a suite are measured, in how many rounds, in which order.

mod order;
mod progress;
mod spawn;
mod spec;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use crashrate_model::{Mode, Spawn, Unit};
use serde_json::json;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::suite::{Action, ById, Chapter, DEFAULT_VARIANT, Suite, Variant};

pub use order::{RoundKey, Rounds, round_seed};
pub use progress::{Pending, Progress};
pub use spawn::SpawnChoice;
use spawn::can_fork;
pub(crate) use spec::SpecBuilder;
pub use spec::{AttemptSpec, ChapterSpec, UnitSpec};

/// Which part of a suite is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only this mode; both when not given.
    pub mode: Option<Mode>,
    /// Only these chapters, and the sequences that consist of them alone; all when empty.
    pub chapters: Vec<String>,
    /// These variants; only the default one when empty.
    pub variants: Vec<String>,
    /// This many rounds of each unit in place of the suite's.
    pub rounds: Option<u32>,
    /// Only this round of each unit that has so many.
    pub only_round: Option<u32>,
    /// How processes come to be in place of what the suite says, where they can.
    pub spawn: Option<SpawnChoice>,
}

/// A selection that cannot be planned.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// A name that the suite does not have.
    #[error("the suite has no {kind} `{name}`; it has: {known}")]
    Unknown {
        /// `chapter` or `variant`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Those there are.
        known: String,
    },
    /// A library that a variant preloads is not there: the variant would silently change nothing.
    #[error("variant `{variant}`: {variable}: there is no file {}", path.display())]
    Preload {
        /// The variant.
        variant: String,
        /// The environment variable that names it.
        variable: String,
        /// The file.
        path: PathBuf,
    },
    /// A round that no unit has.
    #[error("there is no round {round}: the units have at most {most} rounds")]
    NoSuchRound {
        /// The round.
        round: u32,
        /// The most rounds of a unit.
        most: u32,
    },
    /// Nothing is left.
    #[error("nothing to run: {0}")]
    Nothing(String),
}

/// What is measured, with the seed of its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The suite.
    pub suite: Suite,
    /// The units; journal records name them by their place here.
    pub units: Vec<Unit>,
    /// The seed of the order in each block and of the rounds' own seeds.
    pub seed: u64,
    /// The only block that is run, if not all are.
    pub only_round: Option<u32>,
}

impl Plan {
    /// Plans the selected part of a suite.
    ///
    /// # Errors
    /// The selection names what is not there, or leaves nothing to run.
    pub fn new(suite: Suite, selection: &Selection, seed: u64) -> Result<Plan, PlanError> {
        let variants = variants(&suite, &selection.variants)?;
        for variant in suite.variants.iter().filter(|v| variants.contains(&v.id)) {
            check_preloads(&suite, variant)?;
        }
        let by_id = ById::of(&suite);
        for name in &selection.chapters {
            if by_id.chapter(name).is_none() {
                let known = suite.chapters.iter().map(|c| c.id.as_str());
                return Err(unknown("chapter", name, known));
            }
        }
        if let Some(choice) = selection.spawn
            && choice != SpawnChoice::Exec
            && !can_fork(&suite)
        {
            let problem = "nothing in the suite can be forked: that takes worker chapters, or commands with `zygote = true`";
            return Err(PlanError::Nothing(problem.into()));
        }
        let chosen: HashSet<&String> = selection.chapters.iter().collect();
        let wanted = |id: &String| chosen.is_empty() || chosen.contains(id);
        let mut units = Vec::new();
        for variant in variants {
            if selection.mode != Some(Mode::Sequential) {
                units.extend(isolated(&suite, &variant, wanted));
            }
            if selection.mode != Some(Mode::Isolated) {
                units.extend(sequential(&suite, &variant, wanted));
            }
        }
        let mut units: Vec<Unit> = (units.into_iter())
            .flat_map(|unit| spawn::units(&by_id, unit, selection.spawn))
            .collect();
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
        })
    }

    /// The planned rounds in their order, made as they are asked for.
    pub fn rounds(&self) -> Rounds {
        let all = Rounds::new(self.units.iter().map(|u| u.rounds).collect(), self.seed);
        match self.only_round {
            None => all,
            Some(round) => all.only(round),
        }
    }

    /// How many rounds that are.
    pub fn count(&self) -> u64 {
        let of = |unit: &Unit| match self.only_round {
            None => u64::from(unit.rounds),
            Some(round) => u64::from(unit.rounds >= round),
        };
        self.units.iter().map(of).sum()
    }

    /// How many times a round of each unit that did not pass is tried again.
    pub fn retries(&self) -> Vec<u32> {
        let by_id = ById::of(&self.suite);
        let of = |unit: &Unit| match unit.mode {
            Mode::Isolated => by_id.chapter(&unit.name).map_or(0, |c| c.retries),
            Mode::Sequential => by_id.sequence(&unit.name).map_or(0, |s| s.retries),
        };
        self.units.iter().map(of).collect()
    }

    /// The longest time between SIGTERM and SIGKILL of any attempt.
    pub fn longest_grace(&self) -> Duration {
        let graces = self.suite.chapters.iter().map(|c| c.timing.grace);
        graces.fold(self.suite.sequence_timing.grace, Duration::max)
    }

    /// Whether attempts that run at the same time would disturb each other's measures: those of
    /// worker chapters and of sequences.
    pub fn is_load_sensitive(&self) -> bool {
        let is_worker = |c: &Chapter| matches!(c.action, Action::Worker { .. });
        self.suite.chapters.iter().any(is_worker)
            || self.units.iter().any(|u| u.mode == Mode::Sequential)
    }

    /// Whether the suite wants any of the units forked, whatever came of that.
    pub(crate) fn wants_forks(&self) -> bool {
        let by_id = ById::of(&self.suite);
        self.units.iter().any(|unit| {
            let spawning = match unit.mode {
                Mode::Isolated => by_id.chapter(&unit.name).map(|c| c.spawning),
                Mode::Sequential => by_id.sequence(&unit.name).map(|s| s.spawning),
            };
            spawning.is_some_and(|spawning| spawning.spawn == Spawn::Fork)
        })
    }

    /// A hash of everything that makes two plans the same measurement: suite, units and seed, but no file's place.
    pub fn fingerprint(&self) -> String {
        let mut suite = self.suite.clone();
        suite.file = None;
        let text = json!({"suite": suite, "units": self.units, "seed": self.seed, "only_round": self.only_round}).to_string();
        hex(&Sha256::digest(text.as_bytes()))
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn variants(suite: &Suite, names: &[String]) -> Result<Vec<String>, PlanError> {
    if names.is_empty() {
        return Ok(vec![DEFAULT_VARIANT.into()]);
    }
    let mut chosen = Vec::new();
    for name in names {
        if !suite.variants.iter().any(|v| v.id == *name) {
            let known = suite.variants.iter().map(|v| v.id.as_str());
            return Err(unknown("variant", name, known));
        }
        if !chosen.contains(name) {
            chosen.push(name.clone());
        }
    }
    Ok(chosen)
}

/// The loader only mutters about a library that is not there, and the variant would be measured without it.
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

fn unknown<'a>(kind: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> PlanError {
    PlanError::Unknown {
        kind,
        name: name.into(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}

fn isolated(suite: &Suite, variant: &str, wanted: impl Fn(&String) -> bool) -> Vec<Unit> {
    (suite.chapters.iter())
        .filter(|c| c.modes.contains(&Mode::Isolated) && wanted(&c.id))
        .map(|c| Unit {
            name: c.id.clone(),
            mode: Mode::Isolated,
            variant: variant.into(),
            spawn: Spawn::Exec,
            chapters: vec![c.id.clone()],
            rounds: c.rounds,
        })
        .collect()
}

fn sequential(suite: &Suite, variant: &str, wanted: impl Fn(&String) -> bool) -> Vec<Unit> {
    (suite.sequences.iter())
        .filter(|s| s.chapters.iter().all(&wanted))
        .map(|s| Unit {
            name: s.id.clone(),
            mode: Mode::Sequential,
            variant: variant.into(),
            spawn: Spawn::Exec,
            chapters: s.chapters.clone(),
            rounds: s.rounds,
        })
        .collect()
}

fn why_nothing(suite: &Suite, selection: &Selection) -> String {
    match selection.mode {
        Some(Mode::Sequential) if suite.sequences.is_empty() => {
            "the suite has no [[sequence]] for sequential mode".into()
        }
        Some(Mode::Sequential) => "no [[sequence]] consists of the chosen chapters alone".into(),
        _ => "no chosen chapter runs in isolated mode".into(),
    }
}
