//! Events: what a child reports while it runs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::VERSION;

/// One event line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The device and library versions that the child uses.
    Hello {
        /// The device in use, such as `cpu` or `cuda:0`.
        device: String,
        /// Library versions by name.
        #[serde(default)]
        versions: BTreeMap<String, String>,
    },
    /// The requested device does not exist, so nothing will be measured.
    Unavailable {
        /// The reason, for people.
        reason: String,
    },
    /// A chapter begins.
    ChapterStarted {
        /// Its id in the task.
        chapter: String,
    },
    /// The progress of the running chapter.
    Progress {
        /// Steps done.
        done: f64,
        /// Steps in total.
        total: f64,
        /// What a step is, such as `iterations`.
        #[serde(default)]
        unit: String,
    },
    /// A value that the running chapter measured.
    Measure {
        /// The name of the measure, such as `throughput`.
        name: String,
        /// A finite number.
        value: f64,
        /// The unit of the value, such as `ops/s`.
        #[serde(default)]
        unit: String,
        /// The condition it was measured under, such as `threads=8`.
        #[serde(default)]
        label: String,
    },
    /// The running chapter waits until others have run; a second `chapter-started` continues it.
    /// Go's parallel tests do this.
    ChapterPaused {
        /// Its id in the task.
        chapter: String,
    },
    /// The chapter passed.
    ChapterPassed {
        /// Its id in the task.
        chapter: String,
    },
    /// The chapter failed.
    ChapterFailed {
        /// Its id in the task.
        chapter: String,
        /// The reason, for people.
        #[serde(default)]
        reason: String,
    },
    /// The chapter was skipped: it is in no rate.
    ChapterSkipped {
        /// Its id in the task.
        chapter: String,
        /// The reason, for people.
        #[serde(default)]
        reason: String,
    },
    /// A remark for people.
    Note {
        /// The remark.
        text: String,
    },
    /// A kind that this version does not know: a newer worker may send more kinds. Readers skip it.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// A line that is not an event.
#[derive(Debug, Error)]
pub(crate) enum Malformed {
    #[error("not an event: {0}")]
    Json(#[from] serde_json::Error),
    #[error("event of protocol version {0}; this supervisor speaks {VERSION}")]
    Version(u64),
}

#[derive(Deserialize)]
#[serde(expecting = "an event")]
struct Envelope {
    v: Option<u64>,
}

/// Parses one event line without its newline; `None` for an empty line and for an unknown kind.
pub(crate) fn parse_line(line: &[u8]) -> Result<Option<Event>, Malformed> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice::<Envelope>(line)?.v {
        // A line without `v` counts as the current version, so that scripts can omit it.
        Some(v) if v != u64::from(VERSION) => Err(Malformed::Version(v)),
        _ => {
            let event = serde_json::from_slice(line)?;
            Ok(Some(event).filter(|event| *event != Event::Unknown))
        }
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
