//! How the processes of a chapter or sequence are started, limited and judged.

use std::path::PathBuf;
use std::time::Duration;

use crashrate_model::Spawn;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use strum::IntoStaticStr;

use super::text::{DurationText, PathText};

/// How long and where something runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Time limit.
    #[serde(with = "DurationText")]
    pub timeout: Duration,
    /// Time between SIGTERM and SIGKILL.
    #[serde(with = "DurationText")]
    pub grace: Duration,
    /// Working directory; absolute.
    #[serde(with = "PathText")]
    pub directory: PathBuf,
}

/// What the crash of a descendant does to the outcome of an attempt.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    IntoStaticStr
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DescendantCrash {
    /// The attempt is `crashed`.
    Count,
    /// The outcome stays; the crash is noted.
    Note,
}

/// How the processes of attempts are set up and judged.
#[skip_serializing_none]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessOptions {
    /// What a descendant's crash does. By default it counts in attempts that did not pass and is
    /// noted in the others.
    pub descendants: Option<DescendantCrash>,
    /// Whether standard input, output and error are a terminal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pty: bool,
    /// Whether every attempt runs in a new empty directory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_directory: bool,
}

impl ProcessOptions {
    /// Whether the suite sets nothing.
    pub fn is_default(&self) -> bool {
        *self == ProcessOptions::default()
    }
}

/// `[limits]`: how much of the machine an attempt may use. What is not set is not limited.
#[skip_serializing_none]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResourceLimits {
    /// Memory, bytes.
    pub memory: Option<u64>,
    /// Number of processes and threads that exist at the same time.
    pub processes: Option<u64>,
    /// CPU time of one process, seconds.
    pub cpu: Option<u64>,
    /// Size of a file that it writes, bytes.
    pub file_size: Option<u64>,
}

impl ResourceLimits {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == ResourceLimits::default()
    }

    /// These limits, and the other ones where these are not set.
    pub fn or(self, other: ResourceLimits) -> ResourceLimits {
        ResourceLimits {
            memory: self.memory.or(other.memory),
            processes: self.processes.or(other.processes),
            cpu: self.cpu.or(other.cpu),
            file_size: self.file_size.or(other.file_size),
        }
    }
}

/// Bytes as people write them.
pub fn bytes_text(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) if bytes.is_multiple_of(*size) => format!("{} {unit}", bytes / size),
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

/// Whether processes are executed or forked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawning {
    /// What the suite asks for.
    pub spawn: Spawn,
    /// Whether a command's program can be a zygote. The worker always can.
    pub zygote: bool,
}

impl Spawning {
    /// Whether the suite sets nothing.
    pub fn is_default(&self) -> bool {
        *self == Spawning::default()
    }
}

#[cfg(test)]
mod tests {
    use super::bytes_text;

    #[test]
    fn sizes_are_printed_in_readable_units() {
        assert_eq!(bytes_text(2 << 30), "2 GiB");
        assert_eq!(bytes_text(1_500_000_000), "1.4 GiB");
    }
}
