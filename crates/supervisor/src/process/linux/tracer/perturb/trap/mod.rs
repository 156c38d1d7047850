//! Breakpoint instructions, and the registers of a thread that has executed one.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(super) use aarch64::{TRAP, Trapped, trap_before};
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{TRAP, Trapped, trap_before};

/// The bytes of code that a breakpoint replaces.
pub(super) type Code = [u8; TRAP.len()];
