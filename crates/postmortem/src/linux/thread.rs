//! A captured thread.

use std::collections::{BTreeMap, BTreeSet};

use super::arch::Registers;
use super::images::Images;
use super::maps::Maps;
use super::memory::Source;
use super::stack::{Interruption, RawStack, Walker};
use super::status::thread_name;
use crate::crash::{Frame, Hex, Thread};
use crate::place::CodePlace;

/// A captured thread. Its functions are resolved later, so that the thread can resume earlier.
#[derive(Clone)]
pub struct ThreadShot {
    pub(super) pid: i32,
    pub(super) tid: i32,
    pub(super) name: String,
    pub(super) registers: Registers,
    pub(super) stack: RawStack,
}

impl ThreadShot {
    /// Captures a thread of process `pid` that is stopped by ptrace, with at most `cap` frames.
    ///
    /// # Errors
    /// The thread has exited or is not stopped.
    pub fn take(
        pid: i32,
        tid: i32,
        maps: &Maps,
        images: &Images,
        cap: usize,
    ) -> nix::Result<ThreadShot> {
        let registers = Registers::of(tid)?;
        Ok(ThreadShot {
            pid,
            tid,
            name: thread_name(tid),
            registers,
            stack: Walker::new(Source::Live(tid), maps, images).walk(&registers, cap),
        })
    }

    /// The places of the innermost frames, at most `most`: where the thread is, and where it will
    /// return to. All are boundaries of instructions.
    pub fn places(&self, most: usize) -> Vec<CodePlace> {
        self.stack.places(most)
    }

    /// The address that the thread executes next.
    pub fn pc(&self) -> u64 {
        self.registers.pc()
    }

    /// Reasons why frames are missing from the stack.
    pub(super) fn notes(&self) -> BTreeSet<String> {
        if self.registers.is_narrow() {
            return BTreeSet::from(["32-bit program: no stack".to_owned()]);
        }
        self.stack.notes()
    }

    /// The thread's state when this signal handler was called.
    pub(super) fn interrupted(&self, by: &Interruption) -> ThreadShot {
        ThreadShot {
            registers: by.registers,
            stack: self.stack.interrupted(by),
            ..self.clone()
        }
    }

    pub(super) fn with_frames(&self, frames: Vec<Frame>, pid: i32, has_registers: bool) -> Thread {
        let registers: BTreeMap<String, Hex> = match has_registers {
            true => (self.registers.named().into_iter())
                .map(|(name, value)| (name.to_owned(), Hex(value)))
                .collect(),
            false => BTreeMap::new(),
        };
        Thread {
            tid: self.tid,
            pid: (self.pid != pid).then_some(self.pid),
            name: self.name.clone(),
            registers,
            frames,
            complete: self.stack.complete,
        }
    }
}
