//! Hangs, and signals sent to itself.
#![allow(unsafe_code)]

use std::io::Write;
use std::time::Duration;

use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::unistd::Pid;

use super::{Done, number};

/// A forgotten hang ends after this: far above any time limit of a test.
const LONGEST: Duration = Duration::from_secs(900);

pub(super) fn hang() {
    report("hanging");
    wait_for_nothing();
}

pub(super) fn hang_ignoring_sigterm() {
    // SAFETY: ignoring a signal runs no code.
    unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) }.expect("SIGTERM can be ignored");
    report("hanging, deaf to SIGTERM");
    wait_for_nothing();
}

/// `[SECONDS=3]`: cleans up this long after SIGTERM, then exits with 0.
pub(super) fn slow_to_die(args: &[String]) -> Done {
    let secs = number(args, 0, Some(3))?;
    let mut term = SigSet::empty();
    term.add(Signal::SIGTERM);
    term.thread_block()?;
    report("waiting for SIGTERM");
    term.wait()?;
    report("tidying up");
    std::thread::sleep(Duration::from_secs(secs));
    Ok(0)
}

/// `SECONDS`: sleeps and exits with 0.
pub(super) fn sleep(args: &[String]) -> Done {
    std::thread::sleep(Duration::from_secs(number(args, 0, None)?));
    Ok(0)
}

pub(super) fn kill_self() {
    kill(Pid::this(), Signal::SIGKILL).expect("it can be killed");
}

pub(super) fn stop_self(_: &[String]) -> Done {
    report("stopping");
    kill(Pid::this(), Signal::SIGSTOP)?;
    // SIGCONT was sent.
    Ok(0)
}

pub(crate) fn wait_for_nothing() {
    std::thread::sleep(LONGEST);
}

/// Reports on standard output that the act has begun.
fn report(what: &str) {
    let mut out = std::io::stdout();
    // Standard output may be closed.
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}
