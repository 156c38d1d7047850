//! 64-bit ARM: registers and how a stack begins. Not run by its authors yet.

use framehop::aarch64::{CacheAarch64, UnwindRegsAarch64, UnwinderAarch64};
use nix::sys::ptrace::{getregset, regset};
use nix::unistd::Pid;

pub(super) type Unwinder<D> = UnwinderAarch64<D>;
pub(super) type Cache = CacheAarch64;
pub(super) type UnwindRegs = UnwindRegsAarch64;

/// Every fault comes with its address here.
pub(super) const NO_ADDRESS_CODE: Option<i32> = None;

const FP: usize = 29;
const LR: usize = 30;

/// The registers of a stopped thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers(libc::user_regs_struct);

impl Registers {
    pub(super) fn of(tid: i32) -> nix::Result<Registers> {
        getregset::<regset::NT_PRSTATUS>(Pid::from_raw(tid)).map(Registers)
    }

    pub(super) fn pc(&self) -> u64 {
        self.0.pc
    }

    pub(super) fn sp(&self) -> u64 {
        self.0.sp
    }

    pub(super) fn unwind(&self) -> UnwindRegs {
        UnwindRegs::new(self.0.regs[LR], self.0.sp, self.0.regs[FP])
    }

    /// The caller of code that is nowhere: a call had left the return address in the link register.
    pub(super) fn caller(
        &self,
        _word: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Option<(u64, UnwindRegs)> {
        Some((self.0.regs[LR], self.unwind()))
    }

    pub(super) fn named(&self) -> Vec<(&'static str, u64)> {
        const NAMES: [&str; 31] = [
            "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
            "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25",
            "x26", "x27", "x28", "fp", "lr",
        ];
        let mut named: Vec<_> = NAMES.into_iter().zip(self.0.regs).collect();
        named.extend([
            ("sp", self.0.sp),
            ("pc", self.0.pc),
            ("pstate", self.0.pstate),
        ]);
        named
    }
}
