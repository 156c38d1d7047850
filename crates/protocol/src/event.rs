//! The events that a child sends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One event line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// What the child runs on.
    Hello {
        /// The device in use, such as `cpu` or `cuda:0`.
        device: String,
        /// Library versions by name.
        #[serde(default)]
        versions: BTreeMap<String, String>,
    },
    /// The device that was asked for is not there: nothing will be measured.
    Unavailable {
        /// Why, for people.
        reason: String,
    },
    /// A chapter begins.
    ChapterStarted {
        /// Its id in the task.
        chapter: String,
    },
    /// How far the running chapter is.
    Progress {
        /// How many are done.
        done: f64,
        /// Of how many.
        total: f64,
        /// Of what.
        #[serde(default)]
        unit: String,
    },
    /// A value measured by the running chapter.
    Measure {
        /// What was measured.
        name: String,
        /// The value; finite.
        value: f64,
        /// Its unit.
        #[serde(default)]
        unit: String,
        /// Under which condition, such as `threads=8`.
        #[serde(default)]
        label: String,
    },
    /// The chapter's verdict is pass.
    ChapterPassed {
        /// Its id in the task.
        chapter: String,
    },
    /// The chapter's verdict is fail.
    ChapterFailed {
        /// Its id in the task.
        chapter: String,
        /// Why, for people.
        #[serde(default)]
        reason: String,
    },
    /// Something for people to know.
    Note {
        /// What.
        text: String,
    },
}

/// A line that is not an event.
#[derive(Debug, Error)]
pub enum Malformed {
    /// Not a JSON object of the right shape.
    #[error("not an event: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the protocol.
    #[error("event of protocol version {0}; this supervisor speaks {version}", version = crate::VERSION)]
    Version(u64),
}

/// Reads one event line (without its newline).
///
/// `Ok(None)` for an empty line or a kind of event that this version does not know: newer workers may say more.
///
/// # Errors
/// The line is no JSON object, lacks a field, or is of another protocol version.
pub fn parse_line(line: &[u8]) -> Result<Option<Event>, Malformed> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice::<Event>(line) {
        Ok(event) => check_version(line).map(|()| Some(event)),
        Err(error) => match serde_json::from_slice::<Envelope>(line) {
            Ok(Envelope { v: Some(v), .. }) if v != u64::from(crate::VERSION) => {
                Err(Malformed::Version(v))
            }
            Ok(envelope) if !KINDS.contains(&envelope.event.as_str()) => Ok(None),
            _ => Err(error.into()),
        },
    }
}

const KINDS: [&str; 8] = [
    "hello",
    "unavailable",
    "chapter-started",
    "progress",
    "measure",
    "chapter-passed",
    "chapter-failed",
    "note",
];

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    v: Option<u64>,
    event: String,
}

fn check_version(line: &[u8]) -> Result<(), Malformed> {
    match serde_json::from_slice::<Envelope>(line)?.v {
        // A line without a version is taken as of this one: it helps those who write events by hand.
        None => Ok(()),
        Some(v) if v == u64::from(crate::VERSION) => Ok(()),
        Some(v) => Err(Malformed::Version(v)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_unknown_and_broken_lines() {
        let passed = parse_line(br#"{"v":1,"event":"chapter-passed","chapter":"a","more":[1]}"#);
        assert_eq!(
            passed.unwrap(),
            Some(Event::ChapterPassed {
                chapter: "a".into()
            })
        );
        assert_eq!(parse_line(br#"{"v":1,"event":"applause"}"#).unwrap(), None);
        assert_eq!(parse_line(b"  ").unwrap(), None);
        assert!(parse_line(br#"{"v":1,"event":"chapter-passed"}"#).is_err());
        assert!(parse_line(br#"{"v":1,"event":"measure","name":"x","value":null}"#).is_err());
        assert!(parse_line(b"\xff\x00").is_err());
        assert!(matches!(
            parse_line(br#"{"v":2,"event":"chapter-passed","chapter":"a"}"#),
            Err(Malformed::Version(2))
        ));
    }
}
