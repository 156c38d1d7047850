//! Pinning the attempts of a crowd to one processor core.
#![allow(unsafe_code)]

use std::io;
use std::mem;

/// Whether processes can be pinned to a core.
pub const PINS: bool = true;

/// A set of one core.
#[derive(Clone, Copy)]
pub(in crate::process) struct Pin(libc::cpu_set_t);

impl Pin {
    /// One of the cores that this process may use, by number.
    ///
    /// # Errors
    /// The cores could not be read.
    pub(in crate::process) fn new(number: u64) -> io::Result<Pin> {
        // SAFETY: the structure is plain data for which zero is the empty set; the calls get its
        // size, and the numbers of cores are below its size in bits.
        unsafe {
            let mut allowed: libc::cpu_set_t = mem::zeroed();
            if libc::sched_getaffinity(0, size_of_val(&allowed), &mut allowed) != 0 {
                return Err(io::Error::last_os_error());
            }
            let size = libc::CPU_SETSIZE as usize;
            let cores: Vec<usize> = (0..size)
                .filter(|&core| libc::CPU_ISSET(core, &allowed))
                .collect();
            let mut one: libc::cpu_set_t = mem::zeroed();
            libc::CPU_SET(cores[number as usize % cores.len()], &mut one);
            Ok(Pin(one))
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
