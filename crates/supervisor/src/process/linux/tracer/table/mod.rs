//! The trace table: the processes and threads of one attempt, and what their stops show.

mod events;
mod finish;
mod learn;
mod perturbed;
mod stop;

use std::collections::HashMap;
use std::path::PathBuf;

use crashrate_postmortem::linux::Evidence;

use super::hang::Hang;
use super::perturb::Perturber;
use super::process_tree::ProcessTree;
use super::reissue::Reissue;
use super::sys::{self, End};
use learn::Learned;

/// The process that the attempts' processes are forked from.
#[derive(Clone, Copy, Default)]
enum Zygote {
    /// Attempts' processes are spawned.
    #[default]
    None,
    Running(i32),
    Ended(i32),
}

/// The attempt's own process.
#[derive(Clone, Copy, Default)]
enum Leader {
    /// The zygote has not forked it yet.
    #[default]
    None,
    Running(i32),
    Ended(i32, End),
}

/// A thread id that an event has named, and the process of that thread.
#[derive(Clone, Copy)]
enum Tracee {
    /// Alive. The event of its parent came first, or is not needed.
    Alive(i32),
    /// Alive. It was seen before the event of its parent, which can still come.
    Unannounced(i32),
    /// It ended before the event of its parent. That event must not bring it back.
    EndedUnannounced,
}

impl Tracee {
    fn pid(self) -> Option<i32> {
        match self {
            Tracee::Alive(pid) | Tracee::Unannounced(pid) => Some(pid),
            Tracee::EndedUnannounced => None,
        }
    }
}

#[derive(Default)]
pub(super) struct TraceTable {
    zygote: Zygote,
    leader: Leader,
    tracees: HashMap<i32, Tracee>,
    /// Clone events minus new threads seen. Not 0: some thread is announced but not seen, or the
    /// reverse.
    unseen_clones: i32,
    /// Whether the attempt ever had more than one process.
    is_multi_process: bool,
    processes: ProcessTree,
    evidence: Evidence,
    hang: Option<Hang>,
    reissue: Reissue,
    /// The programs that were executed, as far as they could be read.
    programs: Vec<PathBuf>,
    disturbed: Option<String>,
    /// What disturbs the attempt on purpose.
    perturber: Option<Box<Perturber>>,
    /// Whether to learn from a crash.
    learns: bool,
    learned: Learned,
    /// A signal that was about to be delivered to the leader, and the leader's peak memory then. A
    /// stop at every exit would always give the peak, but costs each attempt one more stop.
    peak_at: Option<(i32, u64)>,
    left_behind: usize,
}

impl TraceTable {
    fn new(zygote: Zygote, leader: Leader) -> TraceTable {
        let tracees = match leader {
            Leader::Running(pid) => HashMap::from([(pid, Tracee::Alive(pid))]),
            Leader::None | Leader::Ended(..) => HashMap::new(),
        };
        TraceTable {
            zygote,
            leader,
            tracees,
            ..TraceTable::default()
        }
    }

    /// Of a spawned child that was seized.
    pub(super) fn of_child(leader: i32) -> TraceTable {
        TraceTable {
            learns: true,
            ..TraceTable::new(Zygote::None, Leader::Running(leader))
        }
    }

    /// Of a zygote that was seized and has no child yet.
    pub(super) fn of_zygote(zygote: i32) -> TraceTable {
        TraceTable::new(Zygote::Running(zygote), Leader::None)
    }

    /// Of a process that is not traced. Its threads must be seized and added.
    pub(super) fn untraced(leader: i32) -> TraceTable {
        TraceTable {
            tracees: HashMap::new(),
            learns: false,
            ..TraceTable::of_child(leader)
        }
    }

    /// Adds a thread that was seized.
    pub(super) fn add(&mut self, tid: i32, pid: i32) {
        self.tracees.insert(tid, Tracee::Alive(pid));
    }

    /// All traced threads, as pairs of thread and process.
    pub(super) fn threads(&self) -> impl Iterator<Item = (i32, i32)> {
        let tracees = self.tracees.iter();
        tracees.filter_map(|(&tid, tracee)| Some((tid, tracee.pid()?)))
    }

    pub(super) fn leader(&self) -> Option<i32> {
        match self.leader {
            Leader::None => None,
            Leader::Running(pid) | Leader::Ended(pid, _) => Some(pid),
        }
    }

    pub(super) fn leader_has_ended(&self) -> bool {
        matches!(self.leader, Leader::Ended(..))
    }

    pub(super) fn has_zygote(&self) -> bool {
        matches!(self.zygote, Zygote::Running(_))
    }

    pub(super) fn set_hang(&mut self, hang: Option<Hang>) {
        self.hang = hang;
    }

    /// Whether the leader has ended and no other tracee can exist.
    ///
    /// A process killed in the middle of a fork may leave a child that no event has named.
    pub(super) fn is_over(&self) -> bool {
        let Leader::Ended(_, end) = self.leader else {
            return false;
        };
        end != End::Killed(libc::SIGKILL) && !self.is_multi_process && self.unseen_clones == 0
    }

    fn is_zygote(&self, tid: i32) -> bool {
        matches!(self.zygote, Zygote::Running(pid) | Zygote::Ended(pid) if pid == tid)
    }

    fn tids(&self) -> Vec<i32> {
        self.threads().map(|(tid, _)| tid).collect()
    }

    fn pid_of(&self, tid: i32) -> Option<i32> {
        self.tracees.get(&tid).and_then(|tracee| tracee.pid())
    }

    /// Removes a thread that has ended or is not traced any more.
    fn forget(&mut self, tid: i32) {
        if let Some(perturber) = &mut self.perturber {
            perturber.forget(tid);
        }
        match self.tracees.get(&tid) {
            Some(Tracee::Alive(_)) => drop(self.tracees.remove(&tid)),
            Some(Tracee::Unannounced(_)) => {
                self.tracees.insert(tid, Tracee::EndedUnannounced);
            }
            Some(Tracee::EndedUnannounced) | None => {}
        }
    }

    /// The process of a thread that has stopped. Adds a thread that is seen for the first time.
    fn process_of(&mut self, tid: i32) -> i32 {
        if let Some(pid) = self.pid_of(tid) {
            return pid;
        }
        self.unseen_clones -= 1;
        let mut pids: Vec<i32> = self.threads().map(|(_, pid)| pid).collect();
        pids.sort_unstable();
        pids.dedup();
        if let Some(pid) = pids.into_iter().find(|&pid| sys::is_thread_of(pid, tid)) {
            self.add(tid, pid);
            return pid;
        }
        self.is_multi_process = true;
        self.tracees.insert(tid, Tracee::Unannounced(tid));
        if let Some(perturber) = &mut self.perturber {
            perturber.unannounced(tid);
        }
        tid
    }
}
