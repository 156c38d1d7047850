//! Finds the crash reports that macOS writes. Not yet run on hardware by its authors.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Crash;
use crate::apple::Report;

/// The system writes a report some seconds after the crash, or never.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a SIGKILL a report is written only for an invalid code signature; most such signals come
/// from another process.
const PATIENCE_FOR_KILLED: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(250);
/// Maximum size of a crash report.
const MAX_SIZE: u64 = 32 << 20;
/// The report folder, relative to a home folder, or to the root for root's processes.
const FOLDER: &str = "Library/Logs/DiagnosticReports";
/// Subfolder for reports already sent to Apple.
const RETIRED: &str = "Retired";

/// Finds the system's report of a process that started at `begun` and has just crashed. Waits up to
/// ten seconds for it.
pub fn find_report(pid: i32, begun: SystemTime) -> Option<Crash> {
    wait(PATIENCE, || search(pid, begun, |_| true))
}

/// Like [`find_report`], for a process killed by SIGKILL. Accepts only reports of an invalid code
/// signature.
pub fn find_code_signing_report(pid: i32, begun: SystemTime) -> Option<Crash> {
    let is_code_signing = |report: &Report| report.code_signing;
    wait(PATIENCE_FOR_KILLED, || search(pid, begun, is_code_signing))
}

fn wait(patience: Duration, find: impl Fn() -> Option<Report>) -> Option<Crash> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(report) = find() {
            return Some(report.crash);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// Folders that may hold a report; the user's come first. An unreadable folder counts as empty.
fn folders() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let roots = home.into_iter().chain([PathBuf::from("/")]);
    let folders = roots.map(|root| root.join(FOLDER));
    folders
        .flat_map(|folder| [folder.join(RETIRED), folder])
        .collect()
}

fn search(pid: i32, begun: SystemTime, is_wanted: impl Fn(&Report) -> bool) -> Option<Report> {
    let (from, to) = (seconds(begun), seconds(SystemTime::now()));
    let entries = folders().into_iter().filter_map(|f| fs::read_dir(f).ok());
    let reports = entries.flatten().flatten().filter_map(|entry| {
        let data = entry.metadata().ok()?;
        let is_new = data.modified().is_ok_and(|at| seconds(at) >= from);
        let is_file = data.is_file() && data.len() <= MAX_SIZE;
        (is_new && is_file).then(|| read(&entry.path()))?
    });
    let mut fitting = reports.filter(|r| r.is_of(pid, from, to) && is_wanted(r));
    fitting.next()
}

/// Reads a report; `None` while it is still being written.
fn read(path: &Path) -> Option<Report> {
    let extension = path.extension()?;
    if extension != "ips" && extension != "crash" {
        return None;
    }
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text);
    // Truncated JSON does not parse; a truncated text lacks its last section.
    let is_whole = extension == "ips" || text.contains("\nBinary Images:");
    is_whole.then(|| Report::read(&text).ok())?
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
