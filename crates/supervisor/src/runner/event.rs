//! The events that move a run.

use std::fs::File;
use std::path::PathBuf;

use crashrate_model::{Ended, EvidenceRound, RunInfo, StopReason};

use crate::build::BuildEnd;
use crate::journal::JournalError;
use crate::outcome::Note;
use crate::plan::RoundKey;
use crate::process::Observed;
use crate::schedule::{End, Running};
use crate::signals::StopSignal;

/// Everything that can happen to a run.
pub(super) enum Event {
    /// The run begins, or continues.
    Begin(Box<RunInfo>),
    /// A running attempt reported progress.
    Note(RoundKey, Note),
    /// The program of an attempt that waits for its start was hashed. `Some`: how it was replaced.
    ProgramChecked(Running, Option<String>),
    /// What an attempt that waits for its start measures was built, or could not be.
    Built(Running, BuildEnd),
    /// The device of a slot was asked, after an attempt ended so. `Some`: why it does not work.
    Probed(Running, End, Option<String>),
    /// An attempt ended; its files are written.
    Ended(Box<EndedAttempt>),
    /// An evidence round ended. `None`: its outcome says nothing.
    EvidenceEnded(Running, Option<Box<EvidenceRound>>),
    /// The thread of a slot panicked.
    SlotPanicked {
        slot: u32,
        message: String,
    },
    /// The user asked what runs now.
    Status,
    /// A signal asks to start nothing more.
    Stop(StopSignal),
    /// A signal asks to kill what runs.
    Kill(StopSignal),
    /// The time budget is spent.
    OutOfTime,
    /// It is time to sync the journal.
    SyncDue,
    SyncFailed(JournalError),
}

/// What the caller of [`Runner::handle`] does next.
pub(super) enum Flow {
    /// Wait for the next event.
    Continue,
    /// Sync the journal, without the lock.
    Sync(File, PathBuf),
    /// The run has ended.
    Ended(StopReason),
}

/// An ended attempt whose files are written.
pub(super) struct EndedAttempt {
    pub(super) running: Running,
    /// What its slot saw, without the output.
    pub(super) observed: Box<Observed>,
    /// Its record. The time and `apart` depend on the run's state and are missing.
    pub(super) record: Box<Ended>,
    /// How its program was replaced while it started.
    pub(super) replaced: Option<String>,
    pub(super) asked_for_children: bool,
}
