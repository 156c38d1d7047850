//! The crash reports that macOS writes (`.ips`): a line with a JSON header, and if its `bug_type` is 309, one JSON object.
//!
//! Apple describes the format only in part and changes it: every field has a default, and what has another type than
//! expected is left out.

use serde_json::{Map, Value};

use crate::class::{self, Faulted};
use crate::crash::{Crash, Fault, Frame, Hex, Kind, Module, Thread};
use crate::names::demangle;
use crate::signature::signature;

/// The type of report that is about a crash of a process.
const CRASH: &str = "309";
/// The most frames, threads and modules that are kept.
const MAX_FRAMES: usize = 200;
const MAX_THREADS: usize = 64;
const MAX_MODULES: usize = 512;

/// A report, as far as it was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The process.
    pub pid: i32,
    /// Its name.
    pub process: String,
    /// When, as the system wrote it: `2025-12-22 10:15:00.1234 +0100`.
    pub captured: String,
    /// What is known of the death.
    pub crash: Crash,
}

impl Report {
    /// Reads a report. Nothing if it is none of a crash.
    pub fn read(text: &str) -> Option<Report> {
        let (header, body) = text.split_once('\n')?;
        let header: Value = serde_json::from_str(header).ok()?;
        let kind = header.get("bug_type")?;
        if kind.as_str() != Some(CRASH)
            && kind.as_u64().map(|n| n.to_string()).as_deref() != Some(CRASH)
        {
            return None;
        }
        let body: Value = serde_json::from_str(body).ok()?;
        let body = body.as_object()?;
        Some(Report {
            pid: number(body, "pid")
                .and_then(|n| i32::try_from(n).ok())
                .unwrap_or(0),
            process: text_of(body, "procName"),
            captured: text_of(body, "captureTime"),
            crash: crash(body),
        })
    }

    /// Whether it is of this process, which ran between these seconds since 1970. A time that cannot be read does not
    /// count against it: the number of a process is used again only after a long while.
    pub fn is_of(&self, pid: i32, from: i64, to: i64) -> bool {
        self.pid == pid
            && seconds(&self.captured).is_none_or(|at| (from - SLACK..=to + SLACK).contains(&at))
    }
}

/// Clocks are read at different moments, and fractions are cut off.
const SLACK: i64 = 2;

/// `YYYY-MM-DD hh:mm:ss[.fraction] [+-]zzzz` as seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let (date, time, zone) = (
        words.next()?,
        words.next()?,
        words.next().unwrap_or("+0000"),
    );
    let fields = |text: &str, by: char| -> Option<[i64; 3]> {
        let fields: Option<Vec<i64>> = text.split(by).map(|f| f.parse().ok()).collect();
        fields?.try_into().ok()
    };
    let [year, month, day] = fields(date, '-')?;
    let [hour, minute, second] = fields(time.split('.').next()?, ':')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if !(0..=23).contains(&hour) || !(0..=59).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    // Two digits each: more would be no zone, and overflow.
    let offset = zone.get(1..).filter(|digits| digits.len() <= 4)?;
    let offset: i64 = offset.parse().ok()?;
    let offset = (offset / 100 * 60 + offset % 100) * 60;
    let offset = if zone.starts_with('-') {
        -offset
    } else {
        offset
    };
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Days since 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    of_years + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn crash(body: &Map<String, Value>) -> Crash {
    let images = list(body, "usedImages");
    let modules: Vec<Module> = images.iter().map(|image| module(image)).collect();
    let threads = list(body, "threads");
    let triggered = |thread: &Map<String, Value>| {
        thread.get("triggered").and_then(Value::as_bool) == Some(true)
    };
    let place = number(body, "faultingThread")
        .and_then(|n| usize::try_from(n).ok())
        .filter(|&n| n < threads.len())
        .or_else(|| threads.iter().position(|thread| triggered(thread)));
    let mut all: Vec<Thread> = Vec::new();
    // The one that crashed first, wherever the report has it.
    let order = place
        .into_iter()
        .chain((0..threads.len()).filter(|n| Some(*n) != place));
    for n in order.take(MAX_THREADS) {
        all.push(thread(threads[n], &modules));
    }
    let exception = object(body, "exception");
    let signal = exception
        .map(|e| text_of(e, "signal"))
        .filter(|s| !s.is_empty());
    let subtype = exception.map(|e| text_of(e, "subtype")).unwrap_or_default();
    let address = address_in(&subtype);
    let frames = all.first().map(|t| t.frames.clone()).unwrap_or_default();
    let class = class_of(body, signal.as_deref(), &subtype, address, &frames);
    let termination = object(body, "termination").map(|t| text_of(t, "indicator"));
    let mut crash = Crash {
        signature: signature(&class, &frames, &modules),
        class,
        kind: Kind::Crash,
        code: (!subtype.is_empty()).then_some(subtype),
        fault: address.map(|address| Fault {
            address: Hex(address),
            ..Fault::default()
        }),
        pid: number(body, "pid")
            .and_then(|n| i32::try_from(n).ok())
            .unwrap_or(0),
        thread: place.and_then(|_| all.first()).map(|t| t.tid),
        threads: all,
        modules,
        notes: termination.into_iter().filter(|t| !t.is_empty()).collect(),
        signal,
    };
    crash.modules.truncate(MAX_MODULES);
    crash
}

fn class_of(
    body: &Map<String, Value>,
    signal: Option<&str>,
    subtype: &str,
    address: Option<u64>,
    frames: &[Frame],
) -> String {
    let signal = signal.unwrap_or("unknown");
    // What the system says of the memory around the address names the guard below a stack.
    let guard = text_of(body, "vmRegionInfo")
        .to_uppercase()
        .contains("STACK GUARD");
    match signal {
        "SIGABRT" => class::of_abort(frames),
        "SIGSEGV" | "SIGBUS" if guard => "SEGV_STACK".to_owned(),
        // Protection and missing pages come as either of the two here.
        "SIGBUS" if subtype.starts_with("KERN_") && address.is_some() => fault("SIGSEGV", address),
        _ => fault(signal, address),
    }
}

fn fault(signal: &str, address: Option<u64>) -> String {
    class::of_fault(Faulted {
        signal,
        address,
        ..Faulted::default()
    })
}

/// `KERN_INVALID_ADDRESS at 0x0000000000000008`.
fn address_in(subtype: &str) -> Option<u64> {
    let (_, digits) = subtype.split_once("0x")?;
    let end = digits
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    u64::from_str_radix(&digits[..end], 16).ok()
}

fn module(image: &Map<String, Value>) -> Module {
    let base = number(image, "base").unwrap_or(0);
    let size = number(image, "size").unwrap_or(0);
    let path = text_of(image, "path");
    let name = match text_of(image, "name") {
        name if name.is_empty() => path.rsplit('/').next().unwrap_or_default().to_owned(),
        name => name,
    };
    let uuid = text_of(image, "uuid");
    Module {
        name,
        path,
        start: Hex(base),
        end: Hex(base.saturating_add(size)),
        build_id: (!uuid.is_empty()).then_some(uuid),
    }
}

fn thread(thread: &Map<String, Value>, modules: &[Module]) -> Thread {
    let name = match text_of(thread, "name") {
        name if name.is_empty() => text_of(thread, "queue"),
        name => name,
    };
    let frames = list(thread, "frames");
    Thread {
        tid: number(thread, "id").map_or(0, |id| id as i32),
        name,
        complete: !frames.is_empty() && frames.len() <= MAX_FRAMES,
        frames: (frames.into_iter().take(MAX_FRAMES))
            .map(|f| frame(f, modules))
            .collect(),
        ..Thread::default()
    }
}

fn frame(frame: &Map<String, Value>, modules: &[Module]) -> Frame {
    let offset = number(frame, "imageOffset");
    let place = number(frame, "imageIndex").and_then(|n| usize::try_from(n).ok());
    let module = place
        .and_then(|n| modules.get(n))
        .filter(|m| !m.name.is_empty());
    let symbol = text_of(frame, "symbol");
    let base = module.map_or(0, |m| m.start.0);
    Frame {
        address: Hex(base.wrapping_add(offset.unwrap_or(0))),
        module: module.map(|m| m.name.clone()),
        offset: offset.map(Hex),
        function: (!symbol.is_empty()).then(|| function(&symbol)),
    }
}

/// The system demangles C++ by itself, with arguments.
fn function(symbol: &str) -> String {
    let name = demangle(symbol);
    if name != symbol {
        return name;
    }
    // An opening parenthesis that follows a name begins the arguments; others are part of it.
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

fn object<'a>(of: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    of.get(key)?.as_object()
}

/// The objects in a list; an element of another type counts as an empty one, since others are named by their place.
fn list<'a>(of: &'a Map<String, Value>, key: &str) -> Vec<&'a Map<String, Value>> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let items = of.get(key).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .map(|item| item.as_object().unwrap_or(&EMPTY))
        .collect()
}

fn text_of(of: &Map<String, Value>, key: &str) -> String {
    of.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn number(of: &Map<String, Value>, key: &str) -> Option<u64> {
    of.get(key)?.as_u64()
}

#[cfg(test)]
mod tests;
