//! A zygote as the supervisor sees it: started once, asked for a child again and again, and killed in the end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crashrate_model::{Exit, Usage};
use crashrate_protocol::env;
use crashrate_zygote::{Attempt, Control, ENV, Reply, Request, VERSION};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::super::guardian::Guardian;
use super::super::limits::Rlimits;
use super::super::wait::{self, Blocking};
use super::super::zygote_pool::{ForkError, ForkWatch, ZygoteKey};
use super::super::{Reaped, Watched};
use super::aside;
use super::gate::{self, Gate};
use super::zygote_tracer::ZygoteTracer;
use crate::program;
use crate::suite::word_of_text;

/// Whether processes can be forked at all.
pub(in super::super) const CAN_FORK: bool = true;
/// How long a zygote may take to be warm: one that is not by then is none.
const WARM: Duration = Duration::from_secs(60);
/// How long one that is warm may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long one that is gone for its socket may take to be gone.
const DYING: Duration = Duration::from_millis(500);
/// So much of what it printed is told when it has died.
const LAST_WORDS: u64 = 300;
/// Zygotes have numbers of their own with the guardian, above those of slots.
static NUMBERS: AtomicU32 = AtomicU32::new(1 << 31);

/// A process that attempts are forked from. It is killed when this is dropped.
pub(in super::super) struct Zygote {
    pid: Pid,
    control: Control,
    tracer: Option<ZygoteTracer>,
    children: u32,
    printed: File,
    number: u32,
    guardian: Arc<Guardian>,
    alive: Arc<Mutex<BTreeSet<i32>>>,
    reaped: bool,
}

impl Zygote {
    /// Starts one, and waits until it is warm.
    pub(in super::super) fn start(
        key: &ZygoteKey,
        guardian: &Arc<Guardian>,
        watch: ForkWatch,
        alive: &Arc<Mutex<BTreeSet<i32>>>,
    ) -> io::Result<Zygote> {
        let mut zygote = spawn(key, guardian, watch, alive)?;
        match zygote.control.reply(WARM) {
            Ok(Reply::Ready(VERSION)) => Ok(zygote),
            Ok(Reply::Ready(other)) => Err(io::Error::other(format!(
                "it speaks version {other}, and crashrate {VERSION}: build both from one source"
            ))),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(io::Error::other(
                "it is not ready after a minute; does its program call crashrate_zygote::serve?",
            )),
            _ => {
                let how = zygote.how_it_died();
                Err(io::Error::other(format!(
                    "{how}; does its program call crashrate_zygote::serve?"
                )))
            }
        }
    }

    /// How many it has had.
    pub(in super::super) fn children(&self) -> u32 {
        self.children
    }

    /// Forks a child that gets these descriptors: standard input, output and error, events, and its
    /// control pipe.
    ///
    /// # Errors
    /// The zygote refuses, or has died.
    pub(in super::super) fn fork(
        &mut self,
        attempt: &Attempt,
        descriptors: [BorrowedFd<'_>; 5],
    ) -> Result<Pid, ForkError> {
        let json =
            serde_json::to_vec(attempt).map_err(|error| ForkError::Refused(error.to_string()))?;
        let numbers = descriptors.map(|fd| fd.as_raw_fd());
        let packet = Request::Fork(&json).packet();
        match self.control.send(&packet, &numbers) {
            // The environment does not fit into one packet.
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                return Err(ForkError::Refused("its environment is too large".into()));
            }
            Err(_) => return Err(ForkError::Died(self.how_it_died())),
            Ok(()) => {}
        }
        match self.control.reply(ANSWER) {
            // Signals will be sent to this pid, so check that it is a child of the zygote.
            Ok(Reply::Forked(pid)) if pid > 1 && parent_of(pid) == Some(self.pid.as_raw()) => {
                self.children += 1;
                Ok(Pid::from_raw(pid))
            }
            Ok(Reply::Refused(why)) => Err(ForkError::Refused(why)),
            _ => Err(ForkError::Died(self.how_it_died())),
        }
    }

    /// Sets the limits of a child that stands at its gate.
    pub(in super::super) fn limit(pid: Pid, limits: Rlimits) -> io::Result<()> {
        // What runs out of processor time hears of it first (SIGXCPU), and is killed a second later.
        limit(pid, libc::RLIMIT_CPU, limits.cpu, 1)?;
        limit(pid, libc::RLIMIT_FSIZE, limits.file_size, 0)?;
        limit(pid, libc::RLIMIT_NPROC, limits.processes, 0)?;
        limit(pid, libc::RLIMIT_AS, limits.memory, 0)
    }

    /// Looks at what the child is about.
    pub(in super::super) fn capture_hang(&mut self) {
        if let Some(tracer) = &mut self.tracer {
            tracer.capture_hang();
        }
    }

    /// Ends the watching of the child.
    pub(in super::super) fn stop_watching(&mut self) -> Watched {
        let tracer = self.tracer.as_mut();
        tracer.map_or_else(Watched::default, ZygoteTracer::finish)
    }

    /// The status of the child, which has ended and whose watching has.
    ///
    /// # Errors
    /// The zygote has died; how.
    pub(in super::super) fn reap(&mut self) -> Result<Reaped, String> {
        let sent = self.control.send(&Request::Reap.packet(), &[]);
        match sent.and_then(|()| self.control.reply(ANSWER)) {
            Ok(Reply::Reaped(reaped)) => Ok(Reaped {
                exit: wait::exit_of(reaped.status),
                usage: Usage {
                    cpu_secs: reaped.cpu_micros as f64 / 1e6,
                    peak_bytes: reaped.maxrss * super::MAXRSS_UNIT,
                    // It began as a copy of what it is forked from, and so did its account.
                    at_most: false,
                },
            }),
            _ => Err(self.how_it_died()),
        }
    }

    /// How it ended, in words; one that only does not answer is killed.
    pub(in super::super) fn how_it_died(&mut self) -> String {
        let by_itself = self.end(DYING);
        let how = match by_itself {
            Some(Exit::Code(code)) => format!("the zygote ended with {code}"),
            Some(Exit::Signal(signal)) => format!("the zygote died of {signal}"),
            None => "the zygote did not answer, and was killed".to_owned(),
        };
        let after = match self.children {
            0 => String::new(),
            n => format!(" after {n} children"),
        };
        match last_words(&mut self.printed) {
            words if words.is_empty() => format!("{how}{after}"),
            words => format!("{how}{after}, and said: {words}"),
        }
    }

    /// Waits so long for its end, and kills it then. How it ended, if by itself.
    fn end(&mut self, patience: Duration) -> Option<Exit> {
        let deadline = Instant::now() + patience;
        let mut by_itself = true;
        while !self.reaped {
            match wait::has_ended(self.pid, Blocking::No) {
                Ok(true) => {
                    self.reaped = true;
                    let reaped = wait::reap(self.pid).ok()?;
                    return by_itself.then_some(reaped.exit);
                }
                Ok(false) => {
                    if Instant::now() >= deadline {
                        by_itself = false;
                        // Its children die with it.
                        let _ = killpg(self.pid, Signal::SIGKILL);
                    }
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(_) => self.reaped = true,
            }
        }
        None
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
        // What it had running by itself, in its group.
        let _ = killpg(self.pid, Signal::SIGKILL);
        self.guardian.clear(self.number);
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.remove(&self.pid.as_raw());
    }
}

fn spawn(
    key: &ZygoteKey,
    guardian: &Arc<Guardian>,
    watch: ForkWatch,
    alive: &Arc<Mutex<BTreeSet<i32>>>,
) -> io::Result<Zygote> {
    let program = program::find(&key.argv[0], &key.directory, &key.env)
        .map_err(|problem| io::Error::new(io::ErrorKind::NotFound, problem))?;
    let (control, other) = Control::pair()?;
    let printed = tempfile::tempfile()?;
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let mut command = Command::new(program);
    command
        .args(key.argv[1..].iter().map(|word| word_of_text(word)))
        .current_dir(&key.directory)
        .env_remove(env::CHAPTER)
        .env_remove(env::SEQUENCE)
        .envs(&key.env)
        .env(ENV, VERSION.to_string())
        .stdin(Stdio::from(other))
        .stdout(Stdio::null())
        .stderr(Stdio::from(printed.try_clone()?));
    let register = guardian.registration(number);
    let supervisor = std::process::id();
    let (gate, tracer) = if watch == ForkWatch::Trace {
        let (gate, keeper) = gate::gate()?;
        (Some(gate), Some(ZygoteTracer::start(keeper)?))
    } else {
        (None, None)
    };
    let way = gate.as_ref().map(Gate::way);
    // SAFETY: the closure runs in the forked child before exec and does only what is safe there: system calls on
    // descriptors that are open, no allocation, no lock.
    unsafe {
        command.pre_exec(move || {
            if libc::setsid() < 0 {
                return Err(io::Error::last_os_error());
            }
            super::die_with(supervisor)?;
            register.send(std::process::id())?;
            way.map_or(Ok(()), |way| way.announce().and_then(|()| way.pass()))
        });
    }
    let spawned = command.spawn();
    // With them go the other ends of the socket and of the gate: a zygote that dies is heard of.
    drop((command, gate));
    let pid = match spawned {
        Ok(child) => Pid::from_raw(child.id().cast_signed()),
        Err(error) => {
            guardian.clear(number);
            return Err(error);
        }
    };
    let known = || alive.lock().unwrap_or_else(PoisonError::into_inner);
    known().insert(pid.as_raw());
    let mut zygote = Zygote {
        pid,
        control,
        tracer,
        children: 0,
        printed,
        number,
        guardian: guardian.clone(),
        alive: alive.clone(),
        reaped: false,
    };
    if let Some(tracer) = &mut zygote.tracer
        && let Err(error) = tracer.seized()
    {
        tracing::debug!("zygote {pid} is not traced: {error}");
        zygote.tracer = None;
    }
    Ok(zygote)
}

fn limit(
    pid: Pid,
    resource: libc::__rlimit_resource_t,
    most: Option<u64>,
    grace: u64,
) -> io::Result<()> {
    let Some(most) = most else {
        return Ok(());
    };
    // SAFETY: all fields are plain numbers, for which zero is a value; the pointers are to a local that outlives the
    // calls, or null where nothing is wanted.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::prlimit(pid.as_raw(), resource, std::ptr::null(), &mut limit) < 0 {
            return Err(io::Error::last_os_error());
        }
        // A limit that is there already may be lower.
        limit.rlim_max = limit.rlim_max.min(most + grace);
        limit.rlim_cur = limit.rlim_max.min(most);
        if libc::prlimit(pid.as_raw(), resource, &limit, std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The parent of a process.
fn parent_of(pid: i32) -> Option<i32> {
    aside::field(pid, "PPid:")?.parse().ok()
}

/// The end of what it printed, in a line.
fn last_words(printed: &mut File) -> String {
    let mut read = || -> io::Result<Vec<u8>> {
        let length = printed.seek(SeekFrom::End(0))?;
        printed.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
        let mut bytes = Vec::new();
        printed.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether there may be a CUDA device.
pub(in super::super) fn has_cuda() -> bool {
    Path::new("/dev/nvidiactl").exists()
}
