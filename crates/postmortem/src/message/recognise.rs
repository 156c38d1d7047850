//! Recognises the lines by which programs, libraries and runtimes report a failure.

use super::{Kind, VIRTUAL_METHOD};
use crate::lists::MESSAGES;

const SANITIZERS: &[&str] = &[
    "AddressSanitizer: ",
    "HWAddressSanitizer: ",
    "ThreadSanitizer: ",
    "MemorySanitizer: ",
    "LeakSanitizer: ",
    "UndefinedBehaviorSanitizer: ",
];

/// How many lines ahead to search for a message's second line.
const LOOK_AHEAD: usize = 3;

/// Returns the message that starts in the first of these lines, and its text.
pub(super) fn message(lines: &[&str]) -> Option<(Kind, String)> {
    let (line, rest) = lines.split_first()?;
    let near = &rest[..rest.len().min(LOOK_AHEAD)];
    let next = || near.iter().map(|l| l.trim()).find(|l| !l.is_empty());
    assertion(line)
        .map(|text| (Kind::Assertion, text))
        .or_else(|| check(line, next()).map(|text| (Kind::Check, text)))
        .or_else(|| malloc(line).map(|text| (Kind::Malloc, text)))
        .or_else(|| libc(line).map(|text| (Kind::Libc, text)))
        .or_else(|| terminate(line, rest).map(|text| (Kind::Terminate, text)))
        .or_else(|| sanitizer(line, next()).map(|text| (Kind::Sanitizer, text)))
        .or_else(|| rust(line, next()).map(|text| (Kind::Rust, text)))
        .or_else(|| python(line).map(|text| (Kind::Python, text)))
        .or_else(|| java(line, next()).map(|text| (Kind::Java, text)))
        .or_else(|| swift(line).map(|text| (Kind::Swift, text)))
        .or_else(|| go(line).map(|text| (Kind::Go, text)))
}

/// The text between `begin` and the last occurrence of `end`.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(begin)?;
    let (inner, _) = after.rsplit_once(end)?;
    Some(inner)
}

fn assertion(line: &str) -> Option<String> {
    let condition = between(line, "Assertion `", "' failed") // glibc, Node
        .or_else(|| between(line, "Assertion '", "' failed")) // libstdc++
        .or_else(|| between(line, "Assertion failed: (", "), function ")) // macOS
        .or_else(|| between(line, "Assertion failed: ", " (")) // musl
        .or_else(|| {
            // glibc 2.37: `Fatal glibc error: malloc.c:2599 (sysmalloc): assertion failed:
            // CONDITION`
            let fatal = line.starts_with("Fatal glibc error: ");
            let (_, condition) = line.split_once("assertion failed: ").filter(|_| fatal)?;
            Some(condition)
        })?;
    Some(format!("Assertion '{}' failed", condition.trim()))
}

/// Assertions and checks with a formatted text.
fn check(line: &str, next: Option<&str>) -> Option<String> {
    // Metal: `-[Class method]:123: failed assertion `TEXT'`; the text may continue on the following
    // lines.
    if let Some((_, text)) = line.split_once("failed assertion `") {
        let text = text.trim_end().trim_end_matches('\'');
        return Some(format!("failed assertion `{text}'"));
    }
    // libc++: `FILE:LINE: assertion CONDITION failed: TEXT`
    if let Some((before, text)) = line.split_once(": assertion ")
        && before.ends_with(|c: char| c.is_ascii_digit())
        && text.contains(" failed")
    {
        return Some(format!("assertion {text}"));
    }
    // glog, absl, V8, Chromium
    if let Some((_, text)) = line.split_once("Check failed: ") {
        return Some(format!("Check failed: {text}"));
    }
    if let Some(text) = line.strip_prefix("FATAL ERROR: ") {
        return Some(format!("FATAL ERROR: {text}"));
    }
    let text = next?.strip_prefix("# ")?;
    let is_v8 = line.starts_with("# Fatal error in ") && !text.starts_with("Check failed: ");
    is_v8.then(|| text.to_owned())
}

fn malloc(line: &str) -> Option<String> {
    // macOS: `app(12,0x7f) malloc: *** error for object 0x7f: TEXT`; glibc before 2.26: `*** Error
    // in `app': TEXT: 0x7f ***`
    if let Some((_, text)) = line.split_once("malloc: *** error ") {
        return Some(format!("error {text}"));
    }
    if let Some(text) = line.strip_prefix("*** Error in `") {
        let (_, text) = text.split_once("': ")?;
        return Some(text.trim_end_matches(" ***").to_owned());
    }
    if let Some(text) = line.strip_prefix("*** error for object ") {
        return Some(format!("error for object {text}"));
    }
    let is_one = MESSAGES.lists("malloc", line);
    is_one.then(|| line.to_owned())
}

/// `*** stack smashing detected ***: terminated`
fn libc(line: &str) -> Option<String> {
    let text = line.strip_prefix("*** ")?;
    let (text, end) = text.split_once(" ***")?;
    end.ends_with("terminated").then(|| text.to_owned())
}

fn terminate(line: &str, rest: &[&str]) -> Option<String> {
    // libstdc++ prints the exception's own text on the next line.
    if let Some(of) = between(
        line,
        "terminate called after throwing an instance of '",
        "'",
    ) {
        let what = rest.first().and_then(|l| l.split_once("what():"));
        return Some(match what {
            Some((_, what)) => format!("{of}: {}", what.trim()),
            None => format!("exception of type {of}"),
        });
    }
    if line.ends_with(VIRTUAL_METHOD) {
        return Some(line.to_owned());
    }
    // A second thread's `terminate called recursively` adds nothing to the first message.
    if line.starts_with("terminate called ") && !line.ends_with("recursively") {
        return Some(line.to_owned());
    }
    // libc++abi: `libc++abi: terminating due to uncaught exception of type T: TEXT`
    if let Some((_, text)) = line.split_once("libc++abi") {
        let (_, text) = text.split_once(": ")?;
        let text = text.strip_prefix("terminating ").unwrap_or(text);
        let uncaught = text.split_once("uncaught exception of type ");
        let text = uncaught.map_or(text, |(_, of)| of);
        // Foundation has already named the exception.
        return (text != "NSException").then(|| text.to_owned());
    }
    // Foundation
    let (_, text) = line.split_once("*** Terminating app due to uncaught exception '")?;
    match text.split_once("', reason: ") {
        Some((name, reason)) => {
            let reason = reason.strip_prefix('\'').unwrap_or(reason);
            let reason = reason.trim_end().trim_end_matches('\'');
            Some(format!("{name}: {reason}"))
        }
        None => Some(text.trim_end_matches('\'').to_owned()),
    }
}

fn sanitizer(line: &str, next: Option<&str>) -> Option<String> {
    if let Some((place, text)) = line.split_once(": runtime error: ")
        && place.ends_with(|c: char| c.is_ascii_digit())
    {
        return Some(format!("runtime error: {text}"));
    }
    // ThreadSanitizer reports cannot be matched to the stack; the summary line names the function.
    if let Some(text) = line.strip_prefix("SUMMARY: ")
        && text.starts_with("ThreadSanitizer: ")
    {
        return Some(text.to_owned());
    }
    // `==123==ERROR: AddressSanitizer: KIND on address 0x7f at pc 0x55 ...`
    let at = SANITIZERS.iter().find_map(|name| {
        let at = line.find(name)?;
        let before = line[..at].trim_end();
        (before.ends_with("ERROR:") || before.ends_with("WARNING:")).then_some(at)
    })?;
    let text = &line[at..];
    let end = [
        " on address ",
        " on unknown address ",
        " on 0x",
        " (pid=",
        ": 0x",
        " in thread ",
    ]
    .iter()
    .filter_map(|end| text.find(end))
    .min()
    .unwrap_or(text.len());
    let access = next.and_then(|next| {
        let access = ["READ of size ", "WRITE of size "]
            .iter()
            .find(|a| next.starts_with(**a))?;
        let size = next[access.len()..].split_whitespace().next()?;
        Some(format!(", {access}{size}"))
    });
    Some(format!("{}{}", &text[..end], access.unwrap_or_default()))
}

fn rust(line: &str, next: Option<&str>) -> Option<String> {
    if line.starts_with("memory allocation of ") && line.contains(" bytes failed") {
        return Some(line.to_owned());
    }
    if let Some(text) = line.strip_prefix("fatal runtime error: ") {
        return Some(text.to_owned());
    }
    let (thread, place) = line.split_once(" panicked at ")?;
    if !thread.starts_with("thread ") {
        return None;
    }
    // Before Rust 1.73 the text came first: `panicked at 'TEXT', src/main.rs:2:5`.
    let text = match place.strip_prefix('\'') {
        Some(text) => text.rsplit_once("', ")?.0,
        None if place.ends_with(':') => next?,
        None => return None,
    };
    (!MESSAGES.lists("rust-second", text)).then(|| format!("panicked: {text}"))
}

fn go(line: &str) -> Option<String> {
    ["panic: ", "fatal error: "]
        .iter()
        .any(|begin| line.starts_with(begin))
        .then(|| line.to_owned())
}

fn python(line: &str) -> Option<String> {
    let text = line.strip_prefix("Fatal Python error: ")?;
    let is_signal = MESSAGES.lists("faulthandler", text);
    (!is_signal).then(|| text.to_owned())
}

/// Parses `#  Internal Error (sharedRuntime.cpp:553), pid=1, tid=2`; the next line has the details.
fn java(line: &str, next: Option<&str>) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start();
    let place = between(text, "Internal Error (", ")");
    match place {
        Some(_) => Some(next?.trim_start_matches(['#', ' ']).to_owned()),
        None => text
            .starts_with("Out of Memory Error")
            .then(|| text.to_owned()),
    }
}

/// Parses `Module/File.swift:12: Fatal error: TEXT`.
fn swift(line: &str) -> Option<String> {
    [
        ": Fatal error",
        ": Precondition failed",
        ": Assertion failed",
    ]
    .iter()
    .find_map(|end| {
        line.find(end)
            .filter(|&at| line[..at].ends_with(|c: char| c.is_ascii_digit()))
    })
    .map(|at| line[at + 2..].to_owned())
}
