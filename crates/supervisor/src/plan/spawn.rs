//! Which units are executed, and which are forked.

use crashrate_model::{Mode, Spawn, Unit};

use crate::suite::{ById, Suite};

/// `--spawn`: whether processes are executed or forked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnChoice {
    /// Execute all units.
    Exec,
    /// Fork the units that can be forked.
    Fork,
    /// Measure units that can be forked twice, executed and forked, in the same blocks.
    Both,
}

/// Whether any chapter or sequence can be forked.
pub(super) fn can_fork(suite: &Suite) -> bool {
    suite.chapters.iter().any(|c| c.can_fork()) || suite.sequences.iter().any(|s| s.can_fork())
}

/// Applies the choice to an executed unit.
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
