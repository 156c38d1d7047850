//! macOS: uses `sysctl` and `libproc`.
#![allow(unsafe_code)]

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::OwnedFd;
use std::ptr;

/// macOS has no safe vfork.
pub(crate) use super::posix_spawn::posix_spawn as vfork;

/// The signals of a stack overflow without a handler.
pub(crate) const STACK_OVERFLOW_SIGNALS: &[&str] = &["SIGSEGV", "SIGBUS"];

/// The core limit that prevents dumps.
pub(crate) fn silent_core_limit() -> u64 {
    0
}

/// Returns the live processes that were started with this string as an argument or as a variable of
/// the environment, as far as they can be read.
pub(crate) fn processes_with(string: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        arguments_and_environment(*pid).is_some_and(|all| contains(&all, string.as_bytes()))
    };
    let mut pids: Vec<u32> = all_processes().into_iter().filter(has).collect();
    pids.sort_unstable();
    pids
}

/// `KERN_PROCARGS2`: the number of arguments (4 bytes), then the program, its arguments and its
/// environment, each NUL-terminated.
fn contains(all: &[u8], wanted: &[u8]) -> bool {
    let strings = all.get(size_of::<i32>()..).unwrap_or_default();
    strings.split(|&b| b == 0).any(|v| v == wanted)
}

fn all_processes() -> Vec<u32> {
    // SAFETY: with a null buffer the call only returns the count.
    let count = unsafe { libc::proc_listallpids(ptr::null_mut(), 0) };
    let mut pids = vec![0i32; usize::try_from(count).unwrap_or(0) + 64];
    let bytes = i32::try_from(pids.len() * size_of::<i32>()).unwrap_or(i32::MAX);
    // SAFETY: the buffer is writable and has the given length.
    let filled = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
    pids.truncate(usize::try_from(filled).unwrap_or(0));
    pids.into_iter()
        .filter_map(|pid| u32::try_from(pid).ok())
        .collect()
}

fn arguments_and_environment(pid: u32) -> Option<Vec<u8>> {
    let mut name = [
        libc::CTL_KERN,
        libc::KERN_PROCARGS2,
        libc::c_int::try_from(pid).ok()?,
    ];
    let mut all = vec![0u8; 1 << 20];
    let mut length = all.len();
    // SAFETY: name and buffer are valid for the given lengths; the call returns the length written.
    let refused = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            3,
            all.as_mut_ptr().cast(),
            &raw mut length,
            ptr::null_mut(),
            0,
        )
    };
    all.truncate(length);
    (refused == 0).then_some(all)
}

/// The peak memory of a process so far, in bytes.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let mut usage = MaybeUninit::<libc::rusage_info_v4>::zeroed();
    // SAFETY: the buffer has the type that this flavour fills.
    let refused = unsafe {
        libc::proc_pid_rusage(
            libc::c_int::try_from(pid).ok()?,
            libc::RUSAGE_INFO_V4,
            usage.as_mut_ptr().cast(),
        )
    };
    // SAFETY: the call succeeded, and zeroed memory is a valid value anyway.
    (refused == 0).then(|| unsafe { usage.assume_init() }.ri_lifetime_max_phys_footprint)
}

/// macOS has no files that exist only in memory.
pub(crate) fn memory_file() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
