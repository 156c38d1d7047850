//! The evidence of one crash or hang. It is serialised as is: fields may be added, and every field
//! has a default.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The evidence of one crash or hang.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Crash {
    /// Short, stable name by which crashes are grouped: `v1 | class | frames | message`.
    pub signature: String,
    /// Signal and coarse cause, such as `SEGV_NULL`.
    pub class: String,
    /// Whether the process crashed, or was killed after its time limit.
    pub kind: Kind,
    /// The name of the fatal signal; `None` for a hang.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The kernel's reason code for the signal, such as `SEGV_MAPERR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The address of the failed memory access; for SIGILL and SIGFPE, of the instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The failure message that the program printed, such as the condition of an assertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The Python frames of the thread that crashed, innermost first, as Python's faulthandler
    /// printed them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<PythonFrame>,
    /// The process ID.
    pub pid: i32,
    /// The thread that crashed, or the one that names the hang; it is the first of `threads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<i32>,
    /// The captured threads: the one that crashed, or all threads of a hang.
    pub threads: Vec<Thread>,
    /// The files mapped with executable pages.
    pub modules: Vec<Module>,
    /// Remarks on the quality or origin of this evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How the process ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The process crashed.
    #[default]
    Crash,
    /// The process was captured at its time limit and then killed.
    Hang,
}

/// A failed memory access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fault {
    /// The address.
    pub address: Hex,
    /// The kind of access, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The mapping at the address: permissions and file. `None` if the address is not mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
}

/// The kind of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// A read.
    Read,
    /// A write.
    Write,
    /// An instruction fetch.
    Exec,
}

/// One thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// The thread ID.
    pub tid: i32,
    /// The process ID, if it differs from the crash's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// The thread name.
    pub name: String,
    /// Register values by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub registers: BTreeMap<String, Hex>,
    /// The stack, innermost frame first.
    pub frames: Vec<Frame>,
    /// Whether unwinding reached the start of the stack.
    pub complete: bool,
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// The address of the instruction in the innermost frame; the return address in the others.
    pub address: Hex,
    /// The base name of the file that contains the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The address relative to the file, as in its symbol table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<Hex>,
    /// The demangled function name, without arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// One frame of a Python stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PythonFrame {
    /// The function name.
    pub function: String,
    /// The path of the file.
    pub file: String,
    /// The line in it; from 1.
    pub line: u32,
}

impl fmt::Display for PythonFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.function, self.file, self.line)
    }
}

/// A file mapped with executable pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Module {
    /// The base name.
    pub name: String,
    /// The full path.
    pub path: String,
    /// Start of the executable pages.
    pub start: Hex,
    /// End of the executable pages, exclusive.
    pub end: Hex,
    /// The build ID (the UUID on macOS); set only for files that occur on the stacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
}

/// A number serialised as `0x...`, because JSON numbers lose the low digits of an address.
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
    /// `module!function`, or the best available substitute.
    pub fn place(&self) -> String {
        match (&self.module, &self.function, self.offset) {
            (Some(module), Some(function), _) => format!("{module}!{function}"),
            (Some(module), None, Some(offset)) => format!("{module}+{offset}"),
            (Some(module), None, None) => module.clone(),
            (None, Some(function), _) => function.clone(),
            (None, None, _) => self.address.to_string(),
        }
    }

    /// Like [`Frame::place`], without template arguments, which can be longer than a page.
    pub fn short_place(&self) -> String {
        match (&self.module, &self.function) {
            (Some(module), Some(function)) => format!("{module}!{}", crate::names::plain(function)),
            _ => self.place(),
        }
    }
}

impl Crash {
    /// The thread that the crash is named after.
    pub fn main_thread(&self) -> Option<&Thread> {
        self.threads.first()
    }
}
