//! What only machine code can do for sure, on aarch64: no compiler check or optimisation stands before it.
#![allow(unsafe_code)]

use std::arch::asm;

/// Whether an integer division by zero traps: on this processor it is 0.
pub(crate) const DIVISION_TRAPS: bool = false;

/// Writes 4 bytes to this address, whatever is there.
#[inline(always)]
pub(super) fn store(address: usize) {
    // SAFETY: none is wanted; the address is one that faults, or one that the caller owns.
    unsafe {
        asm!("str {value:w}, [{address}]", value = in(reg) 1u32, address = in(reg) address, options(nostack));
    }
}

/// Runs an instruction that does not exist.
#[inline(always)]
pub(super) fn illegal_instruction() {
    // SAFETY: it traps and touches nothing.
    unsafe { asm!("udf #0", options(nomem, nostack)) }
}

/// Divides by zero, which this processor lets pass.
#[inline(always)]
pub(super) fn divide_by_zero() {}
