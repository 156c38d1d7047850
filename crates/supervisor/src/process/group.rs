//! Signals to an attempt's process group, and making sure that nothing of it is left.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How long the members of a killed group have to disappear.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the group to end. A stopped one is woken, or it could not hear.
pub(super) fn terminate(group: Pid) {
    let _ = killpg(group, Signal::SIGTERM);
    let _ = killpg(group, Signal::SIGCONT);
}

/// Kills the group. Safe as long as its leader is not reaped: the number cannot belong to anybody else.
pub(super) fn kill(group: Pid) {
    let _ = killpg(group, Signal::SIGKILL);
}

/// Waits until the killed group is gone, its leader reaped before. Returns how many members besides it were killed.
pub(super) fn await_gone(group: Pid) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let everyone = Pid::from_raw(-group.as_raw());
    let mut killed = 0;
    // Those that came to this process when their parents died are reaped here; elsewhere init reaps them.
    loop {
        match waitpid(everyone, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Signaled(_, Signal::SIGKILL, _)) => killed += 1,
            Ok(WaitStatus::StillAlive) if !pause(deadline) => return killed,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break,
        }
    }
    while killpg(group, None) != Err(Errno::ESRCH) && pause(deadline) {}
    killed
}

fn pause(deadline: Instant) -> bool {
    std::thread::sleep(Duration::from_micros(200));
    Instant::now() < deadline
}
