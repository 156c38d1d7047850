//! x86-64: registers and the start of stack unwinding.

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use nix::sys::ptrace::getregs;
use nix::unistd::Pid;

pub(super) use super::registers::Registers;

pub(super) type Unwinder<D> = UnwinderX86_64<D>;
pub(super) type Cache = CacheX86_64;
pub(super) type UnwindRegs = UnwindRegsX86_64;

/// The ELF machine of core files that this build can read.
pub(super) const MACHINE: object::elf::Machine = object::elf::EM_X86_64;

/// The code a signal handler returns to, `__restore_rt`: `mov $15, %rax; syscall`.
pub(super) const TRAMPOLINE: &[u8] = &[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];

/// Offsets in a signal frame, from the stack pointer at the handler's return: the saved registers
/// and the siginfo_t.
const CONTEXT: u64 = 40;
pub(super) const SIGINFO: u64 = 304;

/// The code segment selector of 32-bit programs.
const NARROW_CODE: u64 = 0x23;

impl Registers {
    pub(super) fn of(tid: i32) -> nix::Result<Registers> {
        // PTRACE_GETREGS uses the 64-bit layout of this process, also for a 32-bit tracee.
        getregs(Pid::from_raw(tid)).map(Registers)
    }

    /// Whether the registers belong to a 32-bit program.
    pub(super) fn is_narrow(&self) -> bool {
        self.0.cs == NARROW_CODE
    }

    /// Reads the registers that the kernel saved when it called a signal handler; `sp` is the stack
    /// pointer after the handler's return.
    pub(super) fn saved_at(
        sp: u64,
        word: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Option<Registers> {
        let mut registers = Registers::from_bytes(&[0; size_of::<libc::user_regs_struct>()])?;
        let r = &mut registers.0;
        // In the order of the kernel's `struct sigcontext`.
        let fields = [
            &mut r.r8,
            &mut r.r9,
            &mut r.r10,
            &mut r.r11,
            &mut r.r12,
            &mut r.r13,
            &mut r.r14,
            &mut r.r15,
            &mut r.rdi,
            &mut r.rsi,
            &mut r.rbp,
            &mut r.rbx,
            &mut r.rdx,
            &mut r.rax,
            &mut r.rcx,
            &mut r.rsp,
            &mut r.rip,
            &mut r.eflags,
        ];
        for (field, at) in fields
            .into_iter()
            .zip((sp.checked_add(CONTEXT)?..).step_by(8))
        {
            *field = word(at)?;
        }
        Some(registers)
    }

    /// Whether a register holds a non-canonical address, whose upper bits are not all the same. A
    /// fault without an address can also have other causes, such as a misaligned operand.
    pub(super) fn has_non_canonical(&self) -> bool {
        let is_canonical = |value: u64| matches!(value >> 47, 0 | 0x1_ffff);
        let mut named = self.named().into_iter();
        !named.all(|(_, value)| is_canonical(value))
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

    /// Recovers the caller of a jump to unmapped code: the call pushed the return address, and
    /// nothing ran after it.
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
