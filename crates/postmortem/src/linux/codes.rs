//! Names of the kernel's signal numbers and codes.

use nix::sys::signal::Signal;

/// The name of a signal.
pub(super) fn signal_name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(signal) => signal.as_str().to_owned(),
        // Real-time signals have no individual names.
        Err(_) => "SIGRT".to_owned(),
    }
}

/// The name of a signal's origin (`si_code`), as in `sigaction(2)`.
pub(super) fn code_name(signal: i32, code: i32) -> String {
    let name = match (signal, code) {
        (_, libc::SI_USER) => "SI_USER",
        (_, libc::SI_TKILL) => "SI_TKILL",
        (_, libc::SI_QUEUE) => "SI_QUEUE",
        (_, libc::SI_KERNEL) => "SI_KERNEL",
        (libc::SIGSEGV, 1) => "SEGV_MAPERR",
        (libc::SIGSEGV, 2) => "SEGV_ACCERR",
        (libc::SIGSEGV, 3) => "SEGV_BNDERR",
        (libc::SIGSEGV, 4) => "SEGV_PKUERR",
        (libc::SIGSEGV, 8) => "SEGV_MTEAERR",
        (libc::SIGSEGV, 9) => "SEGV_MTESERR",
        (libc::SIGSEGV, 10) => "SEGV_CPERR",
        (libc::SIGBUS, 1) => "BUS_ADRALN",
        (libc::SIGBUS, 2) => "BUS_ADRERR",
        (libc::SIGBUS, 3) => "BUS_OBJERR",
        (libc::SIGBUS, 4) => "BUS_MCEERR_AR",
        (libc::SIGFPE, 1) => "FPE_INTDIV",
        (libc::SIGFPE, 2) => "FPE_INTOVF",
        (libc::SIGFPE, 3) => "FPE_FLTDIV",
        (libc::SIGILL, 1) => "ILL_ILLOPC",
        (libc::SIGILL, 2) => "ILL_ILLOPN",
        (libc::SIGILL, 5) => "ILL_PRVOPC",
        (libc::SIGTRAP, 1) => "TRAP_BRKPT",
        (libc::SIGTRAP, 2) => "TRAP_TRACE",
        (libc::SIGSYS, 1) => "SYS_SECCOMP",
        _ => return format!("code {code}"),
    };
    name.to_owned()
}
