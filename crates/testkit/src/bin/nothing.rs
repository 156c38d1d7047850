//! Exits immediately, without even the standard library's start-up: all that remains of a round is
//! its overhead. The benchmarks compile it on its own, statically linked where possible.
#![no_main]
#![allow(unsafe_code, missing_docs)]

// SAFETY: no other function of a program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    0
}
