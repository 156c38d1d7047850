//! Signals to an attempt's process group, and making sure that nothing of it is left.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as kill_process, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgid};

/// How long the members of a killed group have to disappear.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the group to end. A stopped one is woken, or it could not hear.
pub(super) fn terminate(group: Pid) {
    send(group, Signal::SIGTERM);
    send(group, Signal::SIGCONT);
}

/// Kills the group, and its leader wherever that is. Safe as long as the leader is not reaped: the number cannot belong to
/// anybody else.
pub(super) fn kill(group: Pid) {
    send(group, Signal::SIGKILL);
}

/// Kills what is left of a group whose leader has ended and is not reaped.
pub(super) fn kill_rest(group: Pid) {
    let _ = killpg(group, Signal::SIGKILL);
}

/// To the group, and to the process that began it if it has left it for another.
fn send(group: Pid, signal: Signal) {
    let _ = killpg(group, signal);
    if getpgid(Some(group)) != Ok(group) {
        let _ = kill_process(group, signal);
    }
}

/// Waits until the killed group is gone, its leader reaped before. Returns how many members besides it were killed.
pub(super) fn await_gone(group: Pid) -> usize {
    let is_gone = || killpg(group, None) == Err(Errno::ESRCH);
    // Most leave nothing, and are over with this.
    if is_gone() {
        return 0;
    }
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
    while !is_gone() && pause(deadline) {}
    killed
}

fn pause(deadline: Instant) -> bool {
    std::thread::sleep(Duration::from_micros(200));
    Instant::now() < deadline
}
