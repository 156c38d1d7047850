//! The minimum cost of running a program repeatedly, as the reference for the supervisor's speed.
//!
//! Each thread starts a child, reads its output to the end, reaps it, and starts the next. Nothing
//! is recorded, limited, guarded or cleaned up.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::waitpid;
use serde_json::json;

use crate::misbehave::Problem;
use crate::platform;

/// How a child is started, and where its output goes.
const WAYS: &str = "\
ways:
  plain    vfork and exec; the child inherits the loop's output
  pipes    vfork and exec; two pipes
  memory   vfork and exec; a memory file for both outputs
  spawn    posix_spawn; two pipes
  command  the standard library's Command; two pipes";

/// Runs the program `bare-loop` and returns its exit code.
pub fn main(args: &[String]) -> i32 {
    match run(args) {
        Ok(line) => {
            println!("{line}");
            0
        }
        Err(problem) => {
            eprintln!("bare-loop: {problem}");
            eprintln!("bare-loop WAY THREADS ROUNDS PROGRAM [ARGUMENT...]\n{WAYS}");
            96
        }
    }
}

fn run(args: &[String]) -> Result<serde_json::Value, Problem> {
    let [way, threads, rounds, program @ ..] = args else {
        return Err("too few arguments".into());
    };
    let (threads, rounds): (u64, u64) = (threads.parse()?, rounds.parse()?);
    if program.is_empty() {
        return Err("no program".into());
    }
    let words = program.iter().map(|word| CString::new(word.as_str()));
    let words: Vec<CString> = words.collect::<Result<_, _>>()?;

    let (before, begun) = (own_cpu(), Instant::now());
    let left = AtomicU64::new(rounds);
    std::thread::scope(|scope| {
        let work = || -> io::Result<()> {
            let mut buffer = vec![0; 1 << 16];
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
            {
                round(way, &words, program, &mut buffer)?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let ends = threads.into_iter().map(|thread| thread.join());
        ends.map(|end| end.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
            .collect::<io::Result<Vec<()>>>()
    })?;
    let secs = begun.elapsed().as_secs_f64();
    let rounds = rounds as f64;
    Ok(json!({
        "way": way,
        "rounds_per_second": rounds / secs,
        "own_cpu_us": (own_cpu() - before) * 1e6 / rounds,
        "peak_bytes": crate::peak_memory(std::process::id()),
    }))
}

fn round(way: &str, words: &[CString], program: &[String], buffer: &mut [u8]) -> io::Result<()> {
    match way {
        "plain" => reap(platform::vfork(words, [1, 2])?),
        "memory" => {
            let output = platform::memory_file()?;
            let fd = output.as_raw_fd();
            reap(platform::vfork(words, [fd, fd])?)
        }
        "pipes" => piped(|outputs| platform::vfork(words, outputs), buffer),
        "spawn" => piped(|outputs| platform::posix_spawn(words, outputs), buffer),
        "command" => {
            let mut command = Command::new(&program[0]);
            command.args(&program[1..]).stdin(Stdio::null());
            command.output().map(drop)
        }
        _ => Err(io::Error::other(format!("unknown way `{way}`"))),
    }
}

fn piped(start: impl Fn([RawFd; 2]) -> io::Result<i32>, buffer: &mut [u8]) -> io::Result<()> {
    let (out, child_out) = io::pipe()?;
    let (err, child_err) = io::pipe()?;
    let pid = start([child_out.as_raw_fd(), child_err.as_raw_fd()])?;
    drop((child_out, child_err));
    for pipe in [OwnedFd::from(out), OwnedFd::from(err)] {
        let mut pipe = File::from(pipe);
        while pipe.read(buffer)? > 0 {}
    }
    reap(pid)
}

fn reap(pid: i32) -> io::Result<()> {
    waitpid(nix::unistd::Pid::from_raw(pid), None)?;
    Ok(())
}

/// The processor time of this process without its children, in seconds.
fn own_cpu() -> f64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |used| {
        [used.user_time(), used.system_time()]
            .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
            .iter()
            .sum()
    })
}
