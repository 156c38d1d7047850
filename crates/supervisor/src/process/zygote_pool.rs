//! Zygotes: processes that have loaded a program and that attempts are forked from.
//!
//! Each slot has its own zygotes, one for each command line and environment. A zygote has one child
//! at a time. It is replaced when it has had many children or has died.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crashrate_protocol::env;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::guardian::Guardian;
use super::platform::{CAN_FORK, Zygote, has_cuda};
use crate::plan::AttemptSpec;

/// After this many children a zygote is replaced.
const MAX_CHILDREN: u32 = 1_000;
/// The most zygotes of a slot. Each holds the memory of a program.
const MAX_ZYGOTES: usize = 4;
/// After this many deaths in a row the program is executed instead.
const MAX_DEATHS: u32 = 3;

/// Variables that differ between attempts and so are not part of a zygote's environment.
const OF_ATTEMPT: [&str; 8] = [
    env::CHAPTER,
    env::SEQUENCE,
    env::MODE,
    env::ROUND,
    env::ATTEMPT,
    env::VARIANT,
    env::SEED,
    env::EVENTS_FD,
];

/// Why nothing may be forked in a run on this device. `None`: it may.
pub fn why_not(device: &str, fork_cuda: bool) -> Option<String> {
    if !CAN_FORK {
        return Some("processes are forked on Linux only".to_owned());
    }
    let kind = device.split(':').next().unwrap_or_default();
    let why = match kind {
        "mps" => "an MPS context does not survive a fork",
        "cuda" if !fork_cuda => "CUDA is forked only with `fork_cuda = true` in [suite]",
        "auto" if !fork_cuda && has_cuda() => {
            "`auto` may be CUDA here, which is forked only with `fork_cuda = true` in [suite]; \
             --device cpu avoids it"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

/// How forked children are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkWatch {
    /// Not at all.
    None,
    /// Their stacks are read when they hang.
    Hangs,
    /// A tracer follows the zygote and its children.
    Trace,
}

/// What attempts must have in common to share a zygote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZygoteKey {
    pub(super) argv: Vec<String>,
    pub(super) directory: PathBuf,
    /// Loaders and libraries read some variables once, before `main`. Includes the slot's number,
    /// by which stray descendants of an attempt are found.
    pub(super) env: BTreeMap<String, String>,
}

impl ZygoteKey {
    pub(super) fn of(spec: &AttemptSpec, argv: &[String]) -> ZygoteKey {
        let env = spec
            .all_env()
            .filter(|(name, _)| !OF_ATTEMPT.contains(name));
        ZygoteKey {
            argv: argv.to_vec(),
            directory: spec.unit.directory.clone(),
            env: env.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        }
    }
}

/// Why a zygote has not forked a child.
pub(super) enum ForkError {
    /// It will not fork this one: execute the program.
    Refused(String),
    /// The zygote has died; says how.
    Died(String),
    /// The attempt cannot be started at all.
    Failed(io::Error),
}

impl From<io::Error> for ForkError {
    fn from(error: io::Error) -> Self {
        ForkError::Failed(error)
    }
}

/// The zygotes of a run.
pub struct ZygotePool {
    guardian: Arc<Guardian>,
    watch: ForkWatch,
    slots: Mutex<BTreeMap<u32, Arc<Mutex<SlotZygotes>>>>,
    /// The pids of all zygotes, of all slots.
    pids: Arc<Mutex<BTreeSet<i32>>>,
    is_abandoned: AtomicBool,
}

impl ZygotePool {
    /// A pool without zygotes. They are started when an attempt needs one.
    pub fn new(guardian: Arc<Guardian>, watch: ForkWatch) -> ZygotePool {
        ZygotePool {
            guardian,
            watch,
            slots: Mutex::default(),
            pids: Arc::default(),
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// Kills all zygotes and, with them, their children. No zygote is started from now on.
    ///
    /// A slot whose zygote is warming up waits for that alone, so this is what wakes it.
    pub fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
        for zygote in self.pids() {
            let _ = killpg(zygote, Signal::SIGKILL);
        }
    }

    /// Ends all zygotes. Called when no slot runs an attempt.
    pub fn close(&self) {
        lock(&self.slots).clear();
    }

    /// The pids of all zygotes: children of this process that no attempt left behind.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let pids = lock(&self.pids);
        pids.iter().copied().map(Pid::from_raw).collect()
    }

    /// How zygotes of the slot have died since the last call.
    pub(super) fn take_deaths(&self, slot: u32) -> Vec<String> {
        std::mem::take(&mut lock(&self.slot(slot)).deaths)
    }

    pub(super) fn watch(&self) -> ForkWatch {
        self.watch
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    pub(super) fn slot(&self, slot: u32) -> Arc<Mutex<SlotZygotes>> {
        lock(&self.slots).entry(slot).or_default().clone()
    }

    /// Takes the zygote with this key, which is started if the slot has none.
    ///
    /// # Errors
    /// Why the program has to be executed instead.
    pub(super) fn take(&self, key: &ZygoteKey, slot: &mut SlotZygotes) -> Result<Zygote, String> {
        let entry = slot.entry(key);
        if let Some(why) = &entry.given_up {
            return Err(why.clone());
        }
        let idle = entry.idle.take();
        if let Some(zygote) = idle.filter(|zygote| zygote.children() < MAX_CHILDREN) {
            return Ok(zygote);
        }
        let started = Zygote::start(key, &self.guardian, self.watch, &self.pids);
        started.map_err(|error| {
            let why = format!("no zygote: {error}");
            // Another try would end the same way.
            entry.given_up = Some(why.clone());
            why
        })
    }
}

/// The zygotes of a slot.
#[derive(Default)]
pub(super) struct SlotZygotes {
    /// Least recently used first.
    entries: Vec<PoolEntry>,
    deaths: Vec<String>,
}

struct PoolEntry {
    key: ZygoteKey,
    /// `None` while it has a child.
    idle: Option<Zygote>,
    /// Deaths in a row, since a zygote last returned a status.
    deaths: u32,
    /// Why the program is executed from now on.
    given_up: Option<String>,
}

impl SlotZygotes {
    /// The entry of a key, which becomes the most recently used. Evicts the least recently used
    /// zygotes.
    fn entry(&mut self, key: &ZygoteKey) -> &mut PoolEntry {
        let entry = match self.entries.iter().position(|entry| entry.key == *key) {
            Some(at) => self.entries.remove(at),
            None => PoolEntry {
                key: key.clone(),
                idle: None,
                deaths: 0,
                given_up: None,
            },
        };
        self.entries.push(entry);
        let spare = self.entries.len().saturating_sub(MAX_ZYGOTES);
        self.entries[..spare].iter_mut().for_each(|e| e.idle = None);
        let last = self.entries.len() - 1;
        &mut self.entries[last]
    }

    /// Returns a zygote that has refused to fork.
    pub(super) fn put_back(&mut self, key: &ZygoteKey, zygote: Zygote) {
        self.entry(key).idle = Some(zygote);
    }

    /// Returns a zygote that has reported the status of its child.
    pub(super) fn put_back_proven(&mut self, key: &ZygoteKey, zygote: Zygote) {
        let entry = self.entry(key);
        entry.deaths = 0;
        entry.idle = Some(zygote);
    }

    pub(super) fn died(&mut self, key: &ZygoteKey, how: String) {
        let entry = self.entry(key);
        entry.deaths += 1;
        if entry.deaths == MAX_DEATHS {
            entry.given_up = Some(format!(
                "its zygotes died {MAX_DEATHS} times in a row: {how}"
            ));
        }
        self.deaths.push(how);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves nothing half done in there.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
