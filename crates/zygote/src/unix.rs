//! The system calls with which forked and executed children are set up and reaped alike.
//!
//! Those of a child are safe between fork and exec: they neither allocate nor lock.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// The rlimits of a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimits {
    /// Address space, in bytes.
    pub memory: Option<u64>,
    /// Processes of the user.
    pub processes: Option<u64>,
    /// Processor time, in seconds.
    pub cpu: Option<u64>,
    /// Size of a file, in bytes.
    pub file_size: Option<u64>,
}

impl Rlimits {
    /// Sets them for this process.
    ///
    /// # Errors
    /// The system call failed.
    pub fn set(self) -> io::Result<()> {
        // The soft limit sends SIGXCPU; the hard limit kills a second later.
        lower(Resource::Cpu, self.cpu, 1)?;
        lower(Resource::Fsize, self.file_size, 0)?;
        lower(Resource::Nproc, self.processes, 0)?;
        // Last: nothing that follows needs memory.
        lower(Resource::As, self.memory, 0)
    }
}

/// Lowers a limit of this process. `grace` is added to the hard limit.
fn lower(resource: Resource, most: Option<u64>, grace: u64) -> io::Result<()> {
    let Some(most) = most else {
        return Ok(());
    };
    // An inherited limit may be lower.
    let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let hard = inherited.min(most + grace);
    let limit = Rlimit {
        current: Some(hard.min(most)),
        maximum: Some(hard),
    };
    Ok(setrlimit(resource, limit)?)
}

/// Sets the largest core dump of this process. The hard limit stays.
///
/// # Errors
/// The system call failed.
pub fn set_core_limit(most: u64) -> io::Result<()> {
    let maximum = getrlimit(Resource::Core).maximum;
    let limit = Rlimit {
        current: Some(maximum.unwrap_or(u64::MAX).min(most)),
        maximum,
    };
    Ok(setrlimit(Resource::Core, limit)?)
}

/// Duplicates descriptor `from` to number `to`, open across exec. Overwrites `to`.
///
/// # Errors
/// The system call failed.
pub fn take_number(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: plain system calls on descriptor numbers; no memory is touched.
    let done = unsafe {
        if from == to {
            libc::fcntl(to, libc::F_SETFD, 0)
        } else {
            libc::dup2(from, to)
        }
    };
    match done {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// How a child ended, as reported by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaped {
    /// The status from `wait4`.
    pub status: i32,
    /// Processor time of the child and of the children it waited for, in microseconds.
    pub cpu_micros: u64,
    /// Peak resident memory, in the unit of `ru_maxrss`.
    pub maxrss: u64,
}

/// Reaps a child that has ended.
///
/// # Errors
/// The system call failed.
pub fn reap(pid: i32) -> io::Result<Reaped> {
    let mut status = 0;
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals of the right types that outlive the call.
    while unsafe { libc::wait4(pid, &mut status, 0, &mut used) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let micros = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000
            + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    Ok(Reaped {
        status,
        cpu_micros: micros(used.ru_utime) + micros(used.ru_stime),
        maxrss: u64::try_from(used.ru_maxrss).unwrap_or(0),
    })
}
