//! `.ips` files: a line with a JSON header, then one JSON object.
//!
//! Apple documents the format only in part and changes it. Every field therefore has a default, and
//! a value of an unexpected type counts as missing.

use serde_json::Value;

use super::Report;
use super::facts::{self, Facts, MAX_FRAMES};
use crate::crash::{Crash, Frame, Hex, Module, Thread};

/// Reads the facts from the JSON body; `None` if it is not an object.
pub(super) fn facts(body: &str) -> Result<Option<Facts>, String> {
    let body: Value = serde_json::from_str(body).map_err(|error| {
        // The header occupies the file's first line.
        let (line, column) = (error.line() + 1, error.column());
        format!("the JSON is damaged or incomplete at line {line}, column {column}")
    })?;
    Ok(body.is_object().then(|| of_object(&body)))
}

fn of_object(body: &Value) -> Facts {
    let modules: Vec<Module> = list(&body["usedImages"]).iter().map(module).collect();
    let threads = list(&body["threads"]);
    let is_triggered = |thread: &Value| thread["triggered"] == Value::Bool(true);
    let crashed = (body["faultingThread"].as_u64())
        .and_then(|n| usize::try_from(n).ok())
        .filter(|&n| n < threads.len())
        .or_else(|| threads.iter().position(is_triggered));
    let (exception, termination) = (&body["exception"], &body["termination"]);
    let (signal, is_signature) = facts::signal(&text(&exception["signal"]));
    let codes = (exception["rawCodes"][0].as_u64()).zip(exception["rawCodes"][1].as_u64());
    let pid = as_i32(&body["pid"]);
    let thrown = frames(&body["lastExceptionBacktrace"], &modules);
    Facts {
        report: Report {
            pid,
            process: text(&body["procName"]),
            captured: text(&body["captureTime"]),
            code_signing: is_signature || termination["namespace"] == "CODESIGNING",
            crash: Crash {
                pid,
                code: Some(text(&exception["subtype"])).filter(|code| !code.is_empty()),
                threads: threads.iter().map(|t| thread(t, &modules)).collect(),
                notes: notes(exception, termination),
                modules,
                ..Crash::default()
            },
        },
        exception: text(&exception["type"]),
        signal,
        second_code: codes.and_then(|(first, second)| facts::second(first, second)),
        region: text(&body["vmRegionInfo"]),
        information: information(body),
        crashed,
        thrown,
    }
}

/// Application-specific information, listed by image. If it is missing, the termination reasons of
/// dyld and others.
fn information(body: &Value) -> String {
    let images = body["asi"].as_object().into_iter().flatten();
    let mut all: Vec<&str> = images.flat_map(|(_, image)| texts(image)).collect();
    if all.is_empty() {
        all = texts(&body["termination"]["reasons"]);
    }
    all.join("\n")
}

/// The system's remarks on the termination, besides the signal.
fn notes(exception: &Value, termination: &Value) -> Vec<String> {
    let indicator = text(&termination["indicator"]);
    let ended = match text(&termination["namespace"]).as_str() {
        "" | "SIGNAL" => indicator,
        namespace => format!("terminated by {namespace}: {indicator}"),
    };
    // `SIGKILL (Code Signature Invalid)`: the part in parentheses does not belong to the signal
    // name.
    let signal = Some(text(&exception["signal"])).filter(|signal| signal.contains(' '));
    let notes = [Some(ended), signal].into_iter().flatten();
    notes.filter(|note| !note.is_empty()).collect()
}

fn module(image: &Value) -> Module {
    let base = image["base"].as_u64().unwrap_or(0);
    let size = image["size"].as_u64().unwrap_or(0);
    let path = text(&image["path"]);
    let name = match text(&image["name"]) {
        name if name.is_empty() => path.rsplit('/').next().unwrap_or_default().to_owned(),
        name => name,
    };
    Module {
        name,
        path,
        start: Hex(base),
        end: Hex(base.saturating_add(size)),
        build_id: Some(text(&image["uuid"])).filter(|uuid| !uuid.is_empty()),
    }
}

fn thread(thread: &Value, modules: &[Module]) -> Thread {
    let name = match text(&thread["name"]) {
        name if name.is_empty() => text(&thread["queue"]),
        name => name,
    };
    Thread {
        tid: as_i32(&thread["id"]),
        name,
        complete: (1..=MAX_FRAMES).contains(&list(&thread["frames"]).len()),
        frames: frames(&thread["frames"], modules),
        ..Thread::default()
    }
}

fn frames(of: &Value, modules: &[Module]) -> Vec<Frame> {
    let frames = list(of).iter().take(MAX_FRAMES);
    frames.map(|f| frame(f, modules)).collect()
}

fn frame(frame: &Value, modules: &[Module]) -> Frame {
    let offset = frame["imageOffset"].as_u64();
    let place = (frame["imageIndex"].as_u64()).and_then(|n| usize::try_from(n).ok());
    let module = place
        .and_then(|n| modules.get(n))
        .filter(|m| !m.name.is_empty());
    let symbol = text(&frame["symbol"]);
    let base = module.map_or(0, |m| m.start.0);
    Frame {
        address: Hex(base.wrapping_add(offset.unwrap_or(0))),
        module: module.map(|m| m.name.clone()),
        offset: offset.map(Hex),
        function: (!symbol.is_empty()).then(|| facts::function(&symbol)),
    }
}

/// The elements of a list. One of an unexpected type counts as empty, because other fields refer to
/// elements by index.
fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

fn texts(of: &Value) -> Vec<&str> {
    list(of).iter().filter_map(Value::as_str).collect()
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

fn as_i32(of: &Value) -> i32 {
    of.as_u64().map_or(0, |n| i32::try_from(n).unwrap_or(0))
}
