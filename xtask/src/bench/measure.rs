//! What one call of a program costs: its time, its own processor time, its own peak of memory.

use std::fs;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often the peak of memory is asked for. What a program takes and gives back after the last time is not seen.
const ASKED_EVERY: Duration = Duration::from_millis(10);

/// What a call cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) secs: f64,
    /// Of the program itself, without its children; seconds.
    pub(super) cpu: Option<f64>,
    /// Of the program itself; bytes.
    pub(super) peak: Option<u64>,
}

/// Runs a program to its end; it must end well.
pub(super) fn measure(command: &mut Command) -> Result<Cost> {
    let program = command.get_program().display().to_string();
    let mut errors = tempfile::tempfile().context("no temporary file")?;
    command
        .stdout(Stdio::null())
        .stderr(errors.try_clone().context("no second descriptor")?);
    let begun = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("{program} could not be started"))?;
    let pid = child.id();
    let (ended, end) = mpsc::channel::<()>();
    let cost = thread::scope(|scope| -> io::Result<Cost> {
        let watching = scope.spawn(move || {
            let mut peak = peak_of(pid);
            while end.recv_timeout(ASKED_EVERY) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(peak_of(pid));
            }
            peak
        });
        let waited = wait_unreaped(&mut child);
        let secs = begun.elapsed().as_secs_f64();
        let cpu = own_cpu(pid);
        drop(ended);
        let peak = watching.join().unwrap_or_default();
        waited.map(|()| Cost { secs, cpu, peak })
    });
    let cost = cost.with_context(|| format!("{program} could not be waited for"))?;
    let status = child.wait()?;
    if !status.success() {
        let mut said = Vec::new();
        errors.rewind()?;
        errors.read_to_end(&mut said)?;
        bail!(
            "{command:?} failed ({status}):\n{}",
            String::from_utf8_lossy(&said).trim_end()
        );
    }
    Ok(cost)
}

/// Waits for the end and leaves a zombie, whose processor time can still be read.
///
/// The sum of a reaped child (`wait4`) would hold its own children, too, and its peak would begin at ours.
#[cfg(target_os = "linux")]
fn wait_unreaped(child: &mut Child) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    loop {
        match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop).map_err(io::Error::from),
        }
    }
}

/// Without /proc there is nothing to be read of a zombie.
#[cfg(not(target_os = "linux"))]
fn wait_unreaped(child: &mut Child) -> io::Result<()> {
    child.wait().map(drop)
}

fn own_cpu(pid: u32) -> Option<f64> {
    use nix::unistd::{SysconfVar, sysconf};
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let a_second = sysconf(SysconfVar::CLK_TCK).ok().flatten()?;
    Some(ticks(&stat)? as f64 / a_second as f64)
}

/// The sum of utime and stime. The name of the program stands before them, and may hold anything, `)` included.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_ascii_whitespace().skip(11);
    let mut next = || times.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn peak_of(pid: u32) -> Option<u64> {
    high_water(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The peak of resident memory, bytes; a zombie has none.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "17 (a ) 9 (b) S 1 17 17 0 -1 4194304 100 200 0 0 31 11 500 600 20 0 1 0 77 1 2";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("17 (short) Z 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn the_peak_is_in_bytes_and_a_zombie_has_none() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t     12 kB\nVmRSS:\t 8 kB\n";
        assert_eq!(high_water(status), Some(12 * 1024));
        assert_eq!(high_water("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_what_it_said() {
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo mist >&2; exit 3"]);
        let error = measure(&mut failing).expect_err("it fails").to_string();
        assert!(error.contains("mist"), "{error}");
        measure(&mut Command::new("true")).expect("it passes");
    }
}
