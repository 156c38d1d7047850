//! Pinning attempts to processors: those of a crowd to one, those of a device to its part.
#![allow(unsafe_code)]

use std::io;
use std::mem;

/// Whether processes can be pinned.
pub const PINS: bool = true;

/// A set of processors.
#[derive(Clone, Copy)]
pub(in crate::process) struct Pin(libc::cpu_set_t);

/// The processors that this process may use; none if they cannot be read.
pub fn cpus() -> Vec<u32> {
    // SAFETY: the structure is plain data for which zero is the empty set; the call gets its size,
    // and the numbers of processors are below its size in bits.
    unsafe {
        let mut allowed: libc::cpu_set_t = mem::zeroed();
        if libc::sched_getaffinity(0, size_of_val(&allowed), &mut allowed) != 0 {
            return Vec::new();
        }
        let all = 0..libc::CPU_SETSIZE as u32;
        all.filter(|&cpu| libc::CPU_ISSET(cpu as usize, &allowed))
            .collect()
    }
}

impl Pin {
    /// These processors.
    pub(in crate::process) fn new(cpus: &[u32]) -> Pin {
        let known = cpus.iter().filter(|cpu| **cpu < libc::CPU_SETSIZE as u32);
        // SAFETY: the structure is plain data for which zero is the empty set; all numbers are below
        // its size in bits.
        unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            known.for_each(|&cpu| libc::CPU_SET(cpu as usize, &mut set));
            Pin(set)
        }
    }

    /// Pins the calling process. Safe between fork and exec.
    pub(in crate::process) fn set(&self) -> io::Result<()> {
        // SAFETY: a plain system call on a structure that outlives it.
        match unsafe { libc::sched_setaffinity(0, size_of_val(&self.0), &self.0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
