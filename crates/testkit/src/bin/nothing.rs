//! Does nothing at all, without so much as the standard library's own start: what is left of a round is its overhead.
//! The benchmarks compile it by itself, linked statically where that is possible.
#![no_main]
#![allow(unsafe_code, missing_docs)]

// SAFETY: no other function of a program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    0
}
