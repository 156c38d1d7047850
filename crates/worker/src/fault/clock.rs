//! The process's computing time. Timing the fault by it makes the dose independent of machine load.
#![allow(unsafe_code)]

use std::time::Duration;

/// Returns the processor time of all threads of this process.
pub(super) fn computed() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable for the duration of the call, and every supported system has this
    // clock.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "a process has a clock");
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}
