//! x86-64: `int3`. The program counter is behind it when the thread stops.

use nix::sys::ptrace;
use nix::unistd::Pid;

/// `int3`.
pub(in super::super) const TRAP: [u8; 1] = [0xcc];
/// The code segment selector of 32-bit programs.
const NARROW_CODE: u64 = 0x23;

/// A thread that has stopped with SIGTRAP.
pub(in super::super) struct Trapped {
    tid: Pid,
    registers: libc::user_regs_struct,
}

impl Trapped {
    /// `None` if the thread is gone, or belongs to a 32-bit program.
    pub(in super::super) fn of(tid: i32) -> Option<Trapped> {
        let tid = Pid::from_raw(tid);
        let registers = ptrace::getregs(tid).ok()?;
        (registers.cs != NARROW_CODE).then_some(Trapped { tid, registers })
    }

    /// The address of the breakpoint, if it was one.
    pub(in super::super) fn address(&self) -> u64 {
        self.registers.rip.wrapping_sub(TRAP.len() as u64)
    }

    /// Where the thread continues after the instruction at the breakpoint returns, if that is the
    /// first one of a function. `word` reads the thread's memory.
    pub(in super::super) fn return_address(
        &self,
        word: impl Fn(u64) -> Option<u64>,
    ) -> Option<u64> {
        word(self.registers.rsp)
    }

    /// Lets the thread continue with the instruction at the breakpoint. Returns whether it could.
    pub(in super::super) fn step_back(mut self) -> bool {
        self.registers.rip = self.address();
        ptrace::setregs(self.tid, self.registers).is_ok()
    }
}

/// The address of a breakpoint that a thread with this program counter may just have executed.
pub(in super::super) fn trap_before(pc: u64) -> u64 {
    pc.wrapping_sub(TRAP.len() as u64)
}
