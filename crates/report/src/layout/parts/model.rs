//! What a chapter was run with, in a few words.

use serde_json::{Map, Value};

use crate::words::{count, parameter};

/// The parameters that say what was computed, as `d_model 256, heads 4`; what a chapter's table shows by itself (its
/// threads and their iterations) and what is only a setting of the judgement is left out.
pub(super) fn about(params: &Map<String, Value>) -> Option<String> {
    const NAMED: [&str; 7] = [
        "d_model",
        "heads",
        "feed_forward",
        "layers",
        "batch",
        "sequence",
        "intra_op_threads",
    ];
    let mut words: Vec<String> = NAMED
        .iter()
        .filter_map(|name| Some(format!("{name} {}", parameter(params.get(*name)?))))
        .collect();
    // No limit is how it is without this parameter.
    let limit = params.get("max_in_flight").and_then(Value::as_u64);
    if let Some(limit) = limit.filter(|limit| *limit > 0) {
        words.push(format!("max_in_flight {}", count(limit)));
    }
    (!words.is_empty()).then(|| words.join(", "))
}
