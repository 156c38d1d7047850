//! Where macOS puts its crash reports. Not run by its authors yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Crash;
use crate::ips::Report;

/// The system writes a report some seconds after the death, or never.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);
/// No report of a crash is larger.
const MAX_SIZE: u64 = 32 << 20;

/// The system's report of a process that died just now and was started at `begun`; waits for it for some seconds.
pub fn find_report(pid: i32, begun: SystemTime) -> Option<Crash> {
    let folder = folder()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(report) = newest(&folder, pid, begun) {
            return Some(report.crash);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

fn folder() -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    Some(Path::new(&home).join("Library/Logs/DiagnosticReports"))
}

fn newest(folder: &Path, pid: i32, begun: SystemTime) -> Option<Report> {
    let (from, to) = (seconds(begun), seconds(SystemTime::now()));
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        let is_new = |data: &fs::Metadata| {
            data.len() <= MAX_SIZE && data.modified().is_ok_and(|at| seconds(at) >= from)
        };
        if path.extension().is_none_or(|e| e != "ips")
            || !entry.metadata().is_ok_and(|d| is_new(&d))
        {
            continue;
        }
        let Ok(text) = fs::read(&path) else {
            continue;
        };
        // One that is still being written is no report yet.
        let report = Report::read(&String::from_utf8_lossy(&text));
        if let Some(report) = report.filter(|r| r.is_of(pid, from, to)) {
            return Some(report);
        }
    }
    None
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
