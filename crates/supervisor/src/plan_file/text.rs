//! The text of a plan file: JSON whose last key is the checksum of the text before it.

use std::path::Path;

use serde::Deserialize;

use super::{Content, PlanFileError, VERSION};
use crate::hash;

/// What precedes the checksum.
const SUM: &str = ",\n  \"sum\": \"";
/// What follows it.
const END: &str = "\"\n}\n";

#[derive(Deserialize)]
struct Version {
    crashrate_plan: u32,
}

pub(super) fn write(content: &Content) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(content)?;
    text.truncate(text.trim_end_matches('}').trim_end().len());
    let sum = hash::of_bytes(text.as_bytes());
    Ok(format!("{text}{SUM}{sum}{END}"))
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Content, PlanFileError> {
    let version: Version = serde_json::from_str(text).map_err(|error| PlanFileError::NotAPlan {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    if version.crashrate_plan != VERSION {
        return Err(PlanFileError::Version {
            path: path.to_owned(),
            version: version.crashrate_plan,
        });
    }
    let changed = || PlanFileError::Changed(path.to_owned());
    let (before, sum) = text.rsplit_once(SUM).ok_or_else(changed)?;
    if sum.strip_suffix(END) != Some(&hash::of_bytes(before.as_bytes())) {
        return Err(changed());
    }
    serde_json::from_str(text).map_err(|error| PlanFileError::NotAPlan {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}
