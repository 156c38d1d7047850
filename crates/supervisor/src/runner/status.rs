//! What runs now, for a user who asks.

use std::time::Instant;

use super::campaign::{RunEvent, RunningAttempt};
use super::state::Runner;
use crate::outcome::Note;
use crate::plan::RoundKey;
use crate::schedule::Running;

impl Runner<'_> {
    /// An attempt is handed to its slot.
    pub(super) fn attempt_begins(&mut self, running: Running, is_evidence: bool) {
        self.current[running.slot as usize] = Some(RunningAttempt {
            running,
            is_evidence,
            since: Instant::now(),
            pid: None,
            chapter: None,
        });
    }

    /// A slot has no attempt any more.
    pub(super) fn attempt_left(&mut self, slot: u32) {
        self.is_busy[slot as usize] = false;
        self.current[slot as usize] = None;
    }

    /// A running attempt reported progress.
    pub(super) fn noted(&mut self, key: RoundKey, note: &Note) {
        let mut attempts = self.current.iter_mut().flatten();
        if let Some(attempt) = attempts.find(|attempt| attempt.running.key == key) {
            match note {
                Note::ChapterStarted(index) => attempt.chapter = Some(*index),
                Note::ChapterEnded => attempt.chapter = None,
                Note::Progress { .. } => {}
            }
        }
        (self.observer)(RunEvent::Progress(key, note));
    }

    /// Tells the observer what runs now.
    pub(super) fn tell_status(&mut self) {
        let with_pid = |attempt: &RunningAttempt| RunningAttempt {
            pid: self.slots.pid(attempt.running.slot),
            ..attempt.clone()
        };
        let attempts: Vec<_> = self.current.iter().flatten().map(with_pid).collect();
        (self.observer)(RunEvent::Status(&attempts));
    }
}
