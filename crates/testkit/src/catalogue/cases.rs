//! The cases.

use std::time::Duration;

use crashrate_model::{DiedIn, Exit, Outcome};

use super::{Case, InSequence};
use crate::misbehave::DIVISION_TRAPS;
use crate::platform::STACK_OVERFLOW_SIGNALS;

const AMPLE: Duration = Duration::from_secs(30);
/// For programs that write gigabytes to a supervisor that may be a debug build.
const LONG: Duration = Duration::from_secs(600);
/// For hangs: long enough to reach the hang.
const SHORT: Duration = Duration::from_secs(1);

/// Every case of this platform.
#[rustfmt::skip]
pub fn catalogue() -> Vec<Case> {
    let mut cases = vec![
        passes("pass", "the normal case"),
        exits("exit-3", 3, "an ordinary failure"),
        exits("exit-139", 139, "the code that a shell gives a segfault, but by itself: failed, not crashed"),
        crashes("segfault", &["SIGSEGV"], "a null write in the main thread"),
        crashes("segfault-thread", &["SIGSEGV"], "a null write in another thread"),
        crashes("segfault-wild", &["SIGSEGV"], "a write to an unmapped address"),
        crashes("segfault-non-canonical", &["SIGSEGV"], "an address that was overwritten with data"),
        crashes("jump-nowhere", &["SIGSEGV"], "an invalid function pointer"),
        crashes("abort", &["SIGABRT"], "what a failed assertion does"),
        crashes("bus-error", &["SIGBUS"], "a file that is shorter than its mapping"),
        crashes("illegal-instruction", &["SIGILL"], "a compiler's trap, or code for another processor"),
        crashes("stack-overflow", &["SIGABRT"], "Rust's runtime turns it into an abort"),
        crashes("stack-overflow-plain", STACK_OVERFLOW_SIGNALS, "as in other languages"),
        crashes("uncaught-exception", &["SIGABRT"], "std::terminate"),
        crashes("double-free", &["SIGABRT"], "the allocator notices and aborts"),
        passes("handled-segfault", "a fault that the program repairs is not a crash"),
        exits("handled-segfault-exit-42", 42, "a fault whose handler exits is a failure"),
        crashes("segfault-in-handler", &["SIGSEGV"], "a crash reporter that crashes itself"),
        crashes("strange-name", &["SIGSEGV"], "a thread name must not reach the terminal unescaped"),
        crashes("kill-self", &["SIGKILL"], "like the out-of-memory killer: suspected, never asserted"),
        hangs("stop-self", &["SIGKILL", "SIGTERM"], "stopped: SIGTERM has no effect until it is continued"),
        hangs("hang", &["SIGTERM"], "an ordinary hang"),
        hangs("hang-ignoring-sigterm", &["SIGKILL"], "only SIGKILL helps"),
        Case { exits: vec![Exit::Signal("SIGKILL".into()), Exit::Code(0)], ..hangs("slow-to-die", &[], "takes SIGTERM but needs 3 s: whatever it exits with then, it timed out") },
        sized(passes("flood-stdout", "2 GB of output, kept in bounds and drained"), "20000000"),
        Case { garbage: true, ..passes("garbage-events", "garbage on the events descriptor is a detail") },
        Case { garbage: true, sequence: Some(left_early("half-line")), ..passes("half-line", "a truncated last event does not count") },
        Case { garbage: true, ..sized(passes("long-line", "one line of 1 GB"), "5000000") },
        Case { garbage: true, ..sized(passes("flood-all", "1 GB without a newline on every descriptor"), "3000000") },
        sized(passes("many-events", "10 million events"), "100000"),
        Case { sequence: Some(left_early("closed-descriptors")), ..passes("closed-descriptors", "every pipe ends before the process does") },
        Case { leaves_processes: true, ..passes("hold-pipe", "a child in the same group keeps the pipes open") },
        Case { leaves_processes: true, ..passes("hold-pipe-setsid", "a daemon in another session keeps the pipes open") },
        Case { sequence: Some(left_early("exec-other")), ..passes("exec-other", "becomes the program `true`") },
        named("exec-other-segfault", with(crashes("exec-other", &["SIGSEGV"], "becomes a program that crashes"), &["segfault"])),
        named("exec-other-thread-segfault", with(crashes("exec-other-thread", &["SIGSEGV"], "a second thread becomes a program that crashes"), &["segfault"])),
        with(crashes("crash-when", &["SIGSEGV"], "crashes in every odd round; the catalogue is about round 1"), &["2", "1"]),
        passes("crash-first-attempt", "crashes in attempt 1 of every even round; the catalogue is about round 1"),
        sends_verdict(passes("pass-verdict", "a verdict that agrees with the exit code"), acts("pass", Outcome::Passed)),
        Case { sequence: None, ..exits("pass-verdict-exit-3", 3, "passed, but exits with 3: failed") },
        sends_verdict(exits("fail-verdict", 1, "the verdict is fail"), acts("fail", Outcome::Failed)),
        sends_verdict(Case { exits: vec![Exit::Code(0)], ..exits("fail-verdict-exit-0", 0, "the verdict is fail, the exit code 0") }, acts("fail", Outcome::Failed)),
        sends_verdict(crashes("verdict-then-segfault", &["SIGSEGV"], "passed, then dies in an exit handler: crashed while exiting"),
            InSequence { died_in: Some(DiedIn::Exit), whole: Outcome::Crashed, ..acts("segfault-at-exit", Outcome::Passed) }),
        sends_verdict(crashes("verdict-then-segfault-thread", &["SIGSEGV"], "passed, then another thread faults"),
            between("segfault-between-thread", Outcome::Crashed)),
        sends_verdict(hangs("verdict-then-hang", &["SIGTERM"], "passed, and never exits"), between("hang-between", Outcome::TimedOut)),
        sends_verdict(Case { outcome: Outcome::NotStarted, ..exits("unavailable", 1, "its device is unavailable: a set-up problem") },
            InSequence { last: Outcome::NotStarted, whole: Outcome::NotStarted, ..acts("unavailable", Outcome::NotStarted) }),
    ];
    if DIVISION_TRAPS {
        cases.push(crashes("divide", &["SIGFPE"], "an integer divided by zero"));
    }
    cases
}

fn passes(kind: &'static str, comment: &'static str) -> Case {
    case(kind, Outcome::Passed, vec![Exit::Code(0)], comment)
}

fn exits(kind: &'static str, code: i32, comment: &'static str) -> Case {
    case(kind, Outcome::Failed, vec![Exit::Code(code)], comment)
}

fn crashes(kind: &'static str, signals: &[&str], comment: &'static str) -> Case {
    case(kind, Outcome::Crashed, by(signals), comment)
}

fn hangs(kind: &'static str, signals: &[&str], comment: &'static str) -> Case {
    Case {
        time_limit: SHORT,
        ..case(kind, Outcome::TimedOut, by(signals), comment)
    }
}

fn by(signals: &[&str]) -> Vec<Exit> {
    let signals = signals.iter().copied();
    signals.map(|name| Exit::Signal(name.into())).collect()
}

/// A case that behaves the same in a sequence as alone.
fn case(kind: &'static str, outcome: Outcome, exits: Vec<Exit>, comment: &'static str) -> Case {
    let died = matches!(outcome, Outcome::Crashed | Outcome::TimedOut);
    let goes_on = outcome == Outcome::Passed;
    Case {
        name: kind.to_owned(),
        args: vec![kind.to_owned()],
        small: vec![kind.to_owned()],
        outcome,
        exits,
        time_limit: AMPLE,
        garbage: false,
        leaves_processes: false,
        sequence: Some(InSequence {
            last: if goes_on {
                Outcome::Passed
            } else {
                Outcome::Unreached
            },
            died_in: died.then(|| DiedIn::Chapter(kind.to_owned())),
            ..acts(kind, outcome)
        }),
        comment,
    }
}

/// An act with this outcome after which the sequence continues.
fn acts(act: &str, outcome: Outcome) -> InSequence {
    InSequence {
        act: act.to_owned(),
        args: Vec::new(),
        small: Vec::new(),
        outcome,
        last: Outcome::Passed,
        whole: outcome,
        died_in: None,
    }
}

/// An act that ends the process with 0 before its chapter has a verdict.
fn left_early(act: &str) -> InSequence {
    InSequence {
        last: Outcome::Unreached,
        ..acts(act, Outcome::Failed)
    }
}

/// The chapter passes, then the process dies before the next one begins.
fn between(act: &str, whole: Outcome) -> InSequence {
    InSequence {
        last: Outcome::Unreached,
        whole,
        died_in: Some(DiedIn::Between),
        ..acts(act, Outcome::Passed)
    }
}

/// A kind that sends its own verdict, with the equivalent act of `sequence-runner`.
fn sends_verdict(case: Case, sequence: InSequence) -> Case {
    Case {
        sequence: Some(sequence),
        ..case
    }
}

/// Adds arguments.
fn with(mut case: Case, args: &[&str]) -> Case {
    let args = || args.iter().map(|&arg| arg.to_owned());
    case.args.extend(args());
    case.small.extend(args());
    if let Some(sequence) = &mut case.sequence {
        sequence.args.extend(args());
        sequence.small.extend(args());
    }
    case
}

/// Full size by default; `small` in the small size.
fn sized(mut case: Case, small: &str) -> Case {
    case.small.push(small.to_owned());
    if let Some(sequence) = &mut case.sequence {
        sequence.small.push(small.to_owned());
    }
    case.time_limit = LONG;
    case
}

/// Renames a case.
fn named(name: &str, mut case: Case) -> Case {
    case.name = name.to_owned();
    if let Some(sequence) = &mut case.sequence
        && let Some(DiedIn::Chapter(chapter)) = &mut sequence.died_in
    {
        *chapter = name.to_owned();
    }
    case
}
