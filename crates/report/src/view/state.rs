//! Properties of a run that decide which methods are valid and how its results are worded.

use serde::{Serialize, Serializer};

/// Whether the data may have decided how many rounds there are. If so, only methods that are
/// valid under optional stopping apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptionalStopping {
    /// The number of rounds was fixed in advance.
    #[default]
    No,
    /// A rule could stop the run early, or the run did not complete.
    Possible,
}

impl OptionalStopping {
    /// Whether the data may have decided the number of rounds.
    pub fn is_possible(self) -> bool {
        self == OptionalStopping::Possible
    }
}

/// Whether the order of a unit's rounds is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoundOrder {
    /// Round numbers follow the order of execution.
    #[default]
    Known,
    /// Only counts are known, so round numbers carry no order.
    Unknown,
}

impl RoundOrder {
    /// Whether round numbers follow the order of execution.
    pub fn is_known(self) -> bool {
        self == RoundOrder::Known
    }
}

/// Whether a supervisor is still working on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A supervisor is running it.
    Running,
    /// It is closed, or its supervisor died.
    Ended,
}

/// In JSON `live`: whether a supervisor is still working on the run.
impl Serialize for RunState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.is_running())
    }
}

impl RunState {
    /// The state of a run whose journal is or is not being written.
    pub fn of_journal(is_live: bool) -> Self {
        match is_live {
            true => RunState::Running,
            false => RunState::Ended,
        }
    }

    /// Whether a supervisor is still working on the run.
    pub fn is_running(self) -> bool {
        self == RunState::Running
    }
}
