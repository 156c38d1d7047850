//! x86-64: `orig_rax` holds the number of the system call, `rax` its result.

use nix::sys::ptrace;
use nix::unistd::Pid;

/// The length of the `syscall` instruction.
const INSTRUCTION: u64 = 2;

/// The calls that have had no effect when they return EINTR. Not `connect`, which continues in the
/// background, nor `close`, which has closed.
const REPEATABLE: [libc::c_long; 24] = [
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_preadv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_write,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_timedsend,
    libc::SYS_io_getevents,
    libc::SYS_io_uring_enter,
];

/// The call that epoll_wait(2) makes.
pub(in super::super::super) const EPOLL_WAIT: libc::c_long = libc::SYS_epoll_wait;

/// A system call that has just returned EINTR.
pub(super) struct Call {
    tid: Pid,
    registers: libc::user_regs_struct,
}

/// The call of a thread in a signal-delivery stop, if it returns EINTR.
pub(super) fn interrupted_call(tid: i32) -> Option<Call> {
    let tid = Pid::from_raw(tid);
    let registers = ptrace::getregs(tid).ok()?;
    let in_call = registers.orig_rax.cast_signed() >= 0;
    let interrupted = registers.rax.cast_signed() == i64::from(-libc::EINTR);
    (in_call && interrupted).then_some(Call { tid, registers })
}

impl Call {
    /// Sets the program counter back to the instruction and restores the number of the call.
    /// Returns whether it could.
    pub(super) fn issue_again(mut self) -> bool {
        if !REPEATABLE.contains(&self.registers.orig_rax.cast_signed()) {
            return false;
        }
        self.registers.rax = self.registers.orig_rax;
        self.registers.rip -= INSTRUCTION;
        // Not in a call any more, or the kernel would restart it as well.
        self.registers.orig_rax = u64::MAX;
        ptrace::setregs(self.tid, self.registers).is_ok()
    }
}
