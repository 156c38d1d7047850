//! A cgroup (version 2) for an attempt. Its limits hold for all processes together, and the kernel
//! counts its out-of-memory kills.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::proc::{oom_kills, own_cgroup};

/// The controllers that the limits need.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// How long killed processes may take to leave the cgroup.
const EMPTY_TIMEOUT: Duration = Duration::from_secs(2);

/// A cgroup with limits. When this is dropped, it is removed and its processes are killed.
#[derive(Debug)]
pub(in crate::process) struct Cgroup {
    path: PathBuf,
    procs: File,
}

impl Cgroup {
    /// Whether this process may create cgroups with such limits.
    pub(in crate::process) fn is_possible() -> bool {
        parent().is_some()
    }

    /// Creates one. `None` where that is not possible.
    pub(in crate::process) fn make(memory: Option<u64>, processes: Option<u64>) -> Option<Cgroup> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent()?.join(format!("crashrate-{}-{count}", std::process::id()));
        let made = Cgroup::with(&path, memory, processes);
        if let Err(error) = &made {
            tracing::warn!("{}: {error}", path.display());
            let _ = fs::remove_dir(&path);
        }
        made.ok()
    }

    fn with(path: &Path, memory: Option<u64>, processes: Option<u64>) -> io::Result<Cgroup> {
        fs::create_dir(path)?;
        if let Some(bytes) = memory {
            fs::write(path.join("memory.max"), bytes.to_string())?;
            // A limit that swapping avoids would be none. There may be no swap controller.
            let _ = fs::write(path.join("memory.swap.max"), "0");
        }
        if let Some(most) = processes {
            fs::write(path.join("pids.max"), most.to_string())?;
        }
        let procs = OpenOptions::new()
            .write(true)
            .open(path.join("cgroup.procs"))?;
        Ok(Cgroup {
            path: path.to_owned(),
            procs,
        })
    }

    /// A child writes `0` to this descriptor to join.
    pub(in crate::process) fn procs_fd(&self) -> RawFd {
        self.procs.as_raw_fd()
    }

    /// Moves a process into it.
    pub(in crate::process) fn admit(&self, pid: Pid) -> io::Result<()> {
        (&self.procs).write_all(pid.to_string().as_bytes())
    }

    /// How many of its processes the kernel has killed for lack of memory.
    pub(in crate::process) fn oom_kills(&self) -> u64 {
        let events = fs::read_to_string(self.path.join("memory.events"));
        oom_kills(&events.unwrap_or_default())
    }

    /// Kills all of its processes atomically: no fork escapes.
    pub(in crate::process) fn kill(&self) {
        // Linux before 5.14 has no such file; the process group is killed anyway.
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        let deadline = Instant::now() + EMPTY_TIMEOUT;
        while fs::remove_dir(&self.path).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The cgroup in which attempts' cgroups are created: that of this process, if it may enable the
/// controllers for children. Determined once.
fn parent() -> Option<&'static Path> {
    static PARENT: OnceLock<Option<PathBuf>> = OnceLock::new();
    PARENT.get_or_init(find_parent).as_deref()
}

fn find_parent() -> Option<PathBuf> {
    let path = own_cgroup()?;
    let has_all = |file: &str| {
        let names = fs::read_to_string(path.join(file)).unwrap_or_default();
        CONTROLLERS
            .iter()
            .all(|c| names.split_whitespace().any(|name| name == *c))
    };
    if !has_all("cgroup.controllers") {
        return None;
    }
    if !has_all("cgroup.subtree_control") {
        // Refused where the cgroup contains processes: then one must be delegated to this process.
        let mut control = OpenOptions::new()
            .write(true)
            .open(path.join("cgroup.subtree_control"))
            .ok()?;
        control.write_all(b"+memory +pids").ok()?;
    }
    Some(path.to_owned())
}
