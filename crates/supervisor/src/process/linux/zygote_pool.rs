//! Zygotes: processes that have loaded a program and that attempts are forked from.
//!
//! Each slot has its own zygotes, one for each command line and environment. A zygote has one child
//! at a time. It is replaced when it has had many children or has died.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::zygote::{Zygote, ZygoteKey};
use crate::process::child::StackCapture;
use crate::process::context::lock;
use crate::process::exec::Launcher;

/// After this many children a zygote is replaced.
const MAX_CHILDREN: u32 = 1_000;
/// The most zygotes of a slot. Each holds the memory of a program.
const MAX_ZYGOTES: usize = 4;
/// After this many deaths in a row the program is executed instead.
const MAX_DEATHS: u32 = 3;

/// Why nothing may be forked in a run on this device. `None`: it may.
pub fn why_not(device: &str, fork_cuda: bool) -> Option<String> {
    let has_cuda = || Path::new("/dev/nvidiactl").exists();
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

/// The zygotes of a run.
pub(super) struct ZygotePool {
    pub(super) launcher: Arc<Launcher>,
    pub(super) capture: StackCapture,
    slots: Mutex<BTreeMap<u32, Arc<Mutex<SlotZygotes>>>>,
    /// The pids of all zygotes, of all slots.
    pids: Arc<Mutex<BTreeSet<i32>>>,
    pub(super) is_abandoned: AtomicBool,
}

impl ZygotePool {
    /// A pool without zygotes. They are started when an attempt needs one.
    pub(super) fn new(launcher: Arc<Launcher>, capture: StackCapture) -> ZygotePool {
        ZygotePool {
            launcher,
            capture,
            slots: Mutex::default(),
            pids: Arc::default(),
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// Kills all zygotes and lets none start, see [`crate::process::Start::abandon_zygotes`].
    pub(super) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
        for zygote in self.pids() {
            let _ = killpg(zygote, Signal::SIGKILL);
        }
    }

    pub(super) fn end_all(&self) {
        lock(&self.slots).clear();
    }

    pub(super) fn pids(&self) -> Vec<Pid> {
        let pids = lock(&self.pids);
        pids.iter().copied().map(Pid::from_raw).collect()
    }

    pub(super) fn take_deaths(&self, slot: u32) -> Vec<String> {
        std::mem::take(&mut lock(&self.slot(slot)).deaths)
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
        let started = Zygote::start(key, &self.launcher, self.capture, &self.pids);
        started.map_err(|problem| {
            let why = format!("no zygote: {problem}");
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

pub(super) struct PoolEntry {
    key: ZygoteKey,
    /// `None` while it has a child.
    pub(super) idle: Option<Zygote>,
    /// Deaths in a row, since a zygote last returned a status.
    pub(super) deaths: u32,
    /// Why the program is executed from now on.
    given_up: Option<String>,
}

impl SlotZygotes {
    /// The entry of a key, which becomes the most recently used. Evicts the least recently used
    /// zygotes.
    pub(super) fn entry(&mut self, key: &ZygoteKey) -> &mut PoolEntry {
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
