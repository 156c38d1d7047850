//! `.crash` files, the text format of macOS 11 and earlier: `Key: value` lines, then sections that
//! end at an empty line.

use super::facts::{self, Facts, MAX_FRAMES};
use crate::crash::{Frame, Hex, Module, Thread};

/// Reads the facts from the text; `None` if it is not a crash report.
pub(super) fn facts(text: &str) -> Option<Facts> {
    let mut lines = text.lines();
    let mut facts = Facts::default();
    let mut threads = Vec::new();
    let mut header = Header::default();
    let mut numbers = Vec::new();
    while let Some(line) = lines.next() {
        if let Some((number, name, crashed)) = thread_header(line) {
            let frames = stack(&mut lines);
            if crashed {
                facts.crashed.get_or_insert(threads.len());
            }
            numbers.push(number);
            threads.push(Thread {
                tid: i32::try_from(number).unwrap_or(0),
                name: name.to_owned(),
                complete: (1..=MAX_FRAMES).contains(&frames.len()),
                frames,
                ..Thread::default()
            });
            continue;
        }
        if let Some((key, value)) = line.split_once(':') {
            header.read(key.trim(), value.trim(), &mut facts, &mut lines);
        }
    }
    if !header.has_process || !header.is_crash {
        return None;
    }
    let crashed = || numbers.iter().position(|&n| Some(n) == header.crashed);
    facts.crashed = facts.crashed.or_else(crashed);
    let crash = &mut facts.report.crash;
    crash.threads = threads;
    let frames = crash.threads.iter_mut().flat_map(|t| &mut t.frames);
    for frame in frames.chain(&mut facts.thrown) {
        place(frame, &crash.modules);
    }
    Some(facts)
}

/// What the lines outside of the sections say about the report itself.
#[derive(Default)]
struct Header {
    has_process: bool,
    is_crash: bool,
    /// The number of the thread that crashed.
    crashed: Option<u64>,
}

impl Header {
    /// Reads a line `key: value`, and the section that it begins.
    fn read<'a>(
        &mut self,
        key: &str,
        value: &str,
        facts: &mut Facts,
        lines: &mut impl Iterator<Item = &'a str>,
    ) {
        let report = &mut facts.report;
        match key {
            "Process" => {
                self.has_process = true;
                (report.process, report.pid) = process(value);
                report.crash.pid = report.pid;
            }
            "Date/Time" => report.captured = value.to_owned(),
            "Crashed Thread" | "Triggered by Thread" => {
                let number = value.split_whitespace().next();
                self.crashed = number.and_then(|n| n.parse().ok());
            }
            "Exception Type" => {
                self.is_crash = true;
                exception_type(facts, value);
            }
            "Exception Codes" | "Exception Subtype" => codes(facts, value),
            "Termination Reason" => {
                report.code_signing |= value.contains("CODESIGNING");
                report.crash.notes.push(value.to_owned());
            }
            "Application Specific Information" => facts.information = section(lines).join("\n"),
            "Last Exception Backtrace" | "Application Specific Backtrace 1" => {
                facts.thrown = stack(lines);
            }
            "VM Region Info" => facts.region = format!("{value}\n{}", section(lines).join("\n")),
            key if key.starts_with("VM Regions Near ") => {
                facts.region = section(lines).join("\n");
            }
            "Binary Images" => report.crash.modules = images(lines),
            _ => {}
        }
    }
}

/// Parses `app [4711]`.
fn process(value: &str) -> (String, i32) {
    let Some((name, pid)) = value.rsplit_once('[') else {
        return (value.to_owned(), 0);
    };
    let pid = pid.trim_end_matches(']').trim().parse().unwrap_or(0);
    (name.trim().to_owned(), pid)
}

/// Parses `EXC_BAD_ACCESS (SIGSEGV)` or `EXC_CRASH (Code Signature Invalid)`.
fn exception_type(facts: &mut Facts, value: &str) {
    let (exception, signal) = value.split_once('(').unwrap_or((value, ""));
    facts.exception = exception.trim().to_owned();
    let (signal, is_signature) = facts::signal(signal.trim_end().trim_end_matches(')'));
    facts.signal = signal;
    if is_signature {
        // The system kills a process with an invalid signature only by SIGKILL.
        facts.signal = "SIGKILL".into();
        facts.report.code_signing = true;
    }
}

/// Parses `KERN_INVALID_ADDRESS at 0x0000000000000008` or `0x0000000000000001, 0x0000000000000008`.
fn codes(facts: &mut Facts, value: &str) {
    match value.strip_prefix("0x") {
        None if !value.is_empty() => facts.report.crash.code = Some(value.to_owned()),
        _ => {
            let codes = value.split_once(',');
            facts.second_code = codes.and_then(|(a, b)| facts::second(number(a)?, number(b)?));
        }
    }
}

/// Parses `Thread 3 Crashed:: name` and `Thread 0:: Dispatch queue: com.apple.main-thread`, but not
/// `Thread 0 crashed with ...`.
fn thread_header(line: &str) -> Option<(u64, &str, bool)> {
    let rest = line.strip_prefix("Thread ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let number = rest[..end].parse().ok()?;
    let rest = &rest[end..];
    let (rest, crashed) = match rest.strip_prefix(" Crashed") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let name = rest.strip_prefix(':')?.trim_start_matches(':').trim();
    let name = name.strip_prefix("Dispatch queue:").unwrap_or(name);
    Some((number, name.trim(), crashed))
}

/// The lines before the next empty line.
fn section<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    lines.take_while(|line| !line.trim().is_empty()).collect()
}

fn stack<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Frame> {
    let lines = section(lines).into_iter();
    let mut frames: Vec<Frame> = lines.filter_map(frame).collect();
    frames.truncate(MAX_FRAMES);
    frames
}

/// Parses `1   app   0x000000010e2b3f3a main + 42 (main.c:12)`, or a line with `0x10e2b0000 +
/// 16186` instead of a symbol.
fn frame(line: &str) -> Option<Frame> {
    let line = line.trim_start();
    let end = line.find(|c: char| !c.is_ascii_digit())?;
    let rest = line.get(end..).filter(|_| end > 0)?;
    // An image's name may contain spaces.
    let (at, address) = rest.match_indices("0x").find_map(|(at, _)| {
        let is_word = rest[..at].ends_with(char::is_whitespace);
        let address = facts::hex_prefix(&rest[at + 2..])?;
        is_word.then_some((at, address))
    })?;
    let image = rest[..at].trim();
    let symbol = rest[at..].split_once(char::is_whitespace).map(|(_, s)| s);
    let symbol = symbol
        .and_then(|s| s.rsplit_once(" + "))
        .map(|(s, _)| s.trim());
    let symbol = symbol.filter(|s| !s.is_empty() && !s.starts_with("0x") && *s != "???");
    Some(Frame {
        address: Hex(address),
        module: Some(image)
            .filter(|i| !i.is_empty() && *i != "???")
            .map(str::to_owned),
        function: symbol.map(facts::function),
        ..Frame::default()
    })
}

fn images<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Module> {
    let lines = section(lines).into_iter();
    let mut images: Vec<Module> = lines.filter_map(image).collect();
    images.sort_by_key(|image| image.start);
    images
}

/// Parses `0x10e2b0000 - 0x10e2b3fff +com.example.app (1.0 - 1) <F5B0F6B4-...> /Applications/app`.
fn image(line: &str) -> Option<Module> {
    let (start, rest) = line.trim().split_once(" - ")?;
    let (end, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let (name, rest) = rest.split_once('<').unwrap_or((rest, ""));
    let (id, path) = rest.split_once('>').unwrap_or(("", rest));
    let path = path.trim();
    let name = match path.rsplit_once('/') {
        Some((_, name)) => name,
        None => name.trim().trim_start_matches('+'),
    };
    Some(Module {
        name: name.to_owned(),
        path: path.to_owned(),
        start: Hex(number(start)?),
        // The report gives the last byte, inclusive.
        end: Hex(number(end)?.saturating_add(1)),
        build_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
    })
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

/// Sets the frame's module to the file name; the stack gives the bundle identifier or a truncated
/// name instead. `modules` must be sorted by start address.
fn place(frame: &mut Frame, modules: &[Module]) {
    let at = frame.address;
    let after = modules.partition_point(|m| m.start <= at);
    let module = after.checked_sub(1).map(|before| &modules[before]);
    if let Some(module) = module.filter(|m| at < m.end) {
        frame.module = Some(module.name.clone());
        frame.offset = Some(Hex(at.0 - module.start.0));
    }
}
