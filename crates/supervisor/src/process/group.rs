//! Signals an attempt's process group and makes sure that nothing of it is left.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as kill_process, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgid};

/// How long the members of a killed group may take to disappear.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends SIGTERM. SIGCONT follows because a stopped process handles no signal.
pub(super) fn terminate(group: Pid) {
    send(group, Signal::SIGTERM);
    send(group, Signal::SIGCONT);
}

/// Kills the group, and its leader if that has left the group. Safe while the leader is not reaped:
/// until then the kernel gives its number to no other process.
pub(super) fn kill(group: Pid) {
    send(group, Signal::SIGKILL);
}

/// Kills the rest of a group whose leader has ended and is not reaped.
pub(super) fn kill_rest(group: Pid) {
    let _ = killpg(group, Signal::SIGKILL);
}

/// Signals the group, and the process that began it if that has moved to another group.
fn send(group: Pid, signal: Signal) {
    let _ = killpg(group, signal);
    if getpgid(Some(group)) != Ok(group) {
        let _ = kill_process(group, signal);
    }
}

/// Waits until the killed group, whose leader is reaped, is gone. Returns how many other members
/// were killed.
pub(super) fn await_gone(group: Pid) -> usize {
    let is_gone = || killpg(group, None) == Err(Errno::ESRCH);
    if is_gone() {
        return 0;
    }
    tracing::debug!(
        group = group.as_raw(),
        "waiting for killed processes to disappear"
    );
    let deadline = Instant::now() + PATIENCE;
    let members = Pid::from_raw(-group.as_raw());
    let mut killed = 0;
    // Orphans that the kernel gave to this process are reaped here. Init reaps the others.
    loop {
        match waitpid(members, Some(WaitPidFlag::WNOHANG)) {
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
