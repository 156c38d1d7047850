//! 64-bit ARM: registers and the start of stack unwinding. Not yet run on hardware by its authors.

use framehop::aarch64::{CacheAarch64, UnwindRegsAarch64, UnwinderAarch64};
use nix::errno::Errno;

pub(super) use super::registers::Registers;

pub(super) type Unwinder<D> = UnwinderAarch64<D>;
pub(super) type Cache = CacheAarch64;
pub(super) type UnwindRegs = UnwindRegsAarch64;

/// The ELF machine of core files that this build can read.
pub(super) const MACHINE: object::elf::Machine = object::elf::EM_AARCH64;

/// The code a signal handler returns to, in the vdso: `mov x8, #139; svc #0`.
pub(super) const TRAMPOLINE: &[u8] = &[0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4];

/// Offsets in a signal frame, from the stack pointer at the handler's return: the siginfo_t, and
/// the saved registers x0 to x30, sp, pc and pstate (128 bytes of siginfo_t, then the context
/// behind 176 bytes and the fault's address).
pub(super) const SIGINFO: u64 = 0;
const CONTEXT: u64 = 128 + 176 + 8;

const FP: usize = 29;
const LR: usize = 30;

/// The `pstate` bit of 32-bit programs, and the size in bytes of their registers: r0 to r15, cpsr
/// and the old r0.
const NARROW: u64 = 0x10;
const NARROW_LEN: usize = 18 * 4;
const NARROW_SP: usize = 13;
const NARROW_PC: usize = 15;
const NARROW_STATE: usize = 16;

impl Registers {
    #[allow(unsafe_code)]
    pub(super) fn of(tid: i32) -> nix::Result<Registers> {
        let mut bytes = [0; size_of::<libc::user_regs_struct>()];
        let mut buffer = libc::iovec {
            iov_base: bytes.as_mut_ptr().cast(),
            iov_len: bytes.len(),
        };
        // SAFETY: the kernel writes at most the length given in the iovec, and stores the length
        // written there.
        let got = unsafe {
            libc::ptrace(
                libc::PTRACE_GETREGSET,
                tid,
                // Has the width of the pointer argument that ptrace(2) expects.
                libc::c_long::from(libc::NT_PRSTATUS),
                &raw mut buffer,
            )
        };
        Errno::result(got)?;
        let narrow = (buffer.iov_len == NARROW_LEN).then(|| Registers::of_narrow(&bytes));
        (narrow.unwrap_or_else(|| Registers::from_bytes(&bytes))).ok_or(Errno::EIO)
    }

    fn of_narrow(bytes: &[u8]) -> Option<Registers> {
        let mut registers = Registers::from_bytes(&[0; size_of::<libc::user_regs_struct>()])?;
        let (words, _) = bytes[..NARROW_LEN].as_chunks::<4>();
        let word = |at: usize| u64::from(u32::from_le_bytes(words[at]));
        for at in 0..NARROW_STATE {
            registers.0.regs[at] = word(at);
        }
        registers.0.sp = word(NARROW_SP);
        registers.0.pc = word(NARROW_PC);
        registers.0.pstate = word(NARROW_STATE) | NARROW;
        Some(registers)
    }

    /// Whether the registers belong to a 32-bit program.
    pub(super) fn is_narrow(&self) -> bool {
        self.0.pstate & NARROW != 0
    }

    /// Reads the registers that the kernel saved when it called a signal handler; `sp` is the stack
    /// pointer after the handler's return.
    pub(super) fn saved_at(
        sp: u64,
        word: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Option<Registers> {
        let mut bytes = Vec::new();
        let words = size_of::<libc::user_regs_struct>() / 8;
        for at in (sp.checked_add(CONTEXT)?..).step_by(8).take(words) {
            bytes.extend(word(at)?.to_le_bytes());
        }
        Registers::from_bytes(&bytes)
    }

    /// Always false: on ARM every fault comes with its address.
    pub(super) fn has_non_canonical(&self) -> bool {
        false
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

    /// Recovers the caller of a jump to unmapped code: the call left the return address in the link
    /// register.
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
