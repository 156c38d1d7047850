//! The gate in front of exec: a child waits there until its tracer has hold of it.
//!
//! The thread that spawns sleeps until the exec, so it cannot open the gate itself; and a tracer that came after the
//! exec would miss the shortest of children. A child says at first that it will come, and most often finds the gate open
//! when it does. A gate serves the children of a slot one after the other.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};

/// The tracer's side.
pub(super) struct Keeper {
    asks: PipeReader,
    opens: PipeWriter,
}

/// The slot's side, which its children have copies of. When it is gone, the keeper hears that nobody will come.
pub(super) struct Gate {
    asks: PipeWriter,
    opens: PipeReader,
    keeper_opens: RawFd,
}

/// How a child passes a gate: the numbers of its descriptors.
#[derive(Clone, Copy)]
pub(super) struct Way {
    asks: RawFd,
    opens: RawFd,
    keeper_opens: RawFd,
}

/// A gate, and who opens it.
pub(super) fn gate() -> io::Result<(Gate, Keeper)> {
    let (asked, asks) = io::pipe()?;
    let (opened, opens) = io::pipe()?;
    let keeper_opens = opens.as_raw_fd();
    let gate = Gate {
        asks,
        opens: opened,
        keeper_opens,
    };
    Ok((gate, Keeper { asks: asked, opens }))
}

impl Gate {
    /// For a child that is started while the gate is there.
    pub(super) fn way(&self) -> Way {
        Way {
            asks: self.asks.as_raw_fd(),
            opens: self.opens.as_raw_fd(),
            keeper_opens: self.keeper_opens,
        }
    }
}

impl Way {
    /// In the child before exec, first of all: tells the keeper who will come.
    pub(super) fn announce(self) -> io::Result<()> {
        let pid = std::process::id().to_ne_bytes();
        // SAFETY: a plain system call on a descriptor that is open and a buffer of this stack.
        match unsafe { libc::write(self.asks, pid.as_ptr().cast(), pid.len()) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// In the child before exec, once it was announced: waits until the gate is opened, or its keeper is gone.
    pub(super) fn pass(self) -> io::Result<()> {
        let mut answer = [0u8];
        // SAFETY: plain system calls on descriptors that are open and a buffer of this stack. The child's copy of the
        // keeper's end is closed first, or the keeper's death would not end the waiting.
        unsafe {
            libc::close(self.keeper_opens);
            while libc::read(self.opens, answer.as_mut_ptr().cast(), 1) < 0 {
                if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Keeper {
    /// The next child that stands at the gate; nothing if none will come any more.
    pub(super) fn who(&mut self) -> Option<i32> {
        let mut pid = [0; 4];
        self.asks.read_exact(&mut pid).ok()?;
        i32::try_from(u32::from_ne_bytes(pid)).ok()
    }

    /// Opens it for that one.
    pub(super) fn open(&mut self) {
        // Nobody stands there any more if this fails.
        let _ = self.opens.write_all(&[1]);
    }
}
