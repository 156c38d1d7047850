//! Exit codes that mean more than success or failure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Framework, OutputRules};

/// What the exit codes of a test mean. A signal is a crash whatever is declared here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExitCodes {
    /// Codes that mean a crash, such as a shell's 139.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub crashed: BTreeSet<i32>,
    /// Codes that mean a skipped test.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skipped: BTreeSet<i32>,
    /// Whether 0 means failure and every other code means success: CTest's `WILL_FAIL`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inverted: bool,
    /// What the output means beside the exit code.
    #[serde(skip_serializing_if = "OutputRules::is_empty")]
    pub output: OutputRules,
}

/// What an exit code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitMeaning {
    /// The test passed.
    Passed,
    /// The test failed.
    Failed,
    /// The test did not run.
    Skipped,
    /// The test crashed.
    Crashed,
}

impl ExitCodes {
    /// The meaning of an exit code.
    pub fn meaning(&self, code: i32) -> ExitMeaning {
        if self.skipped.contains(&code) {
            ExitMeaning::Skipped
        } else if self.crashed.contains(&code) {
            ExitMeaning::Crashed
        } else if (code == 0) != self.inverted {
            ExitMeaning::Passed
        } else {
            ExitMeaning::Failed
        }
    }

    /// Whether nothing is declared.
    pub fn is_default(&self) -> bool {
        *self == ExitCodes::default()
    }
}

/// An exit code that means a crash only beside a line on standard error: the code alone can also
/// mean that a test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CrashMark {
    /// The exit code.
    code: i32,
    /// What the line begins with, after a sanitizer's `==PID==` or `FILE:LINE:COLUMN: `.
    line: &'static str,
    /// Who prints the line.
    tool: &'static str,
}

/// A mark that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMark {
    /// Who printed the line.
    pub tool: &'static str,
    /// The line, if it is the same for the same crash.
    pub line: Option<String>,
}

const fn mark(code: i32, line: &'static str, tool: &'static str) -> CrashMark {
    CrashMark { code, line, tool }
}

/// Marks that any program can have. The codes are the sanitizers' defaults of the option
/// `exitcode`, which each sets in its own `InitializeFlags` (compiler-rt). A program with another
/// `exitcode` needs a declared exit code.
const EVERYWHERE: &[CrashMark] = &[
    mark(1, "ERROR: AddressSanitizer", "AddressSanitizer"),
    mark(99, "ERROR: HWAddressSanitizer", "HWAddressSanitizer"),
    mark(1, "ERROR: LeakSanitizer", "LeakSanitizer"),
    mark(23, "ERROR: LeakSanitizer", "LeakSanitizer"),
    mark(77, "WARNING: MemorySanitizer", "MemorySanitizer"),
    mark(66, "WARNING: ThreadSanitizer", "ThreadSanitizer"),
    mark(66, "ERROR: ThreadSanitizer", "ThreadSanitizer"),
    mark(1, "runtime error: ", "UndefinedBehaviorSanitizer"),
    mark(
        1,
        "ERROR: UndefinedBehaviorSanitizer",
        "UndefinedBehaviorSanitizer",
    ),
    mark(1, "Fatal Python error: ", "Python"),
];

/// The Go runtime catches SIGSEGV, prints one of these and exits with 2.
const GO: &[CrashMark] = &[
    mark(2, "panic: ", "Go"),
    mark(2, "fatal error: ", "Go"),
    mark(2, "SIGSEGV: segmentation violation", "Go"),
    mark(2, "SIGBUS: bus error", "Go"),
    mark(2, "SIGFPE: floating-point exception", "Go"),
    mark(2, "SIGILL: illegal instruction", "Go"),
    mark(2, "SIGABRT: abort", "Go"),
];

/// Finds the mark that makes this exit code a crash, in the kept parts of standard error.
pub fn crash_mark(framework: Option<Framework>, code: i32, stderr: &[u8]) -> Option<FoundMark> {
    let own = if framework == Some(Framework::Go) {
        GO
    } else {
        &[]
    };
    let marks: Vec<&CrashMark> = EVERYWHERE
        .iter()
        .chain(own)
        .filter(|mark| mark.code == code)
        .collect();
    if marks.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(stderr);
    text.lines().find_map(|line| {
        // `runtime error: ` alone is not UndefinedBehaviorSanitizer's.
        let line = match without_position(line) {
            Some(rest) => rest,
            None if line.starts_with("runtime error: ") => return None,
            None => without_pid(line),
        };
        let mark = marks.iter().find(|mark| line.starts_with(mark.line))?;
        // A sanitizer's line has addresses and the pid.
        let says_why = ["Go", "Python"].contains(&mark.tool);
        Some(FoundMark {
            tool: mark.tool,
            line: says_why.then(|| line.to_owned()),
        })
    })
}

/// The line without a sanitizer's `==PID==`; ThreadSanitizer does not print it.
fn without_pid(line: &str) -> &str {
    let rest = line
        .strip_prefix("==")
        .and_then(|rest| rest.split_once("=="));
    match rest {
        Some((pid, rest)) if is_number(pid) => rest,
        _ => line,
    }
}

/// The line behind `FILE:LINE:COLUMN: `, if it is an error of UndefinedBehaviorSanitizer.
fn without_position(line: &str) -> Option<&str> {
    let at = line.find(": runtime error: ")?;
    let mut parts = line[..at].rsplitn(3, ':');
    let numbers = parts
        .by_ref()
        .take(2)
        .filter(|part| is_number(part))
        .count();
    (numbers == 2 && parts.next().is_some()).then_some(&line[at + 2..])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_codes_come_before_the_usual_meaning() {
        let codes = ExitCodes {
            crashed: [134, 139].into(),
            skipped: [77].into(),
            ..ExitCodes::default()
        };
        assert_eq!(codes.meaning(0), ExitMeaning::Passed);
        assert_eq!(codes.meaning(1), ExitMeaning::Failed);
        assert_eq!(codes.meaning(77), ExitMeaning::Skipped);
        assert_eq!(codes.meaning(139), ExitMeaning::Crashed);
        let inverted = ExitCodes {
            inverted: true,
            ..codes
        };
        assert_eq!(inverted.meaning(0), ExitMeaning::Failed);
        assert_eq!(inverted.meaning(1), ExitMeaning::Passed);
        assert_eq!(inverted.meaning(139), ExitMeaning::Crashed);
    }

    #[test]
    fn a_code_is_a_crash_only_beside_the_line_of_the_tool() {
        let tool = |framework, code, text: &str| {
            crash_mark(framework, code, text.as_bytes()).map(|mark| mark.tool)
        };
        let asan = "x\n==4711==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n";
        assert_eq!(tool(None, 1, asan), Some("AddressSanitizer"));
        assert_eq!(tool(None, 2, asan), None);
        assert_eq!(tool(None, 1, "no ERROR: AddressSanitizer here"), None);
        let tsan = "==================\nWARNING: ThreadSanitizer: data race (pid=4)\n";
        assert_eq!(tool(None, 66, tsan), Some("ThreadSanitizer"));
        let undefined = "san/u.cc:1:43: runtime error: signed integer overflow\n";
        assert_eq!(tool(None, 1, undefined), Some("UndefinedBehaviorSanitizer"));
        assert_eq!(
            tool(None, 1, "x: runtime error: no\nruntime error: no\n"),
            None
        );
        let panic = "panic: runtime error\n[signal SIGSEGV: segmentation violation]\n";
        assert_eq!(tool(Some(Framework::Go), 2, panic), Some("Go"));
        assert_eq!(tool(Some(Framework::Gtest), 2, panic), None);
    }
}
