//! A system call that is refused on this machine.

use std::io;

/// A system call that is needed and refused here.
#[derive(Clone, Debug)]
pub struct RefusedCall {
    /// Its name.
    pub name: &'static str,
    /// The error that it returns.
    pub error: String,
    /// What crashrate does without it. `None`: it cannot measure at all.
    pub without: Option<&'static str>,
}

impl RefusedCall {
    /// The problem as a sentence.
    pub fn sentence(&self) -> String {
        let RefusedCall { name, error, .. } = self;
        format!(
            "{name}(2) is refused here ({error}), probably by the seccomp profile of a container"
        )
    }
}

/// Whether the system refuses a call, rather than its arguments.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    let codes = [libc::EPERM, libc::EACCES, libc::ENOSYS];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}
