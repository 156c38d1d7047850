//! A zygote, as the supervisor sees it: started once, asked for one child after the other, and
//! killed in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crashrate_model::Exit;
use crashrate_protocol::env;
use crashrate_zygote::{Attempt, Control, ENV, Reply, Request, VERSION};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::proc::status_field;
use super::tracer::{Order, Report, StartBarrier, TracerThread, start_zygote_tracer};
use crate::plan::AttemptSpec;
use crate::process::child::{self, Reaped, StackCapture};
use crate::process::context::lock;
use crate::process::exec::{self, Launch, Launcher};
use crate::process::guardian::Guardian;

/// How long a zygote may take to warm up.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a warm zygote may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the tracer may take to carry out an order.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a zygote that has closed its socket may take to end.
const END_TIMEOUT: Duration = Duration::from_millis(500);
/// How many of its last bytes on stderr are reported when it has died.
const LAST_WORDS: u64 = 300;
/// The zygotes' numbers with the guardian, above those of slots.
static NUMBERS: AtomicU32 = AtomicU32::new(1 << 31);

/// Variables that differ between attempts and so are not part of a zygote's environment.
const OF_ATTEMPT: [&str; 8] = [
    env::CHAPTER,
    env::SEQUENCE,
    env::MODE,
    env::ROUND,
    env::ATTEMPT,
    env::VARIANT,
    env::SEED,
    env::EVENTS_FD,
];

/// What attempts must have in common to share a zygote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZygoteKey {
    pub(super) argv: Vec<String>,
    pub(super) directory: PathBuf,
    /// Loaders and libraries read some variables once, before `main`. Includes the slot's number,
    /// by which stray descendants of an attempt are found.
    pub(super) env: BTreeMap<String, String>,
}

impl ZygoteKey {
    pub(super) fn of(spec: &AttemptSpec, argv: &[String]) -> ZygoteKey {
        let env = spec
            .all_env()
            .filter(|(name, _)| !OF_ATTEMPT.contains(name));
        let env = env
            .chain([(ENV, VERSION.to_string().as_str())])
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        ZygoteKey {
            argv: argv.to_vec(),
            directory: spec.unit.directory.clone(),
            env,
        }
    }
}

/// Why a zygote has not forked a child.
pub(super) enum ForkError {
    /// It will not fork this one: execute the program.
    Refused(String),
    /// The zygote has died; says how.
    Died(String),
    /// The attempt cannot be started at all.
    Failed(io::Error),
}

impl From<io::Error> for ForkError {
    fn from(error: io::Error) -> Self {
        ForkError::Failed(error)
    }
}

/// The living zygotes of a run, in all slots.
#[derive(Default)]
pub(super) struct LiveZygotes {
    pub(super) pids: BTreeSet<i32>,
    /// Whether the run needs no more zygotes. One that is still being started is killed as well.
    pub(super) is_abandoned: bool,
}

/// A process that attempts are forked from. Killed when this is dropped.
pub(super) struct Zygote {
    pid: Pid,
    control: Control,
    tracer: Option<TracerThread>,
    /// How many children it has had.
    pub(super) children: u32,
    stderr: File,
    number: u32,
    guardian: Arc<Guardian>,
    live: Arc<Mutex<LiveZygotes>>,
    is_reaped: bool,
}

impl LiveZygotes {
    fn add(&mut self, pid: Pid) {
        self.pids.insert(pid.as_raw());
        if self.is_abandoned {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }

    /// Kills all zygotes, also those that are still being started.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = true;
        for pid in &self.pids {
            let _ = killpg(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }
}

impl Zygote {
    /// Starts a zygote and waits until it is warm.
    pub(super) fn start(
        key: &ZygoteKey,
        launcher: &Launcher,
        capture: StackCapture,
        live: &Arc<Mutex<LiveZygotes>>,
    ) -> io::Result<Zygote> {
        let mut zygote = Zygote::spawn(key, launcher, capture, live)?;
        let problem = match zygote.control.reply(WARM_UP_TIMEOUT) {
            Ok(Reply::Ready(VERSION)) => return Ok(zygote),
            Ok(Reply::Ready(other)) => format!(
                "it speaks version {other}, and crashrate {VERSION}: build both from one source"
            ),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                "it is not ready after a minute; does its program call crashrate_zygote::serve?"
                    .to_owned()
            }
            _ => format!(
                "{}; does its program call crashrate_zygote::serve?",
                zygote.how_it_died()
            ),
        };
        Err(io::Error::other(problem))
    }

    fn spawn(
        key: &ZygoteKey,
        launcher: &Launcher,
        capture: StackCapture,
        live: &Arc<Mutex<LiveZygotes>>,
    ) -> io::Result<Zygote> {
        let (control, zygotes_end) = Control::pair()?;
        let program = exec::find(&key.argv[0], &key.directory, &key.env)?;
        let env: Vec<_> = (key.env.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let stdout = File::options().write(true).open("/dev/null")?;
        let stderr = tempfile::tempfile()?;
        let launch = Launch {
            program: &program,
            arguments: &key.argv[1..],
            directory: &key.directory,
            env: &env,
            unset: &BTreeSet::new(),
            stdio: [zygotes_end.as_fd(), stdout.as_fd(), stderr.as_fd()],
        };
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let (barrier, tracer) = if capture == StackCapture::Trace {
            let (barrier, tracer_end) = StartBarrier::new()?;
            (Some(barrier), Some(start_zygote_tracer(tracer_end)?))
        } else {
            (None, None)
        };
        let child_end = barrier.as_ref().map(StartBarrier::child_end);
        let spawned = launcher.launch(&launch, number, child_end, || Ok(()));
        // Closes this process's copies of the zygote's ends, so that the death of the zygote closes
        // the socket and the barrier.
        drop((zygotes_end, barrier));
        let pid = spawned?;
        tracing::debug!(pid = pid.as_raw(), program = %key.argv[0], "zygote spawned");
        lock(live).add(pid);
        let mut zygote = Zygote {
            pid,
            control,
            tracer,
            children: 0,
            stderr,
            number,
            guardian: launcher.guardian.clone(),
            live: live.clone(),
            is_reaped: false,
        };
        if let Some(tracer) = &zygote.tracer
            && let Err(error) = tracer.seized()
        {
            tracing::debug!("zygote {pid} is not traced: {error}");
            zygote.tracer = None;
        }
        Ok(zygote)
    }

    /// Forks a child that gets these descriptors: standard input, output and error, events, and its
    /// control pipe.
    ///
    /// # Errors
    /// The zygote refuses, or has died.
    pub(super) fn fork(
        &mut self,
        attempt: &Attempt,
        descriptors: [BorrowedFd<'_>; 5],
    ) -> Result<Pid, ForkError> {
        let json =
            serde_json::to_vec(attempt).map_err(|error| ForkError::Refused(error.to_string()))?;
        let numbers = descriptors.map(|fd| fd.as_raw_fd());
        match self.control.send(&Request::Fork(&json).packet(), &numbers) {
            // The environment does not fit into one packet.
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                return Err(ForkError::Refused("its environment is too large".into()));
            }
            Err(_) => return Err(ForkError::Died(self.how_it_died())),
            Ok(()) => {}
        }
        match self.control.reply(ANSWER_TIMEOUT) {
            // Signals will be sent to this pid, so check that it is a child of the zygote.
            Ok(Reply::Forked(pid)) if pid > 1 && parent_of(pid) == Some(self.pid.as_raw()) => {
                self.children += 1;
                Ok(Pid::from_raw(pid))
            }
            Ok(Reply::Refused(why)) => Err(ForkError::Refused(why)),
            _ => Err(ForkError::Died(self.how_it_died())),
        }
    }

    /// Sends an order to the tracer, if it has one, and waits for the report.
    pub(super) fn ask_tracer(&self, order: Order) -> Option<Report> {
        let tracer = self.tracer.as_ref()?;
        let deadline = Instant::now() + ORDER_TIMEOUT;
        tracer.order(order);
        tracer.next_report(Some(deadline))
    }

    /// Reaps the child, which has ended and is not watched any more.
    ///
    /// # Errors
    /// The zygote has died; says how.
    pub(super) fn reap(&mut self) -> Result<Reaped, String> {
        let sent = self.control.send(&Request::Reap.packet(), &[]);
        match sent.and_then(|()| self.control.reply(ANSWER_TIMEOUT)) {
            Ok(Reply::Reaped(reaped)) => Ok(reaped.into()),
            _ => Err(self.how_it_died()),
        }
    }

    /// Describes its end. Kills it first if it does not answer.
    pub(super) fn how_it_died(&mut self) -> String {
        let how = match self.end_within(END_TIMEOUT) {
            Some(Exit::Code(code)) => format!("the zygote ended with {code}"),
            Some(Exit::Signal(signal)) => format!("the zygote died of {signal}"),
            None => "the zygote did not answer, and was killed".to_owned(),
        };
        let after = match self.children {
            0 => String::new(),
            n => format!(" after {n} children"),
        };
        match last_words(&mut self.stderr) {
            words if words.is_empty() => format!("{how}{after}"),
            words => format!("{how}{after}, and said: {words}"),
        }
    }

    /// Waits for its end, and kills it after `limit`. Returns how it ended, if by itself.
    fn end_within(&mut self, limit: Duration) -> Option<Exit> {
        let deadline = Instant::now() + limit;
        let mut was_killed = false;
        while !self.is_reaped {
            match child::has_ended(self.pid) {
                Ok(true) => {
                    self.is_reaped = true;
                    let reaped = child::reap(self.pid).ok()?;
                    return (!was_killed).then_some(reaped.exit);
                }
                Ok(false) => {
                    if Instant::now() >= deadline {
                        was_killed = true;
                        // Its children die with it.
                        let _ = killpg(self.pid, Signal::SIGKILL);
                    }
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(_) => self.is_reaped = true,
            }
        }
        None
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        self.end_within(Duration::ZERO);
        // Other processes in its group.
        let _ = killpg(self.pid, Signal::SIGKILL);
        self.guardian.clear(self.number);
        lock(&self.live).pids.remove(&self.pid.as_raw());
    }
}

fn parent_of(pid: i32) -> Option<i32> {
    status_field(pid, "PPid:")?.parse().ok()
}

/// The end of a file as one line.
fn last_words(stderr: &mut File) -> String {
    let mut read = || -> io::Result<Vec<u8>> {
        let length = stderr.seek(SeekFrom::End(0))?;
        stderr.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
