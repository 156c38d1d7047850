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
mod handlers;
mod hangs;
mod rounds;
mod verdicts;

pub(crate) use arch::DIVISION_TRAPS;
pub(crate) use faults::{in_a_thread, segfault_at_exit, write_to_null};
pub(crate) use hangs::wait_for_nothing;

/// The exit code for unknown kinds and wrong arguments.
pub const USAGE: i32 = 64;

/// The result if the process survives: an exit code, or what is wrong with an argument.
pub type Done = Result<i32, String>;

/// One kind of misbehaviour.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name on the command line.
    pub name: &'static str,
    /// A one-line description with the arguments.
    pub about: &'static str,
    /// Whether it sends its own verdict, so that it cannot be a chapter's act in a sequence.
    pub sends_verdict: bool,
    act: fn(&[String]) -> Done,
}

impl Kind {
    /// Misbehaves. Returns an exit code if the process survives.
    ///
    /// # Errors
    /// An argument is invalid.
    pub fn act(&self, args: &[String]) -> Done {
        (self.act)(args)
    }

    /// Finds a kind by name.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

const fn quiet(name: &'static str, about: &'static str, act: fn(&[String]) -> Done) -> Kind {
    Kind {
        name,
        about,
        sends_verdict: false,
        act,
    }
}

const fn speaking(name: &'static str, about: &'static str, act: fn(&[String]) -> Done) -> Kind {
    Kind {
        name,
        about,
        sends_verdict: true,
        act,
    }
}

/// All kinds.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    quiet("pass", "exits with 0", |_| Ok(0)),
    quiet("exit-3", "exits with 3", |_| Ok(3)),
    quiet("exit-139", "exits with 139 by itself, the code that a shell gives SIGSEGV", |_| Ok(139)),
    quiet("segfault", "writes to the null address in the main thread", faults::segfault),
    quiet("segfault-thread", "writes to the null address in another thread", faults::segfault_thread),
    quiet("segfault-wild", "writes to an unmapped address", faults::segfault_wild),
    quiet("segfault-non-canonical", "writes to a non-canonical address", faults::segfault_non_canonical),
    quiet("jump-nowhere", "calls a function at address 1", faults::jump_to_nowhere),
    quiet("abort", "calls abort", |_| std::process::abort()),
    quiet("bus-error", "writes to mapped memory beyond the end of its file", faults::bus_error),
    quiet("illegal-instruction", "runs an instruction that does not exist", faults::illegal_instruction),
    quiet("divide", "divides integers by zero, where the processor traps that", faults::divide),
    quiet("stack-overflow", "recurses without end; Rust's runtime reports it and aborts", faults::stack_overflow),
    quiet("stack-overflow-plain", "recurses without end and without Rust's handler", faults::stack_overflow_plain),
    quiet("uncaught-exception", "throws an uncaught C++ exception", faults::uncaught_exception),
    quiet("double-free", "frees the same memory twice", faults::double_free),
    quiet("handled-segfault", "faults, and its own handler mends the fault", handlers::mend),
    quiet("handled-segfault-exit-42", "faults, and its own handler exits with 42", handlers::exit_42),
    quiet("segfault-in-handler", "faults, and its own handler faults again", handlers::fault_again),
    quiet("strange-name", "faults in a thread whose name would confuse a terminal and a reader of /proc", handlers::strange_name),
    quiet("kill-self", "sends itself SIGKILL", hangs::kill_self),
    quiet("stop-self", "sends itself SIGSTOP", hangs::stop_self),
    quiet("hang", "hangs", hangs::hang),
    quiet("hang-ignoring-sigterm", "hangs and ignores SIGTERM", hangs::hang_ignoring_sigterm),
    quiet("slow-to-die", "[SECONDS=3] cleans up this long after SIGTERM, then exits with 0", hangs::slow_to_die),
    quiet("sleep", "SECONDS sleeps and exits with 0", hangs::sleep),
    quiet("flood-stdout", "[BYTES=2000000000] writes this much to standard output", descriptors::flood_stdout),
    quiet("garbage-events", "writes garbage to the events descriptor", descriptors::garbage_events),
    quiet("half-line", "writes half of a verdict to the events descriptor and exits with 0", descriptors::half_line),
    quiet("long-line", "[BYTES=1000000000] writes one line of that length to the events descriptor", descriptors::long_line),
    quiet("flood-all", "[BYTES=1000000000] writes this much without a newline to each of its descriptors", descriptors::flood_all),
    quiet("many-events", "[N=10000000] sends this many events: progress, measures, notes in turn", descriptors::many_events),
    quiet("closed-descriptors", "closes every descriptor, lives for 0.3 s and exits with 0", descriptors::close_all),
    quiet("hold-pipe", "[SECONDS=300] leaves a child in its group that holds its descriptors", descendants::hold_pipe),
    quiet("hold-pipe-setsid", "[SECONDS=300] leaves a daemon in another session that holds its descriptors", descendants::hold_pipe_setsid),
    quiet("join-group", "joins the process group of its parent and hangs", descendants::join_group),
    quiet("fork-many", "[N=200] leaves this many daemons with a child each, all in separate sessions", descendants::fork_many),
    quiet("fork-relay", "[SECONDS=300] leaves a process that starts a successor and ends, repeatedly", descendants::fork_relay),
    quiet("exec-other", "[KIND [ARGUMENT...]] becomes another program: true, or itself with KIND", descendants::exec_other),
    quiet("exec-other-thread", "[KIND [ARGUMENT...]] runs a program, then becomes another in a second thread", descendants::exec_other_thread),
    quiet("crash-when", "N M faults when the round modulo N is M, else exits with 0", rounds::crash_when),
    quiet("crash-first-attempt", "faults in attempt 1 of every even round, else exits with 0", rounds::crash_first_attempt),
    speaking("pass-verdict", "reports that the chapter passed and exits with 0", verdicts::pass),
    speaking("pass-verdict-exit-3", "reports that the chapter passed and exits with 3", verdicts::pass_exit_3),
    speaking("fail-verdict", "reports that the chapter failed and exits with 1", verdicts::fail),
    speaking("fail-verdict-exit-0", "reports that the chapter failed and exits with 0", verdicts::fail_exit_0),
    speaking("verdict-then-segfault", "reports that the chapter passed and faults in an exit handler", verdicts::then_segfault),
    speaking("verdict-then-segfault-thread", "reports that the chapter passed, then another thread faults", verdicts::then_segfault_thread),
    speaking("verdict-then-hang", "reports that the chapter passed and never exits", verdicts::then_hang),
    speaking("unavailable", "reports that its device is unavailable and exits with 1", verdicts::unavailable),
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
        None => Err("unknown kind; run without arguments for a list".to_owned()),
    };
    done.unwrap_or_else(|wrong| {
        eprintln!("misbehave {name}: {wrong}");
        USAGE
    })
}

/// Parses a numeric argument, or returns the default if it is missing.
fn number(args: &[String], place: usize, default: Option<u64>) -> Result<u64, String> {
    match (args.get(place), default) {
        (Some(text), _) => text
            .replace('_', "")
            .parse()
            .map_err(|_| format!("`{text}` is not a number")),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(format!("argument {} is missing", place + 1)),
    }
}
