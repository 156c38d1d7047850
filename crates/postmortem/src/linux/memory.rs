//! Reading the memory of another process.

use std::io::IoSliceMut;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

const PAGE: u64 = 4096;

/// The memory of a stopped process. Keeps the last page that was read: a stack is read word by word.
pub(super) struct Memory {
    pid: Pid,
    page: Option<(u64, Box<[u8; PAGE as usize]>)>,
}

impl Memory {
    pub(super) fn of(pid: i32) -> Memory {
        Memory {
            pid: Pid::from_raw(pid),
            page: None,
        }
    }

    /// The word at this address.
    pub(super) fn word(&mut self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        for (byte, at) in bytes.iter_mut().zip(address..address.checked_add(8)?) {
            let page = self.page(at / PAGE * PAGE)?;
            *byte = page[(at % PAGE) as usize];
        }
        Some(u64::from_le_bytes(bytes))
    }

    fn page(&mut self, start: u64) -> Option<&[u8; PAGE as usize]> {
        if self.page.as_ref().is_none_or(|(at, _)| *at != start) {
            let mut bytes = Box::new([0; PAGE as usize]);
            self.read(start, &mut bytes[..])?;
            self.page = Some((start, bytes));
        }
        self.page.as_ref().map(|(_, bytes)| &**bytes)
    }

    /// Fills the buffer from this address; nothing if it cannot be filled.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> Option<()> {
        let len = buffer.len();
        let remote = RemoteIoVec {
            base: usize::try_from(address).ok()?,
            len,
        };
        let read = process_vm_readv(self.pid, &mut [IoSliceMut::new(buffer)], &[remote]).ok()?;
        (read == len).then_some(())
    }
}
