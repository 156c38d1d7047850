//! A barrier before exec: a child waits there until its tracer has seized it.
//!
//! The thread that spawns sleeps until the exec, so it cannot release the child itself. A tracer
//! that seized the child only after its exec would miss the shortest children. A child announces
//! itself before it prepares for exec. So most often the tracer has released it before it reaches
//! the barrier. A barrier serves the children of a slot one after the other.
#![allow(unsafe_code)]

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};

/// The slot's side. Children inherit its descriptors. When it is dropped, the tracer knows that no
/// child will come.
pub(in super::super) struct StartBarrier {
    announce: PipeWriter,
    released: PipeReader,
    tracers_release: RawFd,
}

/// The tracer's side.
pub(in super::super) struct TracerEnd {
    announced: PipeReader,
    release: PipeWriter,
}

/// A child's side: the numbers of its descriptors.
#[derive(Clone, Copy)]
pub(in crate::process) struct ChildEnd {
    announce: RawFd,
    released: RawFd,
    tracers_release: RawFd,
}

impl StartBarrier {
    pub(in super::super) fn new() -> io::Result<(StartBarrier, TracerEnd)> {
        let (announced, announce) = io::pipe()?;
        let (released, release) = io::pipe()?;
        let barrier = StartBarrier {
            announce,
            released,
            tracers_release: release.as_raw_fd(),
        };
        Ok((barrier, TracerEnd { announced, release }))
    }

    /// For a child that is started while the barrier exists.
    pub(in super::super) fn child_end(&self) -> ChildEnd {
        ChildEnd {
            announce: self.announce.as_raw_fd(),
            released: self.released.as_raw_fd(),
            tracers_release: self.tracers_release,
        }
    }
}

impl ChildEnd {
    /// In the child, first of all: sends its pid to the tracer. Safe between fork and exec.
    pub(in crate::process) fn announce(self) -> io::Result<()> {
        let pid = std::process::id().to_ne_bytes();
        // SAFETY: a plain system call on a descriptor that is open and a buffer of this stack.
        match unsafe { libc::write(self.announce, pid.as_ptr().cast(), pid.len()) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// In the child, after [`ChildEnd::announce`]: waits until the tracer has released it or is
    /// gone. Safe between fork and exec.
    pub(in crate::process) fn wait(self) -> io::Result<()> {
        let mut answer = [0u8];
        // SAFETY: plain system calls on descriptors that are open and a buffer of this stack. The
        // child closes its copy of the tracer's end first, or the read would outlive the tracer.
        unsafe {
            libc::close(self.tracers_release);
            while libc::read(self.released, answer.as_mut_ptr().cast(), 1) < 0 {
                if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl TracerEnd {
    /// Waits for the next child. `None`: none will come any more.
    pub(super) fn next_child(&mut self) -> Option<i32> {
        let mut pid = [0; 4];
        self.announced.read_exact(&mut pid).ok()?;
        i32::try_from(u32::from_ne_bytes(pid)).ok()
    }

    /// Releases the child that was announced last.
    pub(super) fn release(&mut self) {
        // It fails only if the child is dead.
        let _ = self.release.write_all(&[1]);
    }
}
