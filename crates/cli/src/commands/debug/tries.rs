//! The tries of a round under a debugger, until it crashes.

use std::fs;
use std::io::{self, IsTerminal, stdin};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crashrate_model::{Exit as ProcessExit, Outcome};
use crashrate_report::one_line;
use crashrate_supervisor::process;
use crashrate_supervisor::repeat::RepeatedRound;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::chapters;
use super::debugger::{CRASHED, Debugger, ENDED};
use crate::environment::tokio_runtime;
use crate::error::{Exit, Failure};
use crate::output::{flush, note};
use crate::signals::ended_by_user;

const POLL: Duration = Duration::from_millis(20);
/// Time for a debugger to kill its program and end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a try ended.
enum Try {
    Crashed(String),
    Passed(String),
    Interrupted,
    Failed(ExitStatus),
}

pub(super) struct Tries<'a> {
    debugger: &'a Debugger,
    round: RepeatedRound,
    /// This program.
    program: PathBuf,
    folder: TempDir,
    is_interactive: bool,
    /// The user wants to stop.
    stop: Arc<AtomicBool>,
}

impl<'a> Tries<'a> {
    pub(super) fn new(
        debugger: &'a Debugger,
        mut round: RepeatedRound,
        program: PathBuf,
    ) -> Result<Tries<'a>, Failure> {
        if debugger.is_prefix() {
            round.start = round.start.without_limits();
        }
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::usage(format!("no temporary folder: {error}")))?;
        Ok(Tries {
            debugger,
            round,
            program,
            folder,
            is_interactive: stdin().is_terminal(),
            stop: Arc::default(),
        })
    }

    pub(super) fn run(&self, tries: u32) -> Result<Exit, Failure> {
        self.hear_signals();
        for number in 1..=tries {
            let ended = self.once().map_err(|error| {
                Failure::usage(format!("{}: {error}", one_line(&self.debugger.name())))
            })?;
            match ended {
                Try::Crashed(how) => {
                    note(format_args!("crashed in try {number} of {tries}{how}"));
                    return Ok(Exit::Passed);
                }
                Try::Passed(how) => note(format_args!("try {number} of {tries}: {how}")),
                Try::Interrupted => {
                    return Err(Failure::new(Exit::Incomplete, "interrupted"));
                }
                Try::Failed(status) => {
                    let name = self.debugger.name();
                    return Err(Failure::usage(format!(
                        "{} ended without running the round ({status})",
                        one_line(&name)
                    )));
                }
            }
        }
        note(format_args!("no crash in {tries} tries"));
        Ok(Exit::Undecided)
    }

    /// In a debugger's prompt Ctrl-C stops the debugged program, and must not end this one.
    fn hear_signals(&self) {
        if self.is_interactive {
            if let Ok(runtime) = tokio_runtime() {
                let _in_it = runtime.enter();
                // The handler stays when the listener is dropped.
                let _ = signal(SignalKind::interrupt());
            }
            return;
        }
        let stop = self.stop.clone();
        thread::spawn(move || {
            if let Ok(runtime) = tokio_runtime() {
                runtime.block_on(ended_by_user());
                stop.store(true, Ordering::Relaxed);
            }
        });
    }

    fn once(&self) -> io::Result<Try> {
        let folder = self.folder.path();
        self.round.start.write(folder)?;
        for last in [CRASHED, ENDED] {
            let _ = fs::remove_file(folder.join(last));
        }
        let mut command = self.debugger.command(
            folder,
            &self.program,
            &self.round.command,
            self.is_interactive,
            self.crash_code(),
        )?;
        if !self.is_interactive {
            command.stdin(Stdio::null());
        }
        flush();
        let mut child = command.spawn()?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if self.stop.load(Ordering::Relaxed) {
                end(&mut child)?;
                return Ok(Try::Interrupted);
            }
            // At a prompt the user decides when it ends.
            if !self.is_interactive && begun.elapsed() > self.round.timeout {
                end(&mut child)?;
                return Ok(Try::Passed("not ended within its time limit".to_owned()));
            }
            thread::sleep(POLL);
        };
        Ok(if self.debugger.is_prefix() {
            self.of_status(status)
        } else {
            self.of_files(status)
        })
    }

    /// The exit code with which the round crashed in its run.
    fn crash_code(&self) -> Option<i32> {
        let ended = self.round.ended.as_ref();
        match ended
            .filter(|ended| ended.outcome == Outcome::Crashed)?
            .exit()
        {
            Some(ProcessExit::Code(code)) => Some(*code),
            _ => None,
        }
    }

    fn of_files(&self, status: ExitStatus) -> Try {
        let folder = self.folder.path();
        if folder.join(CRASHED).exists() {
            return self.crashed();
        }
        let ended = fs::read_to_string(folder.join(ENDED)).unwrap_or_default();
        match (ended.trim(), ended.trim().parse::<i32>()) {
            (_, Ok(code)) => self.of_code(code),
            ("signal", _) => self.crashed(),
            ("exited", _) => Try::Passed("no crash".to_owned()),
            _ if self.is_interactive || self.stop.load(Ordering::Relaxed) => Try::Interrupted,
            _ => Try::Failed(status),
        }
    }

    /// Debuggers such as rr and valgrind end as their program ended. A shell, and some of them,
    /// report a signal as exit code 128 plus its number.
    fn of_status(&self, status: ExitStatus) -> Try {
        match (status.signal(), status.code()) {
            (Some(_), _) => self.crashed(),
            // 128 + SIGILL (4) to 128 + SIGSEGV (11); 130 is the user's Ctrl-C.
            (None, Some(132..=139)) => self.crashed(),
            (None, Some(130)) => Try::Interrupted,
            (None, code) => self.of_code(code.unwrap_or_default()),
        }
    }

    fn of_code(&self, code: i32) -> Try {
        if self.round.is_crash(code) || Some(code) == self.crash_code() {
            return self.crashed();
        }
        Try::Passed(format!("exit code {code}"))
    }

    fn crashed(&self) -> Try {
        let events = process::events(self.folder.path());
        Try::Crashed(match chapters::running(&events) {
            Some(chapter) => format!(", in chapter `{}`", one_line(&chapter)),
            None => String::new(),
        })
    }
}

/// Ends a debugger and the program that it started.
fn end(child: &mut Child) -> io::Result<()> {
    process::terminate(child);
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill()?;
        }
        thread::sleep(POLL);
    }
    Ok(())
}
