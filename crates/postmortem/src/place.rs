//! Places: instructions in the files of a build, which stay valid from one process to the next.

use serde::{Deserialize, Serialize};

use crate::crash::Hex;

/// What distinguishes one build of a file from another.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize
)]
#[serde(rename_all = "kebab-case")]
pub enum Build {
    /// The build ID that the linker wrote into it, in hexadecimal.
    BuildId(String),
    /// The SHA-256 of the whole file, in hexadecimal, where it has no build ID.
    Sha256(String),
}

/// An instruction in a file of code: one that a thread was about to execute or to return to.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize
)]
pub struct CodePlace {
    /// The file's base name.
    pub module: String,
    /// The file's build.
    pub build: Build,
    /// The instruction's address in the file.
    pub offset: Hex,
}
