//! Attempts that are forked from a process that has loaded the program: a zygote. What cannot be forked is executed.
//!
//! A slot has zygotes of its own, one for each command line and environment, and one child of each at a time. A zygote is
//! asked for its child, which stands at a gate until the guardian knows it and its limits are set; asked again for the
//! child's status when that has ended; and replaced when it has had many children, or has died.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crashrate_model::Spawn;
use crashrate_postmortem::Crash;
use crashrate_protocol::env;
use crashrate_zygote::Attempt;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::guardian::Guardian;
use super::platform::{self, CAN_FORK, ExitWatch, Zygote, has_cuda};
use super::{How, Pipes, Reaped, Start, Started, Wait, Watched, exec, limits};
use crate::plan::AttemptSpec;

/// A zygote is replaced after so many children.
const CHILDREN: u32 = 1_000;
/// So many zygotes a slot keeps at most: each holds the memory of a program.
const ZYGOTES: usize = 4;
/// So many of them may die in a row before their program is executed.
const DEATHS: u32 = 3;

/// Variables of an attempt that are not the zygote's.
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

/// Why nothing may be forked in a run on this device; nothing if it may.
pub fn why_not(device: &str, fork_cuda: bool) -> Option<String> {
    if !CAN_FORK {
        return Some("processes are forked on Linux only".to_owned());
    }
    let kind = device.split(':').next().unwrap_or_default();
    let why = match kind {
        "mps" => "an MPS context does not survive a fork",
        "cuda" if !fork_cuda => "CUDA is forked only with `fork_cuda = true` in [suite]",
        "auto" if !fork_cuda && has_cuda() => {
            "`auto` may be CUDA here, which is forked only with `fork_cuda = true` in [suite]; --device cpu has none"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

/// What a zygote can be shared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) argv: Vec<String>,
    pub(super) directory: PathBuf,
    /// Of the loader and of libraries: some of it is read once, before `main`.
    pub(super) env: BTreeMap<String, String>,
}

impl Kind {
    fn of(spec: &AttemptSpec, argv: &[String]) -> Kind {
        // The slot's number is among it: what an attempt leaves is found by it, and shows the environment of its zygote.
        let env = spec
            .all_env()
            .filter(|(name, _)| !OF_ATTEMPT.contains(name));
        Kind {
            argv: argv.to_vec(),
            directory: spec.unit.directory.clone(),
            env: env.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        }
    }
}

/// The zygote of a kind in a slot.
struct Place {
    kind: Kind,
    /// Not while it has a child.
    idle: Option<Zygote>,
    /// How many have died since one of them gave a status.
    deaths: u32,
    /// Why its program is executed from now on.
    given_up: Option<String>,
}

/// The zygotes of a slot, the one that was used last at the end.
#[derive(Default)]
struct ZygotePool {
    places: Vec<Place>,
    ended: Vec<String>,
}

impl ZygotePool {
    /// The place of a kind, which is the last one from now on.
    fn place(&mut self, kind: &Kind) -> &mut Place {
        let place = match self.places.iter().position(|place| place.kind == *kind) {
            Some(at) => self.places.remove(at),
            None => Place {
                kind: kind.clone(),
                idle: None,
                deaths: 0,
                given_up: None,
            },
        };
        self.places.push(place);
        // Those that were not used for longest are let go.
        let spare = self.places.len().saturating_sub(ZYGOTES);
        self.places[..spare].iter_mut().for_each(|p| p.idle = None);
        let last = self.places.len() - 1;
        &mut self.places[last]
    }

    fn died(&mut self, kind: &Kind, how: String) {
        let place = self.place(kind);
        place.deaths += 1;
        if place.deaths == DEATHS {
            place.given_up = Some(format!("its zygotes died {DEATHS} times in a row: {how}"));
        }
        self.ended.push(how);
    }
}

/// Starts children by fork where that is asked for, and as `exec` does otherwise.
pub struct Forks {
    exec: Arc<dyn Start>,
    guardian: Arc<Guardian>,
    traced: bool,
    captures_hangs: bool,
    nests: Mutex<BTreeMap<u32, Arc<Mutex<ZygotePool>>>>,
    /// Of all slots.
    alive: Arc<Mutex<BTreeSet<i32>>>,
    /// Everything is to be killed.
    abandoned: AtomicBool,
}

/// What could not be forked, and why.
enum NoFork {
    /// Execute it.
    Execute(String),
    /// It cannot be started at all.
    Failed(io::Error),
}

impl From<io::Error> for NoFork {
    fn from(error: io::Error) -> Self {
        NoFork::Failed(error)
    }
}

impl Forks {
    /// With `exec` for all that is not forked.
    pub fn new(
        exec: Arc<dyn Start>,
        guardian: Arc<Guardian>,
        traced: bool,
        captures_hangs: bool,
    ) -> Forks {
        Forks {
            exec,
            guardian,
            traced,
            captures_hangs,
            nests: Mutex::default(),
            alive: Arc::default(),
            abandoned: AtomicBool::new(false),
        }
    }

    fn nest(&self, slot: u32) -> Arc<Mutex<ZygotePool>> {
        locked(&self.nests).entry(slot).or_default().clone()
    }

    fn fork(&self, spec: &AttemptSpec, argv: &[String], slot: u32) -> Result<Started, NoFork> {
        let kind = Kind::of(spec, argv);
        let nest = self.nest(slot);
        loop {
            if self.abandoned.load(Ordering::Acquire) {
                return Err(io::Error::from(io::ErrorKind::Interrupted).into());
            }
            let zygote = self.zygote(&kind, &nest)?;
            let since = Instant::now();
            match self.child(zygote, spec, slot, &kind, &nest) {
                Ok(started) => {
                    return Ok(Started {
                        how: How {
                            spawn: Spawn::Fork,
                            instead: None,
                            since: Some(since),
                        },
                        ..started
                    });
                }
                Err(ForkError::Refused(zygote, why)) => {
                    locked(&nest).place(&kind).idle = Some(*zygote);
                    return Err(NoFork::Execute(format!("its zygote refused: {why}")));
                }
                Err(ForkError::Died(how)) => locked(&nest).died(&kind, how),
                Err(ForkError::Failed(error)) => return Err(error.into()),
            }
        }
    }

    /// The zygote of this kind, which is started if there is none.
    fn zygote(&self, kind: &Kind, nest: &Mutex<ZygotePool>) -> Result<Zygote, NoFork> {
        let mut nest = locked(nest);
        let place = nest.place(kind);
        if let Some(why) = &place.given_up {
            return Err(NoFork::Execute(why.clone()));
        }
        if let Some(zygote) = place.idle.take().filter(|z| z.children() < CHILDREN) {
            return Ok(zygote);
        }
        let started = Zygote::start(kind, &self.guardian, self.traced, &self.alive);
        started.map_err(|error| {
            let why = format!("no zygote: {error}");
            // The next one would be no other.
            place.given_up = Some(why.clone());
            NoFork::Execute(why)
        })
    }

    fn child(
        &self,
        mut zygote: Zygote,
        spec: &AttemptSpec,
        slot: u32,
        kind: &Kind,
        nest: &Arc<Mutex<ZygotePool>>,
    ) -> Result<Started, ForkError> {
        let (stdout, child_stdout) = exec::pipe()?;
        let (stderr, child_stderr) = exec::pipe()?;
        let (events, child_events) = exec::pipe()?;
        let (gate, opens) = io::pipe()?;
        let stdin = input(spec.input.as_deref())?;
        let own = spec.all_env();
        let mut env: BTreeMap<String, String> =
            own.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        env.insert(env::EVENTS_FD.into(), exec::EVENTS.to_string());
        let attempt = Attempt {
            env,
            unset: vec![env::CHAPTER.into(), env::SEQUENCE.into()],
            directory: spec.unit.directory.clone(),
        };
        let descriptors = [
            stdin.as_fd(),
            child_stdout.as_fd(),
            child_stderr.as_fd(),
            child_events.as_fd(),
            gate.as_fd(),
        ];
        let pid = match zygote.fork(&attempt, descriptors) {
            Ok(Ok(pid)) => pid,
            Ok(Err(why)) => return Err(ForkError::Refused(Box::new(zygote), why)),
            Err(how) => return Err(ForkError::Died(how)),
        };
        // It stands at its gate. Whatever fails from here on closes the gate, and it ends.
        let watch = match ExitWatch::of(pid) {
            Ok(Some(watch)) => watch,
            Ok(None) => {
                let why = "the end of a process of its own cannot be waited for here: pidfd_open is refused";
                return Err(ForkError::Refused(Box::new(zygote), why.into()));
            }
            Err(_) => return Err(ForkError::Died(zygote.how_it_died())),
        };
        self.guardian
            .registration(slot)
            .send(pid.as_raw().cast_unsigned())?;
        let (bounds, rlimits) = limits::divide(&spec.unit.resources);
        if let Some(bounds) = &bounds {
            bounds.admit(pid)?;
        }
        Zygote::limit(pid, rlimits)?;
        (&opens).write_all(&[1])?;
        let wait = Forked {
            pid,
            captures_hangs: self.captures_hangs && !self.traced,
            hang: None,
            watch,
            zygote: Some(zygote),
            kind: kind.clone(),
            nest: nest.clone(),
        };
        Ok(Started {
            pid,
            pipes: Pipes {
                stdout,
                stderr,
                events,
            },
            wait: Box::new(wait),
            bounds,
            how: How::default(),
        })
    }
}

/// Why a zygote has no child.
enum ForkError {
    Refused(Box<Zygote>, String),
    Died(String),
    Failed(io::Error),
}

impl From<io::Error> for ForkError {
    fn from(error: io::Error) -> Self {
        ForkError::Failed(error)
    }
}

impl Start for Forks {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let Some(argv) = &spec.unit.zygote else {
            return self.exec.start(spec, slot);
        };
        match self.fork(spec, argv, slot) {
            Ok(started) => Ok(started),
            Err(NoFork::Failed(error)) => Err(error),
            Err(NoFork::Execute(why)) => {
                let since = Instant::now();
                let started = self.exec.start(spec, slot)?;
                Ok(Started {
                    how: How {
                        spawn: Spawn::Exec,
                        instead: Some(why),
                        since: Some(since),
                    },
                    ..started
                })
            }
        }
    }

    /// Those that are warming up are killed: their slots wait for them, and for nothing else. What has a child is killed
    /// with it.
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        for zygote in self.kept() {
            let _ = killpg(zygote, Signal::SIGKILL);
        }
    }

    fn close(&self) {
        locked(&self.nests).clear();
    }

    fn kept(&self) -> Vec<Pid> {
        let alive = locked(&self.alive);
        alive.iter().copied().map(Pid::from_raw).collect()
    }

    fn ended(&self, slot: u32) -> Vec<String> {
        std::mem::take(&mut locked(&self.nest(slot)).ended)
    }
}

/// Waits for a child of a zygote.
struct Forked {
    pid: Pid,
    /// Whether it is looked at before it is killed at its time limit, without a tracer of its own.
    captures_hangs: bool,
    hang: Option<Box<Crash>>,
    watch: ExitWatch,
    zygote: Option<Zygote>,
    kind: Kind,
    nest: Arc<Mutex<ZygotePool>>,
}

impl Wait for Forked {
    fn fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        Ok(Some(self.watch.as_fd()))
    }

    fn ended(&mut self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.watch.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::ZERO) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn capture_hang(&mut self) {
        if self.captures_hangs {
            let captured = platform::capture_hang(self.pid);
            self.hang = captured.ok().flatten().map(Box::new);
        } else if let Some(zygote) = &mut self.zygote {
            zygote.capture_hang();
        }
    }

    fn finish(&mut self) -> Watched {
        let zygote = self.zygote.as_mut();
        let watched = zygote.map_or_else(Watched::default, Zygote::finish);
        Watched {
            crash: self.hang.take().or(watched.crash),
            ..watched
        }
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        let mut zygote = self.zygote.take().ok_or(io::ErrorKind::NotFound)?;
        match zygote.reap() {
            Ok(reaped) => {
                let mut nest = locked(&self.nest);
                let place = nest.place(&self.kind);
                place.deaths = 0;
                place.idle = Some(zygote);
                Ok(reaped)
            }
            Err(how) => {
                let error = io::Error::new(io::ErrorKind::BrokenPipe, how.clone());
                locked(&self.nest).died(&self.kind, how);
                Err(error)
            }
        }
    }
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing is left half done in there.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file rather than a pipe, as an executed child has it.
fn input(bytes: Option<&[u8]>) -> io::Result<OwnedFd> {
    let Some(bytes) = bytes else {
        return Ok(File::open("/dev/null")?.into());
    };
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}
