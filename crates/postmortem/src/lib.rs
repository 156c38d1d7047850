//! From a dead process to a cause and a signature.
//!
//! - [`Crash`] is what is known of one death: the content of a file in a run's `crashes/`.
//! - [`signature`](signature::signature) gives it the short stable name that reports count by; pure.
//! - On Linux, [`linux`] looks at a stopped thread of another process and its stack, out of process.
//! - [`message`] reads what the program said as it died; pure.
//! - On macOS the system writes a report by itself: [`apple`] reads one (pure), `macos` finds it.

pub mod apple;
pub mod class;
pub mod crash;
#[cfg(target_os = "linux")]
pub mod linux;
mod lists;
#[cfg(target_os = "macos")]
pub mod macos;
pub mod message;
pub mod names;
pub mod signature;

pub use crash::{Access, Crash, Fault, Frame, Hex, Kind, Module, Thread};
