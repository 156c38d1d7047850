//! The programs that a run measures: where they are, and whether they are still the same files.

mod find;
mod fingerprint;

pub(crate) use find::find;
pub(crate) use fingerprint::{Programs, differ};
