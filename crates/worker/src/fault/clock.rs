//! The computing time of this process: by it the fault is as large on a busy machine as on an idle one.
#![allow(unsafe_code)]

use std::time::Duration;

/// What all threads of this process have computed for until now.
pub(super) fn computed() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable for the length of the call, and this clock is there on every system we build for.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "a process has a clock");
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}
