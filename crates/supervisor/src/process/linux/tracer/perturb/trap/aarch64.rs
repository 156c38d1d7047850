//! aarch64: `brk #0`. The program counter stays at it. Not run by its authors yet.

use nix::sys::ptrace::{getregset, regset, setregset};
use nix::unistd::Pid;

/// `brk #0`, little-endian.
pub(in super::super) const TRAP: [u8; 4] = [0x00, 0x00, 0x20, 0xd4];
/// The register that holds the return address at the entry of a function.
const LINK: usize = 30;
/// The `pstate` bit of 32-bit programs.
const NARROW: u64 = 0x10;

/// A thread that has stopped with SIGTRAP.
pub(in super::super) struct Trapped {
    tid: Pid,
    registers: libc::user_regs_struct,
}

impl Trapped {
    /// `None` if the thread is gone, or belongs to a 32-bit program.
    pub(in super::super) fn of(tid: i32) -> Option<Trapped> {
        let tid = Pid::from_raw(tid);
        let registers = getregset::<regset::NT_PRSTATUS>(tid).ok()?;
        (registers.pstate & NARROW == 0).then_some(Trapped { tid, registers })
    }

    /// The address of the breakpoint, if it was one.
    pub(in super::super) fn address(&self) -> u64 {
        self.registers.pc
    }

    /// Where the thread continues after the function returns whose first instruction is at the
    /// breakpoint.
    pub(in super::super) fn return_address(
        &self,
        _word: impl Fn(u64) -> Option<u64>,
    ) -> Option<u64> {
        Some(self.registers.regs[LINK])
    }

    /// Lets the thread continue with the instruction at the breakpoint. Returns whether it could.
    pub(in super::super) fn step_back(self) -> bool {
        setregset::<regset::NT_PRSTATUS>(self.tid, self.registers).is_ok()
    }
}

/// The address of a breakpoint that a thread with this program counter may just have executed.
pub(in super::super) fn trap_before(pc: u64) -> u64 {
    pc
}
