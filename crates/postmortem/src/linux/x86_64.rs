//! x86-64: registers and how a stack begins.

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use nix::sys::ptrace::{getregset, regset};
use nix::unistd::Pid;

pub(super) type Unwinder<D> = UnwinderX86_64<D>;
pub(super) type Cache = CacheX86_64;
pub(super) type UnwindRegs = UnwindRegsX86_64;

/// The kernel reports an address that is none at all by this code, and without the address.
pub(super) const NO_ADDRESS_CODE: Option<i32> = Some(libc::SI_KERNEL);

/// The registers of a stopped thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers(libc::user_regs_struct);

impl Registers {
    pub(super) fn of(tid: i32) -> nix::Result<Registers> {
        getregset::<regset::NT_PRSTATUS>(Pid::from_raw(tid)).map(Registers)
    }

    pub(super) fn pc(&self) -> u64 {
        self.0.rip
    }

    pub(super) fn sp(&self) -> u64 {
        self.0.rsp
    }

    pub(super) fn unwind(&self) -> UnwindRegs {
        UnwindRegs::new(self.0.rip, self.0.rsp, self.0.rbp)
    }

    /// The caller of code that is nowhere: a call had pushed the return address, and nothing after it ran.
    pub(super) fn caller(
        &self,
        word: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Option<(u64, UnwindRegs)> {
        let back = word(self.0.rsp)?;
        let sp = self.0.rsp.wrapping_add(8);
        Some((back, UnwindRegs::new(back, sp, self.0.rbp)))
    }

    pub(super) fn named(&self) -> Vec<(&'static str, u64)> {
        let r = &self.0;
        vec![
            ("rax", r.rax),
            ("rbx", r.rbx),
            ("rcx", r.rcx),
            ("rdx", r.rdx),
            ("rsi", r.rsi),
            ("rdi", r.rdi),
            ("rbp", r.rbp),
            ("rsp", r.rsp),
            ("r8", r.r8),
            ("r9", r.r9),
            ("r10", r.r10),
            ("r11", r.r11),
            ("r12", r.r12),
            ("r13", r.r13),
            ("r14", r.r14),
            ("r15", r.r15),
            ("rip", r.rip),
            ("eflags", r.eflags),
        ]
    }
}
