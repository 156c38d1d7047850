//! x86-64: the number of a system call is in `orig_rax`, its result in `rax`, and the instruction is two bytes long.

use nix::sys::ptrace;
use nix::unistd::Pid;

/// The length of `syscall`.
const INSTRUCTION: u64 = 2;

/// The calls that do nothing when they return EINTR. `connect` goes on in the background and `close` has closed: neither
/// can be issued again.
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

/// A system call that has just returned EINTR.
pub(super) struct Call {
    tid: Pid,
    registers: libc::user_regs_struct,
}

/// The call that a thread in a signal-delivery stop returns from with EINTR.
pub(super) fn interrupted_call(tid: i32) -> Option<Call> {
    let tid = Pid::from_raw(tid);
    let registers = ptrace::getregs(tid).ok()?;
    let in_call = registers.orig_rax.cast_signed() >= 0;
    let interrupted = registers.rax.cast_signed() == i64::from(-libc::EINTR);
    (in_call && interrupted).then_some(Call { tid, registers })
}

impl Call {
    /// Steps the instruction back, with the number of the call restored. Whether that could be done.
    pub(super) fn issue_again(mut self) -> bool {
        if !REPEATABLE.contains(&self.registers.orig_rax.cast_signed()) {
            return false;
        }
        self.registers.rax = self.registers.orig_rax;
        self.registers.rip -= INSTRUCTION;
        // No call any more: the kernel would restart it in its own way, too.
        self.registers.orig_rax = u64::MAX;
        ptrace::setregs(self.tid, self.registers).is_ok()
    }
}
