//! What only machine code can do for sure, on x86-64: no compiler check or optimisation stands before it.
#![allow(unsafe_code)]

use std::arch::asm;

/// Whether an integer division by zero traps.
pub(crate) const DIVISION_TRAPS: bool = true;

/// Writes 4 bytes to this address, whatever is there.
#[inline(always)]
pub(super) fn store(address: usize) {
    // SAFETY: none is wanted; the address is one that faults, or one that the caller owns.
    unsafe { asm!("mov dword ptr [{address}], 1", address = in(reg) address, options(nostack)) }
}

/// Runs an instruction that does not exist.
#[inline(always)]
pub(super) fn illegal_instruction() {
    // SAFETY: it traps and touches nothing.
    unsafe { asm!("ud2", options(nomem, nostack)) }
}

/// Divides by zero.
#[inline(always)]
pub(super) fn divide_by_zero() {
    // SAFETY: it traps; the registers that it would change are given up.
    unsafe {
        asm!(
            "idiv {zero:e}",
            zero = in(reg) 0,
            inout("eax") 1 => _,
            inout("edx") 0 => _,
            options(nomem, nostack)
        );
    }
}
