//! What crashrate and a zygote say to each other: one message a packet, over a socket that is the zygote's standard input.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of the messages.
pub const VERSION: u32 = 1;

/// The environment variable that asks a program to be a zygote; its value is the [`VERSION`].
pub const ENV: &str = "CRASHRATE_ZYGOTE";

/// The first byte of a packet that asks for a fork; an [`Attempt`] follows, and five descriptors come with it: standard
/// input, output, error, events, and the gate.
const FORK: u8 = b'F';
/// The packet that asks for the status of the child that has ended.
const REAP: u8 = b'R';

/// What crashrate asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A child; what it is told is for the child to read, so that the zygote's own memory stays as it is.
    Fork(&'a [u8]),
    /// The status of the child, which has ended.
    Reap,
}

impl<'a> Request<'a> {
    /// The bytes of it.
    pub fn packet(self) -> Vec<u8> {
        match self {
            Request::Fork(attempt) => [&[FORK], attempt].concat(),
            Request::Reap => vec![REAP],
        }
    }

    /// What these bytes ask for.
    pub fn read(packet: &'a [u8]) -> Option<Self> {
        match packet.split_first()? {
            (&FORK, attempt) => Some(Request::Fork(attempt)),
            (&REAP, []) => Some(Request::Reap),
            _ => None,
        }
    }
}

/// What a child is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Environment variables that it has on top of the zygote's.
    pub env: BTreeMap<String, String>,
    /// Environment variables that it does not have; the others are set after that.
    pub unset: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
}

/// What a zygote answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It is warm, and waits; with its [`VERSION`].
    Ready(u32),
    /// The child's pid, which is also its process group. It stands at its gate.
    Forked(i32),
    /// It must not fork, and why.
    Refused(String),
    /// The status of the child.
    Reaped(Reaped),
}

/// How a child ended, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaped {
    /// As `wait4` gives it.
    pub status: i32,
    /// Processor time of it and of what it waited for, microseconds.
    pub cpu_micros: u64,
    /// The most memory it had resident, in the system's unit for that.
    pub maxrss: u64,
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
