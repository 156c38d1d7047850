//! `.ips` files: a line with a JSON header, then one JSON object.
//!
//! Apple documents the format only in part and changes it. Every field therefore has a default, and
//! a value of an unexpected type counts as missing.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::facts::{self, Facts, MAX_FRAMES};
use crate::crash::{Frame, Hex, Module, Thread};

/// Stands in for a missing object.
static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// Reads the facts from the JSON body; `None` if it is not an object.
pub(super) fn facts(body: &str) -> Result<Option<Facts>, String> {
    let body: Value = serde_json::from_str(body).map_err(|error| {
        // The header occupies the file's first line.
        let (line, column) = (error.line() + 1, error.column());
        format!("the JSON is damaged or incomplete at line {line}, column {column}")
    })?;
    Ok(body.as_object().map(of_object))
}

fn of_object(body: &Map<String, Value>) -> Facts {
    let modules: Vec<Module> = list(body, "usedImages").into_iter().map(module).collect();
    let threads = list(body, "threads");
    let is_triggered = |thread: &&Map<String, Value>| {
        thread.get("triggered").and_then(Value::as_bool) == Some(true)
    };
    let crashed = number(body, "faultingThread")
        .and_then(|n| usize::try_from(n).ok())
        .filter(|&n| n < threads.len())
        .or_else(|| threads.iter().position(is_triggered));
    let exception = object(body, "exception").unwrap_or(&EMPTY);
    let termination = object(body, "termination").unwrap_or(&EMPTY);
    let (signal, is_signature) = facts::signal(&text_of(exception, "signal"));
    let is_namespace = text_of(termination, "namespace") == "CODESIGNING";
    let codes = exception.get("rawCodes").and_then(Value::as_array);
    Facts {
        pid: number(body, "pid").map_or(0, as_i32),
        process: text_of(body, "procName"),
        captured: text_of(body, "captureTime"),
        exception: text_of(exception, "type"),
        signal,
        subtype: text_of(exception, "subtype"),
        second_code: codes
            .and_then(|codes| facts::second(codes.first()?.as_u64()?, codes.get(1)?.as_u64()?)),
        code_signing: is_signature || is_namespace,
        region: text_of(body, "vmRegionInfo"),
        information: information(body, termination),
        crashed,
        threads: threads.into_iter().map(|t| thread(t, &modules)).collect(),
        thrown: frames(body, "lastExceptionBacktrace", &modules),
        notes: notes(exception, termination),
        modules,
    }
}

/// Application-specific information, listed by image. If it is missing, the termination reasons of
/// dyld and others.
fn information(body: &Map<String, Value>, termination: &Map<String, Value>) -> String {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let images = object(body, "asi").into_iter().flat_map(Map::values);
    let mut all: Vec<String> = images.flat_map(texts).collect();
    if all.is_empty() {
        all = termination.get("reasons").map(texts).unwrap_or_default();
    }
    all.join("\n")
}

/// The system's remarks on the termination, besides the signal.
fn notes(exception: &Map<String, Value>, termination: &Map<String, Value>) -> Vec<String> {
    let indicator = text_of(termination, "indicator");
    let namespace = text_of(termination, "namespace");
    let ended = match namespace.as_str() {
        "" | "SIGNAL" => indicator,
        namespace => format!("terminated by {namespace}: {indicator}"),
    };
    // `SIGKILL (Code Signature Invalid)`: the part in parentheses does not belong to the signal
    // name.
    let signal = Some(text_of(exception, "signal")).filter(|signal| signal.contains(' '));
    let notes = [Some(ended), signal].into_iter().flatten();
    notes.filter(|note| !note.is_empty()).collect()
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
    let length = list(thread, "frames").len();
    Thread {
        tid: number(thread, "id").map_or(0, as_i32),
        name,
        complete: (1..=MAX_FRAMES).contains(&length),
        frames: frames(thread, "frames", modules),
        ..Thread::default()
    }
}

fn frames(of: &Map<String, Value>, key: &str, modules: &[Module]) -> Vec<Frame> {
    let frames = list(of, key).into_iter().take(MAX_FRAMES);
    frames.map(|f| frame(f, modules)).collect()
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
        function: (!symbol.is_empty()).then(|| facts::function(&symbol)),
    }
}

fn object<'a>(of: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    of.get(key)?.as_object()
}

/// The objects in a list. An element of another type counts as an empty object, because other
/// fields refer to elements by index.
fn list<'a>(of: &'a Map<String, Value>, key: &str) -> Vec<&'a Map<String, Value>> {
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

fn as_i32(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(0)
}
