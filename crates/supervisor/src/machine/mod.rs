//! The machine of a run, for its report.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub use platform::distribution;

/// The variable that names this machine in reports, in place of its host name.
const HOST_VARIABLE: &str = "CRASHRATE_HOST";

/// Facts about this machine and the git revision of `directory`; unknown ones are left out.
pub fn describe(directory: &Path) -> BTreeMap<String, String> {
    let cores = std::thread::available_parallelism().map(|n| n.to_string());
    let facts = [
        ("crashrate", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("os", system()),
        ("host", host()),
        ("cpu", platform::cpu()),
        ("cores", cores.ok()),
        ("memory", platform::memory()),
        ("gpu", platform::gpu()),
        ("git", git_revision(directory)),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The effective user of this process.
pub fn user() -> String {
    match nix::unistd::geteuid() {
        root if root.is_root() => "uid 0 (root)".to_owned(),
        uid => format!("uid {uid}"),
    }
}

/// Why a device cannot be on this machine, as far as that is known without asking the worker.
pub(crate) fn missing_device(device: &str) -> Option<&'static str> {
    platform::missing_device(device.split(':').next().unwrap_or_default())
}

fn system() -> Option<String> {
    let name = nix::sys::utsname::uname().ok()?;
    let part = |s: &std::ffi::OsStr| s.to_string_lossy().into_owned();
    Some(format!(
        "{} {} {}",
        part(name.sysname()),
        part(name.release()),
        part(name.machine())
    ))
}

/// The name of this machine. In a pod of Kubernetes, the host name is that of the pod.
pub(crate) fn host() -> Option<String> {
    if let Some(name) = std::env::var_os(HOST_VARIABLE).filter(|name| !name.is_empty()) {
        return Some(name.to_string_lossy().into_owned());
    }
    let name = nix::unistd::gethostname().ok()?;
    Some(name.to_string_lossy().into_owned())
}

fn git_revision(directory: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        output_of(Command::new("git").arg("-C").arg(directory).args(arguments))
    };
    let revision = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(revision + if changed { " (changed)" } else { "" })
}

/// The trimmed output of a command; `None` if it does not exist or fails.
fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
