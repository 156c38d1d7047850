#![doc = include_str!("../README.md")]

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
pub mod place;
pub mod signature;
pub mod source;

pub use crash::{Access, Crash, Fault, Frame, Hex, Kind, Module, PythonFrame, Thread};
pub use place::{Build, CodePlace, CrashPlaces};
