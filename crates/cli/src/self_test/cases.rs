//! The catalogue of the self-test: which program must come to which outcome.

use std::time::Duration;

use crashrate_model::{Ended, EvidenceMode, Exit, Outcome};

/// The time limit of a program that ends by itself: far above what that takes on a busy machine.
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
    exception: Option<Exception>,
}

/// How a program must end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    outcome: Outcome,
    /// The ends of the process that are right, as [`Exit`] says them. All are if there is none.
    exits: &'static [&'static str],
    /// What the reason or a note must contain.
    says: &'static str,
}

/// A mode in which another outcome is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exception {
    mode: EvidenceMode,
    expected: Expected,
    /// Why.
    pub(super) why: &'static str,
}

impl Case {
    /// How the program must end in this mode.
    pub(super) fn expected(&self, mode: EvidenceMode) -> Expected {
        self.exception(mode)
            .map_or(self.expected, |exception| exception.expected)
    }

    /// Why another outcome is right in this mode, if so.
    pub(super) fn exception(&self, mode: EvidenceMode) -> Option<Exception> {
        self.exception.filter(|exception| exception.mode == mode)
    }
}

impl Expected {
    /// Whether an attempt ended so.
    pub(super) fn is_met(&self, ended: &Ended) -> bool {
        let exit = ended.exit().map(Exit::to_string).unwrap_or_default();
        let said = || ended.reason.iter().chain(&ended.notes);
        ended.outcome == self.outcome
            && (self.exits.is_empty() || self.exits.contains(&exit.as_str()))
            && (self.says.is_empty() || said().any(|text| text.contains(self.says)))
    }

    /// The outcome in words.
    pub(super) fn words(&self) -> String {
        let mut words = self.outcome.word().to_owned();
        if !self.exits.is_empty() {
            words = format!("{words} ({})", self.exits.join(" or "));
        }
        if !self.says.is_empty() {
            words = format!("{words}, with `{}`", self.says);
        }
        words
    }
}

/// The note on a process that was killed. macOS has no way to find a process that left its group.
const LEFT_BEHIND: &str = if cfg!(target_os = "linux") {
    "left 1 process behind, killed"
} else {
    ""
};

const PASSED: Expected = ends(Outcome::Passed, &["exit code 0"]);
const TIMED_OUT: Expected = ends(Outcome::TimedOut, &[]);

/// The catalogue. Cases that this system does not have are skipped.
#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("pass", "exits with 0", PASSED),
    case("fail", "exits with 3", ends(Outcome::Failed, &["exit code 3"])),
    case("segfault", "writes into the null page", crashed(&["SIGSEGV"])),
    case("segfault-thread", "writes into the null page in a thread", crashed(&["SIGSEGV"])),
    case("segfault-at-exit", "a thread faults while the main thread exits with 0", crashed(&["SIGSEGV"])),
    case("segfault-handled", "faults; the handler repairs the fault", PASSED),
    case("abort", "calls abort", crashed(&["SIGABRT"])),
    case("stack-overflow", "recurses without end", crashed(&["SIGABRT", "SIGSEGV", "SIGBUS"])),
    case("illegal-instruction", "executes an instruction that does not exist", crashed(&["SIGILL", "SIGTRAP"])),
    case("kill-self", "sends itself SIGKILL", crashed(&["SIGKILL"])),
    case("realtime-signal", "raises a real-time signal", crashed(&["SIGRTMIN+3"])),
    case("hang", "never ends", TIMED_OUT).within(1),
    case("hang-ignoring-sigterm", "never ends and ignores SIGTERM", TIMED_OUT).within(1),
    case("stop-self", "sends itself SIGSTOP", TIMED_OUT.saying("SIGSTOP")).within(2),
    case("descendant", "a child segfaults, the parent exits with 139", Expected { outcome: Outcome::Crashed, exits: &["exit code 139"], says: "" })
        .except(EvidenceMode::None, ends(Outcome::Failed, &["exit code 139"]), "without evidence, only the exit code of the parent is known"),
    case("daemon", "leaves a process in a session of its own", PASSED.saying(LEFT_BEHIND)),
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
        exception: None,
    }
}

const fn ends(outcome: Outcome, exits: &'static [&'static str]) -> Expected {
    Expected {
        outcome,
        exits,
        says: "",
    }
}

const fn crashed(signals: &'static [&'static str]) -> Expected {
    ends(Outcome::Crashed, signals)
}

impl Expected {
    const fn saying(self, says: &'static str) -> Expected {
        Expected { says, ..self }
    }
}

impl Case {
    const fn within(self, seconds: u64) -> Case {
        Case {
            limit: Duration::from_secs(seconds),
            ..self
        }
    }

    const fn except(self, mode: EvidenceMode, expected: Expected, why: &'static str) -> Case {
        Case {
            exception: Some(Exception {
                mode,
                expected,
                why,
            }),
            ..self
        }
    }
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
