//! A cgroup (version 2) for an attempt: its limits bind all of its processes, and the kernel keeps a record of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

/// What the limits need.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// How long the kernel may take to let go of what was killed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A cgroup with limits, removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(in crate::process) struct Cgroup {
    path: PathBuf,
    procs: File,
}

impl Cgroup {
    /// Whether cgroups with these limits can be made from here.
    pub(in crate::process) fn is_possible() -> bool {
        parent().is_some()
    }

    /// A new one with these limits; nothing where that is not possible.
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
            // Without swap: a limit that may be exceeded on disk is none. There may be no swap controller.
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

    /// Where a child writes `0` to join, between fork and exec.
    pub(in crate::process) fn procs_fd(&self) -> RawFd {
        self.procs.as_raw_fd()
    }

    /// Puts a process in.
    pub(in crate::process) fn admit(&self, pid: Pid) -> io::Result<()> {
        (&self.procs).write_all(pid.to_string().as_bytes())
    }

    /// How many processes the kernel killed in it for want of memory.
    pub(in crate::process) fn oom_kills(&self) -> u64 {
        let events = fs::read_to_string(self.path.join("memory.events"));
        count_of(&events.unwrap_or_default(), "oom_kill")
    }

    /// Kills all that is in it at once: no fork escapes.
    pub(in crate::process) fn kill(&self) {
        // Linux before 5.14 has no such file; the other means kill what there is.
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        let deadline = Instant::now() + PATIENCE;
        while fs::remove_dir(&self.path).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn count_of(events: &str, name: &str) -> u64 {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    events.lines().find_map(of).unwrap_or(0)
}

/// The cgroup in which those of attempts are made: this process's own, if it may hand on its controllers. Tried once.
fn parent() -> Option<&'static Path> {
    static PARENT: OnceLock<Option<PathBuf>> = OnceLock::new();
    PARENT.get_or_init(find_parent).as_deref()
}

fn find_parent() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let of_version_2 = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        (kind == "cgroup2").then(|| place.to_owned())
    };
    let mounted = mounts.lines().find_map(of_version_2)?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))?
        .to_owned();
    let path = Path::new(&mounted).join(own);
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
        // Refused where the cgroup has processes of its own: then somebody has to delegate one to us.
        let mut control = OpenOptions::new()
            .write(true)
            .open(path.join("cgroup.subtree_control"))
            .ok()?;
        control.write_all(b"+memory +pids").ok()?;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_record() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n";
        assert_eq!(count_of(events, "oom_kill"), 2);
        assert_eq!(count_of("", "oom_kill"), 0);
    }
}
