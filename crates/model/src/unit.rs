//! Units: a chapter in isolated mode or a sequence in sequential mode, under a variant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::Perturbations;

/// How chapters are distributed over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, JsonSchema, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Mode {
    /// A process per chapter and round.
    Isolated,
    /// A process per sequence and round.
    Sequential,
}

impl Mode {
    /// Returns the name used in suites, journals and reports.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// How a unit's processes are created. Rates of the two are never pooled by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Spawn {
    /// Each process executes its program.
    #[default]
    Exec,
    /// Each process is forked from one that has loaded the program.
    Fork,
}

impl Spawn {
    /// Returns the name used in suites, journals and reports.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// Returns whether this is the default, which is not written.
    pub fn is_exec(&self) -> bool {
        *self == Spawn::Exec
    }
}

/// The variant of a suite that names none.
pub const DEFAULT_VARIANT: &str = "default";

/// Begins each suffix of a unit's variant. No name of a variant in a suite contains it.
const SUFFIX: char = '+';
/// The suffix of a unit's variant when its processes are forked. The last one.
const FORKED: &str = "+fork";

/// Returns a unit's variant without the suffix for forked processes.
pub fn executed_variant(variant: &str) -> &str {
    variant.strip_suffix(FORKED).unwrap_or(variant)
}

/// A unit: what rounds are planned for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// The chapter's id (isolated) or the sequence's id (sequential).
    pub name: String,
    /// The mode.
    pub mode: Mode,
    /// The variant's id; `default` if the suite names none. Perturbations add their names, as in
    /// `default+stops+malloc`, and forked processes add `+fork`, so that everything that separates
    /// variants separates them as well.
    pub variant: String,
    /// What is done to its attempts so that they crash more often.
    #[serde(default, skip_serializing_if = "Perturbations::is_none")]
    pub perturb: Perturbations,
    /// How its processes are created.
    pub spawn: Spawn,
    /// The ids of its chapters in order; a single one in isolated mode.
    pub chapters: Vec<String>,
    /// Planned rounds.
    pub rounds: u32,
}

impl Unit {
    /// Returns the same unit with forked processes.
    #[must_use]
    pub fn forked(mut self) -> Unit {
        if self.spawn.is_exec() {
            self.spawn = Spawn::Fork;
            self.variant.push_str(FORKED);
        }
        self
    }

    /// Returns the same unit, not forked, with these perturbations as well.
    #[must_use]
    pub fn perturbed(mut self, perturb: Perturbations) -> Unit {
        self.perturb = self.perturb.and(perturb);
        let suite_variant = self.suite_variant();
        self.variant = match self.perturb.is_none() {
            true => suite_variant.to_owned(),
            false => format!("{suite_variant}{SUFFIX}{}", self.perturb),
        };
        self
    }

    /// Returns the variant as named in the suite, without any suffix.
    pub fn suite_variant(&self) -> &str {
        let name = self.variant.split(SUFFIX).next();
        name.unwrap_or(&self.variant)
    }
}
