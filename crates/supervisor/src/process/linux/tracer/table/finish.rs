//! The end of an attempt: kills what is left, and sums up what was seen.

use std::time::{Duration, Instant};

use crashrate_model::EvidenceMode;
use crashrate_postmortem::linux::Died;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::sys::{self, End, TraceeEvent};
use super::{Leader, TraceTable};
use crate::process::Watched;
use crate::process::child::signal_name;

/// How long killed processes have to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

impl TraceTable {
    /// Waits for the end of the zygote's child, which has ended or is given up, kills its
    /// descendants, and starts anew. The zygote reaps the child.
    pub(in super::super) fn finish_child(&mut self) -> Watched {
        let deadline = Instant::now() + KILL_TIMEOUT;
        while let Leader::Running(leader) = self.leader
            && Instant::now() < deadline
        {
            if !self.take_event_of(leader) {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        self.kill_descendants();
        let watched = self.watched();
        *self = TraceTable::new(self.zygote, Leader::None);
        watched
    }

    /// Kills and reaps everything but the leader.
    pub(in super::super) fn kill_descendants(&mut self) {
        let leader = self.leader();
        let deadline = Instant::now() + KILL_TIMEOUT;
        for (tid, pid) in self.threads().collect::<Vec<_>>() {
            if Some(pid) == leader {
                self.forget(tid);
            } else {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        loop {
            let tids = self.tids();
            if tids.is_empty() || Instant::now() >= deadline {
                return;
            }
            let mut had_event = false;
            for tid in tids {
                match sys::take(tid) {
                    Some(TraceeEvent::Ended(end)) => self.ended(tid, end),
                    Some(TraceeEvent::Stopped(_)) => drop(sys::cont(tid, 0)),
                    None if kill(Pid::from_raw(tid), None) == Err(Errno::ESRCH) => self.forget(tid),
                    None => continue,
                }
                had_event = true;
            }
            if !had_event {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    pub(in super::super) fn watched(&mut self) -> Watched {
        let died = match self.leader {
            Leader::Ended(pid, End::Killed(signal)) => Some(Died { pid, signal }),
            _ => None,
        };
        let crash = match &self.hang {
            Some(hang) => hang.crash(),
            None => died.map(|died| self.evidence.of(died)),
        };
        let fatal_signal = (self.leader()).and_then(|leader| self.processes.fatal_signal(leader));
        let stopped_by = self.hang.as_ref().and_then(|hang| hang.stopped_by);
        let peak_at = self.peak_at.filter(|(signal, _)| {
            let died_of_it = died.is_some_and(|died| died.signal == *signal);
            // The memory of other processes is not known.
            died_of_it && !self.is_multi_process
        });
        Watched {
            mode: EvidenceMode::Trace,
            fatal_signal: fatal_signal.map(signal_name),
            stopped_by: stopped_by.map(signal_name),
            descendants: self.processes.take_crashes(),
            disturbed: self.disturbed.take(),
            programs: std::mem::take(&mut self.programs),
            notes: self.reissue.note().into_iter().collect(),
            perturbed: self.perturber.as_ref().map(|it| it.perturbed()),
            places: self.learned.take(),
            crash: crash.map(Box::new),
            peak_bytes: peak_at.map(|(_, bytes)| bytes),
            left_behind: self.left_behind,
        }
    }
}
