//! The misbehaving programs of `crashrate doctor --self-test`. Each kind misbehaves for real: it faults, hangs, floods or
//! leaves a process behind.
//!
//! The programs must work on a machine that has only the installed binary, so the binary is all of them.

mod faults;
#[cfg(target_os = "linux")]
mod linux;
mod processes;
mod signals;

use std::path::Path;

/// The subcommand that misbehaves.
const COMMAND: &str = "misbehave";
/// The exit code of a kind that was to die or hang, and did not.
const SURVIVED: i32 = 70;
/// The exit code of a kind that could not do what it is for.
const FAILED: i32 = 71;
/// The exit code for a kind that does not exist.
const USAGE: i32 = 64;

/// A way to misbehave. It returns an exit code if the process survives.
type Act = fn() -> i32;

/// The ways to misbehave, by name.
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

/// The names of the ways to misbehave here.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// The command for one of them.
pub fn command(program: &str, kind: &str) -> Vec<String> {
    [program, COMMAND, kind].map(str::to_owned).to_vec()
}

/// Whether this is such a command of this program.
pub(crate) fn is_command(argv: &[String]) -> bool {
    let own = || std::env::current_exe().ok();
    matches!(argv, [program, command, _] if command == COMMAND && own().as_deref() == Some(Path::new(program)))
}

/// Misbehaves in the way of that name. Returns an exit code if the process survives.
pub fn misbehave(kind: &str) -> i32 {
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, act)) => act(),
        None => USAGE,
    }
}
