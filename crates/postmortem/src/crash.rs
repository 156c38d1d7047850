//! What is known of one death. It is written to a file as it is: fields may be added, and every one has a default.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is known of one death.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Crash {
    /// The short stable name by which deaths are counted: `v1 | class | frames | message`.
    pub signature: String,
    /// Signal and coarse cause, such as `SEGV_NULL`.
    pub class: String,
    /// Whether it died by itself, or was killed after its time limit.
    pub kind: Kind,
    /// The signal that ended it, by name; nothing for a hang.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// What the kernel says of the signal's origin, such as `SEGV_MAPERR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Where memory could not be accessed; for SIGILL and SIGFPE the instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What the program said as it died, such as the condition of an assertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The process.
    pub pid: i32,
    /// The thread that died, or the one that the hang is named after; it is the first of `threads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<i32>,
    /// The threads that were looked at: the one that crashed, or all of them at a time limit.
    pub threads: Vec<Thread>,
    /// The files that were mapped with executable pages.
    pub modules: Vec<Module>,
    /// What else is to be said of this evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How it came to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It died by itself.
    #[default]
    Crash,
    /// It was looked at because its time limit was over, and then killed.
    Hang,
}

/// A memory access that went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fault {
    /// Where.
    pub address: Hex,
    /// How, where that can be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// What is mapped there: permissions and file; nothing if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
}

/// What kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Executing.
    Exec,
}

/// One thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// Its number.
    pub tid: i32,
    /// Its process, if that is another one than the crash's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Its name.
    pub name: String,
    /// Its registers by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub registers: BTreeMap<String, Hex>,
    /// Its stack, the innermost frame first.
    pub frames: Vec<Frame>,
    /// Whether the stack was followed to its beginning.
    pub complete: bool,
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// The address: of the instruction in the innermost frame, behind the call in the others.
    pub address: Hex,
    /// The base name of the file it lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The address as the file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<Hex>,
    /// The function, demangled, without its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// A file that was mapped with executable pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Module {
    /// The base name.
    pub name: String,
    /// The whole path.
    pub path: String,
    /// Where its executable pages begin.
    pub start: Hex,
    /// And where they end.
    pub end: Hex,
    /// Its build id (its UUID on macOS); only of files on the stacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
}

/// A number that is written as `0x...`: JSON's own numbers lose the low digits of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex(pub u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        u64::from_str_radix(digits, 16)
            .map(Hex)
            .map_err(serde::de::Error::custom)
    }
}

impl Frame {
    /// `module!function`, or what else there is to say where it is.
    pub fn place(&self) -> String {
        match (&self.module, &self.function, self.offset) {
            (Some(module), Some(function), _) => format!("{module}!{function}"),
            (Some(module), None, Some(offset)) => format!("{module}+{offset}"),
            (Some(module), None, None) => module.clone(),
            (None, Some(function), _) => function.clone(),
            (None, None, _) => format!("{}", self.address),
        }
    }
}

impl Frame {
    /// The same without template arguments, which can be longer than a page.
    pub fn short_place(&self) -> String {
        match (&self.module, &self.function) {
            (Some(module), Some(function)) => format!("{module}!{}", crate::names::plain(function)),
            _ => self.place(),
        }
    }
}

impl Crash {
    /// The thread that it is about.
    pub fn main_thread(&self) -> Option<&Thread> {
        self.threads.first()
    }
}
