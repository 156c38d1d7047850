//! A stopped thread, as it was.

use std::collections::BTreeMap;

use super::arch::Registers;
use super::images::Images;
use super::maps::Maps;
use super::stack::{RawStack, Walker};
use super::status::thread_name;
use crate::crash::{Frame, Hex, Thread};

/// A stopped thread, as it was. Its functions are looked up later, when it may run on.
#[derive(Clone)]
pub struct ThreadShot {
    pub(super) pid: i32,
    pub(super) tid: i32,
    name: String,
    pub(super) registers: Registers,
    pub(super) stack: RawStack,
}

impl ThreadShot {
    /// Of a thread that is stopped by ptrace, of the process `pid`; at most `cap` frames of its stack.
    ///
    /// # Errors
    /// It is gone, or not stopped.
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
            stack: Walker::new(tid, maps, images).walk(&registers, cap),
        })
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
