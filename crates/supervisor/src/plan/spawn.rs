//! Which units are executed, and which are forked.

use crashrate_model::{Mode, Spawn, Unit};

use crate::suite::{ById, Suite};

/// How processes come to be, by the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnChoice {
    /// All are executed.
    Exec,
    /// Those that can be are forked.
    Fork,
    /// Those that can be are executed, and forked as well: units of their own, in the same blocks.
    Both,
}

/// Whether anything of a suite can be forked.
pub(super) fn can_fork(suite: &Suite) -> bool {
    suite.chapters.iter().any(|c| c.can_fork()) || suite.sequences.iter().any(|s| s.can_fork())
}

/// The units that an executed one becomes.
pub(super) fn units(suite: &ById<'_>, unit: Unit, choice: Option<SpawnChoice>) -> Vec<Unit> {
    let (spawn, can_fork) = match unit.mode {
        Mode::Isolated => (suite.chapter(&unit.name))
            .map(|c| (c.spawning.spawn, c.can_fork()))
            .unwrap_or_default(),
        Mode::Sequential => (suite.sequence(&unit.name))
            .map(|s| (s.spawning.spawn, s.can_fork()))
            .unwrap_or_default(),
    };
    match choice {
        _ if !can_fork => vec![unit],
        Some(SpawnChoice::Exec) => vec![unit],
        Some(SpawnChoice::Fork) => vec![unit.forked()],
        Some(SpawnChoice::Both) => vec![unit.clone(), unit.forked()],
        None if spawn == Spawn::Fork => vec![unit.forked()],
        None => vec![unit],
    }
}
