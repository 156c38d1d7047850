//! Machine code for x86-64, which no compiler check or optimisation can alter.
#![allow(unsafe_code)]

use std::arch::asm;

/// Whether integer division by zero traps.
pub(crate) const DIVISION_TRAPS: bool = true;

/// Writes 4 bytes to this address unconditionally.
#[inline(always)]
pub(super) fn store(address: usize) {
    // SAFETY: deliberately unsound; the address faults or belongs to the caller.
    unsafe { asm!("mov dword ptr [{address}], 1", address = in(reg) address, options(nostack)) }
}

/// Executes an undefined instruction.
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
