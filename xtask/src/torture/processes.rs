//! What is left of a run in the process table. Read from /proc; where there is none, nothing is found.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long what was killed may take to be gone. The guardian that kills it has to be scheduled first.
const GONE: Duration = Duration::from_secs(20);

/// A process: its number, and when it was started, since numbers are used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    started: String,
    command: String,
}

/// Whether processes can be looked at on this system.
pub(super) fn can_be_seen() -> bool {
    Path::new("/proc/self/environ").exists()
}

/// The living processes with the mark of the run: its children, and theirs.
pub(super) fn of_run(id: &str) -> Vec<Process> {
    let mark = format!("CRASHRATE_RUN_ID={id}");
    with("environ", &mark)
}

/// The living guardians of the run: its id is an argument of theirs.
pub(super) fn guardians(id: &str) -> Vec<Process> {
    let mut found = with("cmdline", id);
    found.retain(|process| process.command.contains(" guardian "));
    found
}

/// Waits until none of these is there any more; returns those that stay.
pub(super) fn wait_until_gone(mut processes: Vec<Process>) -> Vec<Process> {
    let begun = Instant::now();
    loop {
        processes.retain(|process| started(process.pid).as_ref() == Some(&process.started));
        if processes.is_empty() || begun.elapsed() > GONE {
            return processes;
        }
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

/// When a process was started, in the kernel's own ticks; nothing for one that is gone or a zombie.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may have anything in it; the state follows it, and the start is the 20th from there.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let is_alive = !matches!(fields.next()?, "Z" | "X");
    is_alive
        .then(|| fields.nth(18).map(str::to_owned))
        .flatten()
}
