//! The catalogue of the self-test: misbehaving programs and the outcome that each must have.

use std::time::Duration;

use crashrate_model::{Ended, EvidenceMode, Exit, Outcome};

/// Time limit of programs that end by themselves: far more than they need on a busy machine.
const USUAL_LIMIT: Duration = Duration::from_secs(60);

/// A program that misbehaves.
#[derive(Debug)]
pub(super) struct Case {
    /// The argument of `crashrate misbehave`.
    pub(super) kind: &'static str,
    /// What the program does.
    pub(super) about: &'static str,
    /// Its time limit.
    pub(super) limit: Duration,
    expected: Expected,
    /// The expected end without evidence where that is another one, and why.
    unobserved: Option<(Expected, &'static str)>,
}

/// How a program must end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    outcome: Outcome,
    /// The accepted exits, as [`Exit`] prints them. Empty: any.
    exits: &'static [&'static str],
    /// Text that the reason or a note must contain.
    contains: &'static str,
}

impl Case {
    /// The expected end in this mode.
    pub(super) fn expected(&self, mode: EvidenceMode) -> Expected {
        match self.unobserved {
            Some((expected, _)) if mode == EvidenceMode::None => expected,
            _ => self.expected,
        }
    }

    /// Why this mode has another expected end than the others.
    pub(super) fn exception(&self, mode: EvidenceMode) -> Option<&'static str> {
        let unobserved = self.unobserved.filter(|_| mode == EvidenceMode::None);
        unobserved.map(|(_, why)| why)
    }

    const fn unobserved(self, expected: Expected, why: &'static str) -> Case {
        Case {
            unobserved: Some((expected, why)),
            ..self
        }
    }

    const fn within(self, seconds: u64) -> Case {
        Case {
            limit: Duration::from_secs(seconds),
            ..self
        }
    }
}

impl Expected {
    const fn with_text(self, contains: &'static str) -> Expected {
        Expected { contains, ..self }
    }

    pub(super) fn is_met(&self, ended: &Ended) -> bool {
        let exit = ended.exit().map(Exit::to_string).unwrap_or_default();
        let mut texts = ended.reason.iter().chain(&ended.notes);
        ended.outcome == self.outcome
            && (self.exits.is_empty() || self.exits.contains(&exit.as_str()))
            && (self.contains.is_empty() || texts.any(|text| text.contains(self.contains)))
    }

    pub(super) fn words(&self) -> String {
        let mut words = self.outcome.word().to_owned();
        if !self.exits.is_empty() {
            words = format!("{words} ({})", self.exits.join(" or "));
        }
        if !self.contains.is_empty() {
            words = format!("{words}, with `{}`", self.contains);
        }
        words
    }
}

/// The note on a killed process. macOS cannot find a process that left its group.
const LEFT_BEHIND: &str = if cfg!(target_os = "linux") {
    "left 1 process behind, killed"
} else {
    ""
};

const PASSED: Expected = ends(Outcome::Passed, &["exit code 0"]);
const TIMED_OUT: Expected = ends(Outcome::TimedOut, &[]);

/// Cases that this platform does not have are skipped.
#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("pass", "exits with 0", PASSED),
    case("fail", "exits with 3", ends(Outcome::Failed, &["exit code 3"])),
    case("segfault", "writes into the null page", crashed(&["SIGSEGV"])),
    case("segfault-thread", "writes into the null page in a thread", crashed(&["SIGSEGV"])),
    case("segfault-at-exit", "a thread faults while the main thread exits with 0",
        crashed(&["SIGSEGV"])),
    case("segfault-handled", "faults; the handler repairs the fault", PASSED),
    case("abort", "calls abort", crashed(&["SIGABRT"])),
    case("stack-overflow", "recurses without end", crashed(&["SIGABRT", "SIGSEGV", "SIGBUS"])),
    case("illegal-instruction", "executes an instruction that does not exist",
        crashed(&["SIGILL", "SIGTRAP"])),
    case("kill-self", "sends itself SIGKILL", crashed(&["SIGKILL"])),
    case("realtime-signal", "raises a real-time signal", crashed(&["SIGRTMIN+3"])),
    case("hang", "never ends", TIMED_OUT).within(1),
    case("hang-ignoring-sigterm", "never ends and ignores SIGTERM", TIMED_OUT).within(1),
    case("stop-self", "sends itself SIGSTOP", TIMED_OUT.with_text("SIGSTOP")).within(2),
    case("descendant", "a child segfaults, the parent exits with 139",
        ends(Outcome::Crashed, &["exit code 139"]))
        .unobserved(ends(Outcome::Failed, &["exit code 139"]),
            "without evidence, only the exit code of the parent is known"),
    case("daemon", "leaves a process in another session", PASSED.with_text(LEFT_BEHIND)),
    case("flood", "writes 64 MiB to standard output", PASSED),
    case("terminal", "opens /dev/tty, which must fail", PASSED),
    case("ignored-sigchld", "waits in epoll_wait while a child ends", PASSED),
];

const fn case(kind: &'static str, about: &'static str, expected: Expected) -> Case {
    Case {
        kind,
        about,
        limit: USUAL_LIMIT,
        expected,
        unobserved: None,
    }
}

const fn ends(outcome: Outcome, exits: &'static [&'static str]) -> Expected {
    Expected {
        outcome,
        exits,
        contains: "",
    }
}

const fn crashed(signals: &'static [&'static str]) -> Expected {
    ends(Outcome::Crashed, signals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_one_case() {
        for kind in crashrate_supervisor::misbehave::kinds() {
            let count = CASES.iter().filter(|case| case.kind == kind).count();
            assert_eq!(count, 1, "{kind}");
        }
    }
}
