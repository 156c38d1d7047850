//! Finds processes of a run in /proc. Without /proc it finds none.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How long killed processes may take to disappear. The guardian that kills them must be scheduled
/// first.
const GONE: Duration = Duration::from_secs(20);

/// A process with its start time, because process ids are reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    started: String,
    command: String,
}

/// Whether this system has /proc.
pub(super) fn can_be_seen() -> bool {
    Path::new("/proc/self/environ").exists()
}

/// The living processes with the run's environment variable: its children and their children.
pub(super) fn of_run(id: &str) -> Vec<Process> {
    let mark = format!("CRASHRATE_RUN_ID={id}");
    with("environ", &mark)
}

/// The living guardians of the run, which have its id as an argument.
pub(super) fn guardians(id: &str) -> Vec<Process> {
    let mut found = with("cmdline", id);
    found.retain(|process| process.command.contains(" guardian "));
    found
}

/// Waits until the processes are gone; says what left those that are not.
pub(super) fn must_go(mut processes: Vec<Process>, what_left: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        processes.retain(|process| started(process.pid).as_ref() == Some(&process.started));
        if processes.is_empty() {
            return Ok(());
        }
        ensure!(begun.elapsed() < GONE, "{what_left} {processes:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn with(file: &str, entry: &str) -> Vec<Process> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    let has = |pid: &u32| {
        let entries = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        entries.split(|&b| b == 0).any(|e| e == entry.as_bytes())
    };
    let process = |pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        Some(Process {
            pid,
            started: started(pid)?,
            command: String::from_utf8_lossy(&command).replace('\0', " "),
        })
    };
    numbers.filter(has).filter_map(process).collect()
}

/// The start time of a process in clock ticks; `None` if it is gone or a zombie.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything. The state follows it; the start time is field
    // 22.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let is_alive = !matches!(fields.next()?, "Z" | "X");
    is_alive
        .then(|| fields.nth(18).map(str::to_owned))
        .flatten()
}
