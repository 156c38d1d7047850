//! Starting a child.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use crashrate_model::Spawn;
use nix::unistd::Pid;

use super::exec::Spawned;
use super::{Pipes, Wait, platform};
use crate::plan::AttemptSpec;

/// A way of starting a child.
pub trait Start: Send + Sync {
    /// Starts the child of an attempt in its own process group, which it registers with the
    /// guardian under `slot`.
    ///
    /// # Errors
    /// It could not be started. Nothing of it is left.
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started>;
}

/// A child that was started.
pub struct Started {
    /// Its pid, which is also its process group.
    pub pid: Pid,
    /// The supervisor's ends of its standard output, standard error and events.
    pub pipes: Pipes<OwnedFd>,
    /// Waits for its end.
    pub wait: Box<dyn Wait>,
    /// The cgroup that limits it and its descendants, unless rlimits do.
    pub(super) cgroup: Option<platform::Cgroup>,
    /// Whether it was forked or executed.
    pub(super) spawn: Spawn,
    /// Why it was executed although its unit asks for a fork.
    pub(super) spawn_fallback: Option<String>,
    /// When its own start began. `None`: when [`Start::start`] was called. They differ if the call
    /// started a zygote first.
    pub(super) begun: Option<Instant>,
}

impl Started {
    pub(super) fn executed(spawned: Spawned, wait: Box<dyn Wait>) -> Started {
        Started {
            pid: spawned.pid,
            pipes: spawned.pipes,
            wait,
            cgroup: spawned.cgroup,
            spawn: Spawn::Exec,
            spawn_fallback: None,
            begun: None,
        }
    }
}
