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
pub(crate) use faults::{in_a_thread, segfault_at_exit, write_to_null};
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
    /// A one-line description with the arguments.
    pub about: &'static str,
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

const fn kind(name: &'static str, about: &'static str, act: Act) -> Kind {
    Kind {
        name,
        about,
        sends_verdict: false,
        act,
    }
}

const fn fatal(name: &'static str, about: &'static str, act: fn()) -> Kind {
    kind(name, about, Act::Fatal(act))
}

const fn other(name: &'static str, about: &'static str, act: fn(&[String]) -> Done) -> Kind {
    kind(name, about, Act::Other(act))
}

const fn verdict(name: &'static str, about: &'static str, act: fn(&[String]) -> Done) -> Kind {
    Kind {
        sends_verdict: true,
        ..other(name, about, act)
    }
}

/// A name that would confuse a terminal and a reader of /proc.
const STRANGE: &str = "\u{1b}[2J) R 1\n\"";

/// All kinds.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    other("pass", "exits with 0", |_| Ok(0)),
    other("exit-3", "exits with 3", |_| Ok(3)),
    other("exit-139", "exits with 139 by itself, the code that a shell gives SIGSEGV", |_| Ok(139)),
    fatal("segfault", "writes to the null address in the main thread", faults::write_to_null),
    fatal("segfault-thread", "writes to the null address in another thread",
        || in_a_thread("misbehaving", write_to_null)),
    fatal("segfault-wild", "writes to an unmapped address", faults::write_wild),
    fatal("segfault-non-canonical", "writes to a non-canonical address",
        faults::write_non_canonical),
    fatal("jump-nowhere", "calls a function at address 1", faults::jump_nowhere),
    fatal("abort", "calls abort", || std::process::abort()),
    other("bus-error", "writes to mapped memory beyond the end of its file", faults::bus_error),
    fatal("illegal-instruction", "runs an instruction that does not exist",
        faults::illegal_instruction),
    fatal("divide", "divides integers by zero, where the processor traps that", faults::divide),
    fatal("stack-overflow", "recurses without end; Rust's runtime reports it and aborts",
        faults::overflow),
    fatal("stack-overflow-plain", "recurses without end and without Rust's handler",
        faults::overflow_plain),
    fatal("uncaught-exception", "throws an uncaught C++ exception", faults::uncaught_exception),
    fatal("double-free", "frees the same memory twice", faults::double_free),
    other("handled-segfault", "faults, and its own handler mends the fault", faults::mend),
    fatal("handled-segfault-exit-42", "faults, and its own handler exits with 42", faults::exit_42),
    fatal("segfault-in-handler", "faults, and its own handler faults again", faults::fault_again),
    fatal("strange-name", "faults in a thread whose name confuses terminals and readers of /proc",
        || in_a_thread(STRANGE, write_to_null)),
    fatal("kill-self", "sends itself SIGKILL", hangs::kill_self),
    other("stop-self", "sends itself SIGSTOP", hangs::stop_self),
    fatal("hang", "hangs", hangs::hang),
    fatal("hang-ignoring-sigterm", "hangs and ignores SIGTERM", hangs::hang_ignoring_sigterm),
    other("slow-to-die", "[SECONDS=3] cleans up this long after SIGTERM, then exits with 0",
        hangs::slow_to_die),
    other("sleep", "SECONDS sleeps and exits with 0", hangs::sleep),
    other("flood-stdout", "[BYTES=2000000000] writes this much to standard output",
        descriptors::flood_stdout),
    other("garbage-events", "writes garbage to the events descriptor", descriptors::garbage_events),
    other("half-line", "writes half of a verdict to the events descriptor and exits with 0",
        descriptors::half_line),
    other("long-line", "[BYTES=1000000000] writes one line of that length to the events descriptor",
        descriptors::long_line),
    other("flood-all", "[BYTES=1000000000] writes this much, without newlines, to each descriptor",
        descriptors::flood_all),
    other("many-events", "[N=10000000] sends this many events: progress, measures, notes in turn",
        descriptors::many_events),
    other("closed-descriptors", "closes every descriptor, lives for 0.3 s and exits with 0",
        descriptors::close_all),
    other("hold-pipe", "[SECONDS=300] leaves a child in its group that holds its descriptors",
        descendants::hold_pipe),
    other("hold-pipe-setsid", "[SECONDS=300] leaves a daemon in another session that holds its pipes",
        descendants::hold_pipe_setsid),
    other("join-group", "joins the process group of its parent and hangs", descendants::join_group),
    other("fork-many", "[N=200] leaves this many daemons with a child each, in separate sessions",
        descendants::fork_many),
    other("fork-relay", "[SECONDS=300] leaves a process that starts a successor and ends, and so on",
        descendants::fork_relay),
    other("exec-other", "[KIND [ARGUMENT...]] becomes another program: true, or itself with KIND",
        descendants::exec_other),
    other("exec-other-thread", "[KIND [ARGUMENT...]] runs a program; a second thread becomes another",
        descendants::exec_other_thread),
    other("crash-when", "N M faults when the round modulo N is M, else exits with 0",
        faults::crash_when),
    other("crash-first-attempt", "faults in attempt 1 of every even round, else exits with 0",
        faults::crash_first_attempt),
    verdict("pass-verdict", "reports that the chapter passed and exits with 0",
        |_| verdicts::passed(0)),
    verdict("pass-verdict-exit-3", "reports that the chapter passed and exits with 3",
        |_| verdicts::passed(3)),
    verdict("fail-verdict", "reports that the chapter failed and exits with 1",
        |_| verdicts::failed(1)),
    verdict("fail-verdict-exit-0", "reports that the chapter failed and exits with 0",
        |_| verdicts::failed(0)),
    verdict("verdict-then-segfault", "reports that the chapter passed; an exit handler faults",
        |_| verdicts::passed_at_exit()),
    verdict("verdict-then-segfault-thread", "reports that the chapter passed; another thread faults",
        |_| verdicts::passed_then(|| in_a_thread("misbehaving", write_to_null))),
    verdict("verdict-then-hang", "reports that the chapter passed and never exits",
        |_| verdicts::passed_then(hangs::hang)),
    verdict("unavailable", "reports that its device is unavailable and exits with 1",
        verdicts::unavailable),
];

/// Runs the program and returns its exit code.
pub fn main(args: &[String]) -> i32 {
    let Some((name, rest)) = args.split_first() else {
        eprintln!("usage: misbehave KIND [ARGUMENT...]; the kinds:");
        for kind in KINDS {
            eprintln!("  {:<30}{}", kind.name, kind.about);
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
