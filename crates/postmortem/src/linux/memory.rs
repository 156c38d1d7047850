//! The memory of a stopped process, or of one that left a core file.

use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::core::CoreFile;

pub(super) const PAGE: u64 = 4096;

/// The source of the memory.
#[derive(Clone)]
pub(super) enum Source {
    /// A stopped thread of a live process.
    Live(i32),
    /// A core file.
    Core(Arc<CoreFile>),
}

/// Memory with a one-page cache: unwinding reads a stack word by word.
pub(super) struct Memory {
    source: Source,
    page: Option<(u64, Box<[u8; PAGE as usize]>)>,
}

impl Memory {
    pub(super) fn new(source: Source) -> Memory {
        Memory { source, page: None }
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
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

    /// Fills the buffer from this address; `None` if any of it is unreadable.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> Option<()> {
        let pid = match &self.source {
            Source::Live(pid) => Pid::from_raw(*pid),
            Source::Core(core) => return core.read(address, buffer),
        };
        let len = buffer.len();
        let remote = RemoteIoVec {
            base: usize::try_from(address).ok()?,
            len,
        };
        match process_vm_readv(pid, &mut [IoSliceMut::new(buffer)], &[remote]) {
            Ok(read) => (read == len).then_some(()),
            // Some seccomp profiles refuse the call even where ptrace is allowed.
            Err(nix::Error::EPERM | nix::Error::ENOSYS | nix::Error::EACCES) => {
                let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
                memory.read_exact_at(buffer, address).ok()
            }
            Err(_) => None,
        }
    }
}
