//! The kinds of misbehaviour of the program `misbehave`. Each is real: it faults, floods or hangs.

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod arch;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod arch;
mod descendants;
mod descriptors;
mod faults;
mod hangs;
mod verdicts;

use std::error::Error;

pub(crate) use arch::DIVISION_TRAPS;
pub(crate) use faults::{segfault_at_exit, segfault_in_thread, write_to_null};
pub(crate) use hangs::wait_for_nothing;

/// The exit code for unknown kinds and wrong arguments.
pub const USAGE: i32 = 64;

/// The exit code of a process that survived what should have ended it.
const SURVIVED: i32 = 70;

/// What went wrong: mostly an argument, or a call that failed.
pub type Problem = Box<dyn Error + Send + Sync>;

/// The result if the process survives: an exit code.
pub type Done = Result<i32, Problem>;

/// One kind of misbehaviour.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name on the command line.
    pub name: &'static str,
    /// Whether it sends its own verdict, so that it cannot be a chapter's act in a sequence.
    pub sends_verdict: bool,
    act: Act,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Should end the process.
    Fatal(fn()),
    Other(fn(&[String]) -> Done),
}

impl Kind {
    /// Misbehaves. Returns an exit code if the process survives.
    ///
    /// # Errors
    /// An argument is invalid.
    pub fn act(&self, args: &[String]) -> Done {
        match self.act {
            Act::Fatal(act) => {
                act();
                Ok(SURVIVED)
            }
            Act::Other(act) => act(args),
        }
    }

    /// Finds a kind by name.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

const fn kind(name: &'static str, act: Act) -> Kind {
    Kind {
        name,
        sends_verdict: false,
        act,
    }
}

const fn fatal(name: &'static str, act: fn()) -> Kind {
    kind(name, Act::Fatal(act))
}

const fn other(name: &'static str, act: fn(&[String]) -> Done) -> Kind {
    kind(name, Act::Other(act))
}

const fn verdict(name: &'static str, act: fn(&[String]) -> Done) -> Kind {
    Kind {
        sends_verdict: true,
        ..other(name, act)
    }
}

/// All kinds. The catalogue describes them; their functions describe arguments.
pub const KINDS: &[Kind] = &[
    other("pass", |_| Ok(0)),
    other("exit-3", |_| Ok(3)),
    other("exit-139", |_| Ok(139)),
    fatal("segfault", faults::write_to_null),
    fatal("segfault-thread", faults::segfault_in_thread),
    fatal("segfault-wild", faults::write_wild),
    fatal("segfault-non-canonical", faults::write_non_canonical),
    fatal("jump-nowhere", faults::jump_nowhere),
    fatal("abort", || std::process::abort()),
    other("bus-error", faults::bus_error),
    fatal("illegal-instruction", faults::illegal_instruction),
    fatal("divide", faults::divide),
    fatal("stack-overflow", faults::overflow),
    fatal("stack-overflow-plain", faults::overflow_plain),
    fatal("uncaught-exception", faults::uncaught_exception),
    fatal("double-free", faults::double_free),
    other("handled-segfault", faults::mend),
    fatal("handled-segfault-exit-42", faults::exit_42),
    fatal("segfault-in-handler", faults::fault_again),
    fatal("strange-name", faults::segfault_in_strange_thread),
    fatal("kill-self", hangs::kill_self),
    other("stop-self", hangs::stop_self),
    fatal("hang", hangs::hang),
    fatal("hang-ignoring-sigterm", hangs::hang_ignoring_sigterm),
    other("slow-to-die", hangs::slow_to_die),
    other("sleep", hangs::sleep),
    other("flood-stdout", descriptors::flood_stdout),
    other("garbage-events", descriptors::garbage_events),
    other("half-line", descriptors::half_line),
    other("long-line", descriptors::long_line),
    other("flood-all", descriptors::flood_all),
    other("many-events", descriptors::many_events),
    other("closed-descriptors", descriptors::close_all),
    other("hold-pipe", descendants::hold_pipe),
    other("hold-pipe-setsid", descendants::hold_pipe_setsid),
    other("join-group", descendants::join_group),
    other("fork-many", descendants::fork_many),
    other("fork-relay", descendants::fork_relay),
    other("exec-other", descendants::exec_other),
    other("exec-other-thread", descendants::exec_other_thread),
    other("crash-when", faults::crash_when),
    other("crash-first-attempt", faults::crash_first_attempt),
    verdict("pass-verdict", |_| verdicts::passed(0)),
    verdict("pass-verdict-exit-3", |_| verdicts::passed(3)),
    verdict("fail-verdict", |_| verdicts::failed(1)),
    verdict("fail-verdict-exit-0", |_| verdicts::failed(0)),
    verdict("verdict-then-segfault", |_| verdicts::passed_at_exit()),
    verdict("verdict-then-segfault-thread", |_| {
        verdicts::passed_then(faults::segfault_in_thread)
    }),
    verdict("verdict-then-hang", |_| verdicts::passed_then(hangs::hang)),
    verdict("unavailable", verdicts::unavailable),
];

/// Runs the program and returns its exit code.
pub fn main(args: &[String]) -> i32 {
    let Some((name, rest)) = args.split_first() else {
        eprintln!("usage: misbehave KIND [ARGUMENT...]; the kinds:");
        for kind in KINDS {
            eprintln!("  {}", kind.name);
        }
        return USAGE;
    };
    let done = match Kind::named(name) {
        Some(kind) => kind.act(rest),
        None => Err("unknown kind; run without arguments for a list".into()),
    };
    done.unwrap_or_else(|wrong| {
        eprintln!("misbehave {name}: {wrong}");
        USAGE
    })
}

/// Parses a numeric argument, or returns the default if it is missing.
fn number(args: &[String], place: usize, default: Option<u64>) -> Result<u64, Problem> {
    match (args.get(place), default) {
        (Some(text), _) => text
            .replace('_', "")
            .parse()
            .map_err(|_| format!("`{text}` is not a number").into()),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(format!("argument {} is missing", place + 1).into()),
    }
}
