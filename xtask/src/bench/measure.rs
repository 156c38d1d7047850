//! The cost of one call of a program: its time, its own processor time, its own peak of memory.

use std::fs;
use std::io::{self, Seek};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often the peak of memory is read. Memory used after the last reading is missed.
const ASKED_EVERY: Duration = Duration::from_millis(10);

/// The cost of one call, or of one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) secs: f64,
    /// Processor time of the program itself, without its children; microseconds.
    pub(super) cpu: Option<f64>,
    /// Of the program itself; bytes.
    pub(super) peak: Option<u64>,
}

impl Cost {
    /// The cost of a round: the difference of a call with few rounds and one with many, which
    /// removes the cost of start and end. `None` if the longer call was not slower: the rounds are
    /// too few for this machine.
    pub(super) fn between(short: (u64, Cost), long: (u64, Cost)) -> Option<Self> {
        let rounds = long.0.checked_sub(short.0).filter(|n| *n > 0)? as f64;
        let secs = (long.1.secs - short.1.secs) / rounds;
        let cpu = long.1.cpu.zip(short.1.cpu);
        (secs > 0.0).then_some(Cost {
            secs,
            cpu: cpu.map(|(long, short)| (long - short).max(0.0) / rounds),
            peak: long.1.peak.max(short.1.peak),
        })
    }
}

/// Runs a program to its end; it must succeed.
pub(super) fn measure(command: &mut Command) -> Result<Cost> {
    let mut errors = tempfile::tempfile().context("no temporary file")?;
    command
        .stdout(Stdio::null())
        .stderr(errors.try_clone().context("no second descriptor")?);
    let begun = Instant::now();
    let mut child = command.spawn().context("it could not be started")?;
    let pid = child.id();
    let watching = thread::spawn(move || peak_until_end(pid));
    wait_unreaped(&mut child).context("it could not be waited for")?;
    let cost = Cost {
        secs: begun.elapsed().as_secs_f64(),
        cpu: own_cpu(pid),
        peak: watching.join().unwrap_or_default(),
    };
    let status = child.wait()?;
    if !status.success() {
        errors.rewind()?;
        let said = io::read_to_string(errors)?;
        bail!("{command:?} failed ({status}):\n{}", said.trim_end());
    }
    Ok(cost)
}

/// Waits for the end and leaves a zombie, whose processor time can still be read.
///
/// The usage that `wait4` returns includes the child's own children, and its peak starts at ours.
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

/// Without /proc, nothing can be read from a zombie.
#[cfg(not(target_os = "linux"))]
fn wait_unreaped(child: &mut Child) -> io::Result<()> {
    child.wait().map(drop)
}

fn own_cpu(pid: u32) -> Option<f64> {
    use nix::unistd::{SysconfVar, sysconf};
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let a_second = sysconf(SysconfVar::CLK_TCK).ok().flatten()?;
    Some(ticks(&stat)? as f64 * 1e6 / a_second as f64)
}

/// The sum of utime and stime. They follow the name of the program, which may contain `)`.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_ascii_whitespace().skip(11);
    let mut next = || times.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The peak of memory of a process, asked for until it is a zombie.
fn peak_until_end(pid: u32) -> Option<u64> {
    let now = || high_water(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?);
    let mut peak = None;
    while let Some(now) = now() {
        peak = peak.max(Some(now));
        thread::sleep(ASKED_EVERY);
    }
    peak
}

/// The peak of resident memory in bytes; a zombie has none.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_cost_of_start_and_end_is_subtracted() {
        let cost = |secs, cpu, peak| Cost {
            secs,
            cpu: Some(cpu),
            peak: Some(peak),
        };
        let sample = Cost::between((2, cost(1.0, 5e5, 9)), (102, cost(2.0, 6e5, 7)));
        let sample = sample.expect("the second call took longer");
        assert!((sample.secs - 0.01).abs() < 1e-9);
        assert!((sample.cpu.expect("both times are known") - 1000.0).abs() < 1e-6);
        assert_eq!(sample.peak, Some(9));
        let faster = Cost::between((2, cost(1.0, 0.0, 0)), (102, cost(0.9, 0.0, 0)));
        assert!(faster.is_none());
    }

    #[test]
    fn processor_time_is_found_after_any_process_name() {
        let stat = "17 (a ) 9 (b) S 1 17 17 0 -1 4194304 100 200 0 0 31 11 500 600 20 0 1 0 77 1 2";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("17 (short) Z 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn the_peak_is_in_bytes_and_missing_for_a_zombie() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t     12 kB\nVmRSS:\t 8 kB\n";
        assert_eq!(high_water(status), Some(12 * 1024));
        assert_eq!(high_water("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_failing_program_is_an_error_with_its_message() {
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo mist >&2; exit 3"]);
        let error = measure(&mut failing).expect_err("it fails").to_string();
        assert!(error.contains("mist"), "{error}");
        measure(&mut Command::new("true")).expect("`true` passes");
    }
}
