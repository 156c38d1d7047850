//! The messages between crashrate and a zygote: one message a packet, over a socket that is the
//! zygote's standard input.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::unix::{Reaped, Rlimits};

/// The version of the messages.
pub const VERSION: u32 = 2;

/// Asks a program to be a zygote; its value is the [`VERSION`].
pub const ENV: &str = "CRASHRATE_ZYGOTE";

/// The first byte of a fork request. An [`Attempt`] follows. Five descriptors come with the packet:
/// standard input, output, error, events, and the start barrier.
const FORK: u8 = b'F';
/// Requests the status of the child that has ended.
const REAP: u8 = b'R';

/// A request from crashrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Fork a child. Only the child parses the bytes, so that the zygote's memory does not change.
    Fork(&'a [u8]),
    /// Report the status of the child, which has ended.
    Reap,
}

impl<'a> Request<'a> {
    /// Encodes the request.
    pub fn packet(self) -> Vec<u8> {
        match self {
            Request::Fork(attempt) => [&[FORK], attempt].concat(),
            Request::Reap => vec![REAP],
        }
    }

    /// Decodes a request.
    pub fn read(packet: &'a [u8]) -> Option<Self> {
        match packet.split_first()? {
            (&FORK, attempt) => Some(Request::Fork(attempt)),
            (&REAP, []) => Some(Request::Reap),
            _ => None,
        }
    }
}

/// The settings of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Environment variables to set on top of the zygote's.
    pub env: BTreeMap<String, String>,
    /// Environment variables to remove, before `env` is set.
    pub unset: Vec<String>,
    /// The working directory.
    pub directory: PathBuf,
    /// What it may use.
    pub limits: Rlimits,
}

/// An answer from a zygote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The zygote has warmed up and waits; carries its [`VERSION`].
    Ready(u32),
    /// The child's pid, which is also its process group. The child waits at its start barrier.
    Forked(i32),
    /// The zygote must not fork, and why.
    Refused(String),
    /// The child's status.
    Reaped(Reaped),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets() {
        for request in [Request::Reap, Request::Fork(b""), Request::Fork(b"{}")] {
            assert_eq!(Request::read(&request.packet()), Some(request));
        }
        for wrong in [&b""[..], b"X", b"R1"] {
            assert_eq!(Request::read(wrong), None);
        }
    }
}
