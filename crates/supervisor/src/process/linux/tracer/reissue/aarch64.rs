//! aarch64: the result of a system call overwrites the register of its first argument. So an
//! interrupted call is recognised by its result and cannot be issued again. Not run by its authors
//! yet.

use nix::sys::ptrace::{getregset, regset};
use nix::unistd::Pid;

/// The length of the `svc` instruction.
const INSTRUCTION: u64 = 4;
/// `svc #0`.
const SVC: u32 = 0xd400_0001;

/// The call that epoll_wait(2) makes: there is none of that name.
pub(in super::super::super) const EPOLL_WAIT: libc::c_long = libc::SYS_epoll_pwait;

/// A system call that has just returned EINTR.
pub(super) struct Call;

/// The call of a thread in a signal-delivery stop, if it returns EINTR.
pub(super) fn interrupted_call(tid: i32) -> Option<Call> {
    let tid = Pid::from_raw(tid);
    let registers = getregset::<regset::NT_PRSTATUS>(tid).ok()?;
    let interrupted = registers.regs[0].cast_signed() == i64::from(-libc::EINTR);
    let before = registers.pc.checked_sub(INSTRUCTION)?;
    let word = nix::sys::ptrace::read(tid, before as *mut libc::c_void).ok()?;
    (interrupted && word as u32 == SVC).then_some(Call)
}

impl Call {
    /// Always false.
    pub(super) fn issue_again(self) -> bool {
        false
    }
}
