//! What attempts share: the run's part and the slot's part.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io::PipeReader;
use std::path::PathBuf;
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guardian::Guardian;
use super::{CoreFiles, Start};
use crate::device::Surroundings;
use crate::plan::UnitSpec;

/// What all attempts of a run share.
#[derive(Clone)]
pub struct RunContext {
    /// The run's id.
    pub run_id: Arc<str>,
    /// Starts children.
    pub start: Arc<dyn Start>,
    /// Kills the children if the supervisor dies.
    pub guardian: Arc<Guardian>,
    /// The folder for the empty directories of attempts that ask for one.
    pub work: PathBuf,
    /// Finds the core dumps of attempts. `None` if no dumps are wanted.
    pub cores: Option<Arc<CoreFiles>>,
    /// Sees what else happens on the machine.
    pub surroundings: Arc<Surroundings>,
    /// The folder that keeps one core dump of each signature. `None` if none is kept.
    pub keep_cores: Option<PathBuf>,
}

/// What all attempts of a slot share.
pub(super) struct SlotContext {
    pub(super) slot: u32,
    /// Whether the run has no other slot, so that every stray process belongs to this one.
    pub(super) is_only_slot: bool,
    pub(super) run: RunContext,
    /// The pid of the child that runs now; 0 if none does.
    pub(super) pid: Arc<AtomicI32>,
    /// The units whose outcome a tracer changes, and why. They are not traced again.
    pub(super) untraceable: Arc<Mutex<HashMap<UnitKey, String>>>,
    /// The units whose last attempt here filled a pipe. Their output is read from the start, or the
    /// child would block on a full pipe while the slot waits for its exit.
    pub(super) fills_pipe: RefCell<HashSet<UnitKey>>,
    /// At end of file when every attempt must be killed.
    pub(super) kill_all: Arc<PipeReader>,
}

/// Identifies a unit by the address of its spec, which lives as long as its run.
pub(super) type UnitKey = usize;

pub(super) fn unit_key(unit: &Arc<UnitSpec>) -> UnitKey {
    Arc::as_ptr(unit) as usize
}

/// Locks what a panic leaves valid.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
