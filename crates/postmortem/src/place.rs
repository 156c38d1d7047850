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

/// Where the threads of a process were when it crashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrashPlaces {
    /// Where the thread that crashed was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<CodePlace>,
    /// Where it would have returned to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<CodePlace>,
    /// The places of the other threads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<CodePlace>,
}

impl CrashPlaces {
    /// The places by what they were in the crash: that of the fault, the callers, the others.
    pub fn groups(&self) -> [&[CodePlace]; 3] {
        [&self.fault, &self.callers, &self.others]
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.groups().iter().map(|group| group.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds those of another crash that are not known, as long as a group has fewer than `most`.
    pub fn add(&mut self, crash: &CrashPlaces, most: usize) {
        let groups = [&mut self.fault, &mut self.callers, &mut self.others];
        for (group, more) in groups.into_iter().zip(crash.groups()) {
            for place in more {
                if group.len() < most && !group.contains(place) {
                    group.push(place.clone());
                }
            }
        }
    }
}
