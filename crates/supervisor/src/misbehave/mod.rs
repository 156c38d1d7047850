//! The misbehaving programs of `crashrate doctor --self-test`: they really fault, hang, flood or
//! leave a process behind.
//!
//! They are part of the crashrate binary, because a machine may have nothing else installed.

mod faults;
#[cfg(target_os = "linux")]
mod linux;
mod processes;
mod signals;

use std::path::Path;

/// The hidden subcommand.
const COMMAND: &str = "misbehave";
/// Exit code of a kind that should have died or hung.
const SURVIVED: i32 = 70;
/// Exit code of a kind that could not misbehave.
const FAILED: i32 = 71;
/// Exit code for an unknown kind.
const USAGE: i32 = 64;

/// A way to misbehave; returns an exit code if the process survives.
type Act = fn() -> i32;

/// All kinds, by name.
const KINDS: &[(&str, Act)] = &[
    ("pass", || 0),
    ("fail", || 3),
    ("segfault", faults::segfault),
    ("segfault-thread", faults::segfault_thread),
    ("segfault-at-exit", faults::segfault_at_exit),
    ("segfault-handled", faults::segfault_handled),
    ("abort", || std::process::abort()),
    ("stack-overflow", faults::stack_overflow),
    ("illegal-instruction", faults::illegal_instruction),
    ("descendant", processes::descendant),
    ("daemon", processes::daemon),
    ("flood", processes::flood),
    ("terminal", processes::terminal),
    ("kill-self", signals::kill_self),
    ("stop-self", signals::stop_self),
    ("hang", signals::hang),
    ("hang-ignoring-sigterm", signals::hang_ignoring_sigterm),
    #[cfg(target_os = "linux")]
    ("realtime-signal", linux::realtime_signal),
    #[cfg(target_os = "linux")]
    ("ignored-sigchld", linux::ignored_sigchld),
];

/// The names of all kinds on this platform.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// The command line of a kind.
pub fn command(program: &str, kind: &str) -> Vec<String> {
    [program, COMMAND, kind].map(str::to_owned).to_vec()
}

/// Whether this is the command line of a kind.
pub(crate) fn is_command(argv: &[String]) -> bool {
    let is_own = |program: &str| std::env::current_exe().is_ok_and(|own| own == Path::new(program));
    matches!(argv, [program, command, _] if command == COMMAND && is_own(program))
}

/// Runs a kind; returns an exit code if the process survives.
pub fn misbehave(kind: &str) -> i32 {
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, act)) => act(),
        None => USAGE,
    }
}
