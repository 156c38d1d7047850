//! The programs that a run measures: finding them, and detecting when they are replaced.

mod find;
mod fingerprint;

pub(crate) use find::{FindError, find};
pub(crate) use fingerprint::{Programs, differ};
