//! Machine code for aarch64, which no compiler check or optimisation can alter.
#![allow(unsafe_code)]

use std::arch::asm;

/// Whether integer division by zero traps. On this processor the result is 0.
pub(crate) const DIVISION_TRAPS: bool = false;

/// Writes 4 bytes to this address unconditionally.
#[inline(always)]
pub(super) fn store(address: usize) {
    // SAFETY: deliberately unsound; the address faults or belongs to the caller.
    unsafe {
        asm!(
            "str {value:w}, [{address}]",
            value = in(reg) 1u32,
            address = in(reg) address,
            options(nostack)
        );
    }
}

/// Executes an undefined instruction.
#[inline(always)]
pub(super) fn illegal_instruction() {
    // SAFETY: it traps and touches nothing.
    unsafe { asm!("udf #0", options(nomem, nostack)) }
}

/// Divides by zero, which does not trap on this processor.
#[inline(always)]
pub(super) fn divide_by_zero() {}
