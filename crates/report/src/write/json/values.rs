//! Values that all JSON reports have, and how they are printed.

use crashrate_model::ALPHA;
use serde::Serialize;
use serde_json::{Value, json};

use crate::clean::is_unseen;
use crate::view::{OptionalStopping, Share};
use crate::words::{Method, known};

/// The version of the format.
pub(super) const SCHEMA: u32 = 1;

/// A value as JSON, safe to print on a terminal, with a newline at its end.
pub(in crate::write) fn pretty(value: &impl Serialize) -> String {
    // Cannot fail: the value has only string keys and finite numbers.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    harmless(&text) + "\n"
}

/// Writes characters that a terminal may act on as JSON escapes. Outside strings, only the format's
/// own line ends occur.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_unseen(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// The fields of both objects.
pub(super) fn joined(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// The crash rate of first attempts, with its interval; `None` without rounds.
pub(super) fn crash_rate(share: Share, optional_stopping: OptionalStopping) -> Option<Value> {
    let known = known(share.bad, share.n, optional_stopping)?;
    Some(json!({
        "rate": f64::from(share.bad) / f64::from(share.n),
        "lo": known.interval.lo,
        "hi": known.interval.hi,
        "confidence": 1.0 - ALPHA,
        "method": known.method,
        // Whether the interval is valid whenever the run stops.
        "peek_safe": known.method == Method::ConfidenceSequence,
    }))
}
