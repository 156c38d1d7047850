//! Runs one program the way a supervisor does.
#![allow(unsafe_code)]

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crashrate_model::Exit;
use crashrate_protocol::{Event, EventReader, env};
use crashrate_testkit::processes::{KillAtEnd, exit_of, processes_with_marker, wait_until_gone};
use crashrate_testkit::{Case, no_core_dumps};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The child's descriptor for events. It is above every number in use between fork and exec.
const EVENTS: i32 = 100;
/// A program that hangs is sent SIGTERM after this time, and SIGKILL after twice this time.
const PATIENCE: Duration = Duration::from_millis(300);
/// The test fails if a program that should end by itself runs longer than this.
const TOO_LONG: Duration = Duration::from_secs(60);

/// The result of a program.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    /// Bytes written to standard output.
    pub(crate) stdout: usize,
    pub(crate) events: Vec<Event>,
    /// A description of the data on the events descriptor that is not an event.
    pub(crate) garbage: Option<String>,
    /// The number of processes that the program left behind. They have been killed.
    pub(crate) left: usize,
}

pub(crate) struct Run<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: &'a [String],
    pub(crate) round: u32,
    pub(crate) attempt: u32,
    pub(crate) input: &'a str,
    pub(crate) hangs: bool,
}

impl<'a> Run<'a> {
    pub(crate) fn new(program: &'a Path, args: &'a [String]) -> Self {
        Run {
            program,
            args,
            round: 1,
            attempt: 1,
            input: "",
            hangs: false,
        }
    }

    /// Runs the program until it ends and kills the processes it left behind.
    pub(crate) fn run(&self) -> Ran {
        no_core_dumps();
        let marker = KillAtEnd(run_id());
        let (events_in, events_out) = std::io::pipe().expect("a pipe can be created");
        let mut child = self.start(&marker.0, events_out);
        let stdout = child.stdout.take().expect("standard output is piped");
        let stdout = std::thread::spawn(move || count(stdout));
        let events = in_background(events_in);
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // Many programs do not read standard input, so this may fail.
        let _ = stdin.write_all(self.input.as_bytes());
        drop(stdin);
        let exit = self.wait(&mut child);
        let run_id = marker.0.clone();
        let left = processes_with_marker(&run_id).len();
        drop(marker);
        let still = wait_until_gone(&run_id, Duration::from_secs(5));
        assert!(still.is_empty(), "{:?}: not killed: {still:?}", self.args);
        let (events, garbage) = events.join().expect("reading does not panic");
        Ran {
            exit,
            stdout: stdout.join().expect("reading does not panic"),
            events,
            garbage,
            left,
        }
    }

    fn start(&self, run_id: &str, events: std::io::PipeWriter) -> Child {
        let mut command = Command::new(self.program);
        command
            .args(self.args)
            .env(env::RUN_ID, run_id)
            .env(env::CHAPTER, "chapter")
            .env(env::ROUND, self.round.to_string())
            .env(env::ATTEMPT, self.attempt.to_string())
            .env(env::EVENTS_FD, EVENTS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // SAFETY: the closure makes one system call on a descriptor that it owns.
        unsafe {
            command.pre_exec(move || match libc::dup2(events.as_raw_fd(), EVENTS) {
                -1 => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        // Dropping the command at the end of this function closes the parent's copy of the writing
        // end.
        command.spawn().expect("the program starts")
    }

    fn wait(&self, child: &mut Child) -> Exit {
        if !self.hangs {
            return until(child, TOO_LONG)
                .unwrap_or_else(|| panic!("{:?} does not end", self.args));
        }
        let early = until(child, PATIENCE);
        assert_eq!(early, None, "{:?} does not hang", self.args);
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            kill(Pid::from_raw(child.id().cast_signed()), signal).expect("the child can be killed");
            if let Some(exit) = until(child, PATIENCE) {
                return exit;
            }
        }
        panic!("{:?} survives SIGKILL", self.args)
    }
}

/// Runs a case in the small size.
pub(crate) fn run_case(case: &Case) -> Ran {
    let programs = crashrate_testkit::programs();
    Run {
        hangs: case.hangs(),
        ..Run::new(&programs.misbehave, &case.small)
    }
    .run()
}

fn run_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("testkit-{}-{next}", std::process::id())
}

fn until(child: &mut Child, limit: Duration) -> Option<Exit> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            return Some(exit_of(status));
        }
        if begin.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn count(mut from: impl Read) -> usize {
    let mut buffer = vec![0; 65_536];
    let mut all = 0;
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        all += n;
    }
    all
}

fn in_background(mut from: impl Read + Send + 'static) -> JoinHandle<(Vec<Event>, Option<String>)> {
    std::thread::spawn(move || {
        let (mut reader, mut events) = (EventReader::new(), Vec::new());
        let mut buffer = vec![0; 65_536];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            reader.push(&buffer[..n], |event| events.push(event));
        }
        (events, reader.finish())
    })
}
