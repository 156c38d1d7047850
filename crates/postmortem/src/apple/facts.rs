//! Facts read from a report of either format, and their conversion to a [`Crash`].

use super::Report;
use crate::class::{self, Faulted};
use crate::crash::{Crash, Fault, Frame, Hex, Thread};
use crate::message;
use crate::names::demangle;
use crate::signature::signature;

/// Upper bounds on the frames, threads and modules kept.
pub(super) const MAX_FRAMES: usize = 200;
const MAX_THREADS: usize = 64;
const MAX_MODULES: usize = 512;
/// Maximum length of an address description, in characters.
const MAX_REGION: usize = 200;
/// Name of the pseudo-thread that holds the stack of an uncaught exception.
const THROWN: &str = "exception backtrace";
/// Maximum number of lines of application-specific information read.
const MAX_LINES: usize = 200;
/// Lines of application-specific information that do not describe the failure.
const NOISE: &[&str] = &["abort() called", "dyld config:", "dyld4 config:"];

/// The content of a report.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The finished parts of the report. Its crash has the process ID, the threads, the modules and
    /// the notes, and as code, for example, `KERN_INVALID_ADDRESS at 0x0000000000000008`.
    pub(super) report: Report,
    /// For example `EXC_BAD_ACCESS`.
    pub(super) exception: String,
    /// The signal's name; empty if the report has none.
    pub(super) signal: String,
    /// The exception's second code: the address of a bad access.
    pub(super) second_code: Option<u64>,
    /// The system's description of the memory around the address.
    pub(super) region: String,
    /// Application-specific information.
    pub(super) information: String,
    /// Index of the thread that crashed.
    pub(super) crashed: Option<usize>,
    /// The stack on which the uncaught exception was thrown.
    pub(super) thrown: Vec<Frame>,
}

impl Facts {
    pub(super) fn report(mut self) -> Report {
        let mut crash = std::mem::take(&mut self.report.crash);
        let crashed = self.crashed.filter(|&at| at < crash.threads.len());
        if let Some(at) = crashed {
            // The crashed thread comes first, whatever its position in the report.
            crash.threads[..=at].rotate_right(1);
        }
        crash.threads.truncate(MAX_THREADS);
        crash.thread = crashed.map(|_| crash.threads[0].tid);
        let address = self.address(&crash);
        crash.class = self.class(&crash, address);
        if !self.thrown.is_empty() {
            // The throw site identifies the bug; the runtime's abort path is the same for every
            // exception.
            let is_second = crash.class != "ABRT_TERMINATE";
            let thrown = Thread {
                tid: crash.thread.unwrap_or(0),
                name: THROWN.into(),
                complete: true,
                frames: self.thrown,
                ..Thread::default()
            };
            let at = usize::from(is_second).min(crash.threads.len());
            crash.threads.insert(at, thrown);
        }
        crash.signature = signature(&crash.class, innermost(&crash), &crash.modules);
        crash.signal = Some(self.signal).filter(|s| !s.is_empty());
        crash.fault = address.map(|address| Fault {
            address: Hex(address),
            access: None,
            mapping: Some(mapping(&self.region)),
        });
        crash.modules.truncate(MAX_MODULES);
        let is_telling = |line: &&str| !NOISE.iter().any(|noise| line.trim().starts_with(noise));
        let information = self.information.lines().filter(is_telling);
        let information: Vec<&str> = information.take(MAX_LINES).collect();
        if let Some(message) = message::of_report(&information.join("\n")) {
            crash.set_message(&message);
        }
        Report {
            crash,
            ..self.report
        }
    }

    /// The address of the failed memory access, if the report gives it.
    fn address(&self, crash: &Crash) -> Option<u64> {
        let subtype = crash.code.as_deref().unwrap_or_default();
        let is_known = self.exception == "EXC_BAD_ACCESS" && !subtype.contains("GPFLT");
        address_in(subtype).or(self.second_code.filter(|_| is_known))
    }

    fn class(&self, crash: &Crash, address: Option<u64>) -> String {
        let is_memory = (crash.code.as_deref()).is_some_and(|code| code.starts_with("KERN_"));
        match self.signal.as_str() {
            _ if self.report.code_signing => "KILL_CODESIGNING".to_owned(),
            "SIGABRT" if !self.thrown.is_empty() => "ABRT_TERMINATE".to_owned(),
            "SIGABRT" => class::of_abort(innermost(crash)),
            "SIGSEGV" | "SIGBUS" if is_in_guard(&self.region) => "SEGV_STACK".to_owned(),
            // Protection errors and missing pages raise either SIGSEGV or SIGBUS.
            "SIGBUS" if is_memory && address.is_some() => fault("SIGSEGV", address),
            "" if self.exception.is_empty() => "unknown".to_owned(),
            "" => self.exception.clone(),
            signal => fault(signal, address),
        }
    }
}

/// The frames of the first thread.
fn innermost(crash: &Crash) -> &[Frame] {
    crash.main_thread().map_or(&[], |thread| &thread.frames)
}

fn fault(signal: &str, address: Option<u64>) -> String {
    class::of_fault(Faulted {
        signal,
        address,
        ..Faulted::default()
    })
}

/// Parses the number after `at`: `KERN_INVALID_ADDRESS at 0x0000000000000008`, `UNKNOWN_0x32 at
/// 0x000000010101c000`.
fn address_in(subtype: &str) -> Option<u64> {
    let (_, digits) = subtype.split_once(" at 0x")?;
    hex_prefix(digits)
}

/// The hexadecimal number at the start of the text.
pub(super) fn hex_prefix(digits: &str) -> Option<u64> {
    let end = digits
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    u64::from_str_radix(&digits[..end], 16).ok()
}

/// The second exception code, unless it is meaningless: x86-64 gives no address for a general
/// protection fault.
pub(super) fn second(first: u64, second: u64) -> Option<u64> {
    const GENERAL_PROTECTION_FAULT: u64 = 13;
    (first != GENERAL_PROTECTION_FAULT).then_some(second)
}

/// The report's description of the address, such as `0x8 is not in any region`.
fn mapping(region: &str) -> String {
    let first = region.lines().next().unwrap_or_default();
    let is_described = first.contains(" is in ") || first.contains(" is not in ");
    let end = first.find([';', '.']).unwrap_or(first.len());
    match is_described {
        true => first[..end].trim().chars().take(MAX_REGION).collect(),
        false => "the report does not say what is mapped there".to_owned(),
    }
}

/// Whether the address lies in a stack's guard page. The line with the arrow is the region of the
/// address; the others are its neighbours.
fn is_in_guard(region: &str) -> bool {
    let is_arrow = |line: &str| line.trim_start().starts_with("--");
    (region.lines()).any(|line| is_arrow(line) && line.to_uppercase().contains("STACK GUARD"))
}

/// Splits `SIGKILL (Code Signature Invalid)` into the signal and whether the code signature was
/// invalid.
pub(super) fn signal(text: &str) -> (String, bool) {
    let name = text.split_whitespace().next().unwrap_or_default();
    let name = if name.starts_with("SIG") { name } else { "" };
    (name.to_owned(), text.contains("Code Signature Invalid"))
}

/// A function's name without its arguments. macOS demangles C++ names itself and keeps the
/// arguments.
pub(super) fn function(symbol: &str) -> String {
    let name = demangle(symbol);
    let is_objective_c = symbol.starts_with("-[") || symbol.starts_with("+[");
    if name != symbol || is_objective_c {
        return name;
    }
    // An opening parenthesis after a name begins the arguments; any other is part of the name.
    let chars: Vec<(usize, char)> = symbol.char_indices().collect();
    let mut depth = 0;
    for (place, &(at, c)) in chars.iter().enumerate() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            '(' if depth == 0 && place > 0 => {
                let before = chars[place - 1].1;
                if (before.is_alphanumeric() || "_>".contains(before))
                    && !symbol[..at].ends_with("operator")
                {
                    return symbol[..at].to_owned();
                }
            }
            _ => {}
        }
    }
    name
}
