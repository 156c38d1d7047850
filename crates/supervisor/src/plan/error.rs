//! Selections that cannot be planned.

use std::path::PathBuf;

use crashrate_model::Perturbations;
use thiserror::Error;

/// A selection that cannot be planned.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// The suite does not have a chapter or variant of that name.
    #[error("{0}")]
    Unknown(String),
    /// A library that a variant preloads is missing: the variant would silently change nothing.
    #[error("variant `{variant}`: {variable}: no such file {}", path.display())]
    Preload {
        /// The variant.
        variant: String,
        /// The environment variable that names it.
        variable: String,
        /// The file.
        path: PathBuf,
    },
    /// Forked processes are not perturbed.
    #[error("--perturb {perturb}: only executed processes are perturbed; leave out --spawn")]
    ForkedAndPerturbed {
        /// The perturbations.
        perturb: Perturbations,
    },
    /// No unit has this round.
    #[error("there is no round {round}: the units have at most {most} rounds")]
    NoSuchRound {
        /// The round.
        round: u32,
        /// The largest number of rounds of a unit.
        most: u32,
    },
    /// The selection is empty.
    #[error("nothing to run: {0}")]
    Nothing(String),
}
