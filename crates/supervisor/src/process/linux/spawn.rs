//! Starting a child by clone and exec, with the semantics of vfork.
//!
//! A fork would copy the supervisor's page tables for every round. Here the child runs in the
//! supervisor's memory, on a separate stack, and the thread that starts it sleeps until the child
//! executes or ends. Until then the child only makes system calls on prepared data: it allocates
//! nothing and takes no lock.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use crashrate_zygote::take_number;
use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::process::{chdir, setsid};

use crate::process::exec::Launch;
use crate::process::jobserver;
use crate::suite::word_of_text;

/// The size of a child's stack before exec. It uses a few hundred bytes.
const STACK: usize = 32 * 1024;
/// Runs what the kernel does not execute: a script without a `#!` line.
const SHELL: &CStr = c"/bin/sh";
/// The signals that this program, its runtime or its libraries have handlers for. In the child the
/// handlers would run in the supervisor's memory. SIGPIPE is ignored here but not in children.
const HANDLED: [c_int; 7] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGURG,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGPIPE,
];

/// The signals that a terminal or a user sends to the supervisor's whole process group. They are
/// not meant for a child, which is in that group until `setsid`.
const TO_THE_GROUP: [c_int; 5] = [
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGTERM,
    libc::SIGHUP,
];

/// Starts children.
pub(in crate::process) struct Spawner {
    /// The variables that children inherit, each with its name.
    inherited: Vec<(OsString, CString)>,
}

impl Spawner {
    /// Children inherit this program's current environment except the variables `without`.
    pub(in crate::process) fn new(without: &[&str]) -> Spawner {
        let inherited = std::env::vars_os()
            .map(jobserver::cleaned)
            .filter(|(name, _)| !without.iter().any(|other| name == other))
            .filter_map(|(name, value)| {
                let entry = c_string(&[name.as_bytes(), b"=", value.as_bytes()]).ok()?;
                Some((name, entry))
            })
            .collect();
        Spawner { inherited }
    }

    /// Starts a child in a new session and process group. The child calls `at_first` first and
    /// `before_exec` last. Both must be safe between fork and exec.
    pub(in crate::process) fn spawn(
        &self,
        launch: &Launch<'_>,
        at_first: impl Fn() -> io::Result<()> + Send + Sync + 'static,
        before_exec: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Pid> {
        let mut words = vec![c_string(&[launch.program.as_os_str().as_bytes()])?];
        for word in launch.arguments {
            words.push(c_string(&[word_of_text(word).as_bytes()])?);
        }
        let mut own = Vec::with_capacity(launch.env.len());
        for (name, value) in launch.env {
            own.push(c_string(&[name.as_bytes(), b"=", value.as_bytes()])?);
        }
        let directory = CString::new(launch.directory.as_os_str().as_bytes())?;
        let is_overridden = |name: &OsString| {
            launch.env.iter().any(|(own, _)| name == own)
                || launch.unset.iter().any(|own| name == own.as_str())
        };
        let inherited = self.inherited.iter();
        let inherited = inherited.filter(|(name, _)| !is_overridden(name));
        // Allocated at full size: to grow it would reallocate five times in every attempt.
        let mut envp = Vec::with_capacity(self.inherited.len() + own.len() + 1);
        envp.extend(inherited.map(|(_, entry)| entry.as_ptr()));
        envp.extend(own.iter().map(|entry| entry.as_ptr()));
        envp.push(ptr::null());
        let mut argv = vec![SHELL.as_ptr()];
        argv.extend(words.iter().map(|word| word.as_ptr()));
        argv.push(ptr::null());
        let child = Child {
            argv,
            envp,
            directory: &directory,
            stdio: launch.stdio.each_ref().map(AsRawFd::as_raw_fd),
            at_first: &at_first,
            before_exec: &before_exec,
            error: AtomicI32::new(0),
        };
        child.start()
    }
}

/// The concatenation of these parts.
fn c_string(parts: &[&[u8]]) -> io::Result<CString> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 1);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    CString::new(bytes).map_err(|_| {
        let problem = "an argument or variable with a zero byte cannot be passed to a program";
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    })
}

/// Everything that a child needs, prepared before it starts.
struct Child<'a> {
    /// [`SHELL`], the program, its arguments, null. The program gets all but the shell.
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    directory: &'a CStr,
    stdio: [c_int; 3],
    at_first: &'a dyn Fn() -> io::Result<()>,
    before_exec: &'a dyn Fn() -> io::Result<()>,
    /// The error of a child that could not execute. 0: none.
    error: AtomicI32,
}

impl Child<'_> {
    fn start(&self) -> io::Result<Pid> {
        let mut stack: Vec<MaybeUninit<u8>> = Vec::with_capacity(STACK);
        // SAFETY: this thread sleeps until the child has executed or ended, so the stack and `self`
        // outlive the child's use of them. No signal handler can run in the child: all signals are
        // blocked here, and the child resets the handlers before it unblocks them. The stack grows
        // down from an aligned end; the pointers are to locals.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(STACK);
            let top = top.sub(top as usize % 16).cast::<c_void>();
            let mut blocked: libc::sigset_t = mem::zeroed();
            let mut before: libc::sigset_t = mem::zeroed();
            libc::sigfillset(&mut blocked);
            libc::pthread_sigmask(libc::SIG_SETMASK, &blocked, &mut before);
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            let child = ptr::from_ref(self).cast_mut().cast();
            let pid = libc::clone(enter, top, flags, child);
            let error = Errno::last_raw();
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
            if pid < 0 {
                return Err(io::Error::from_raw_os_error(error));
            }
            pid
        };
        let pid = Pid::from_raw(pid);
        match self.error.load(Ordering::Acquire) {
            0 => Ok(pid),
            error => {
                while waitpid(pid, None) == Err(Errno::EINTR) {}
                Err(io::Error::from_raw_os_error(error))
            }
        }
    }

    /// In the child: prepares and executes. Returns only an error.
    fn execute(&self) -> io::Error {
        let prepared = || -> io::Result<()> {
            (self.at_first)()?;
            for (from, to) in self.stdio.into_iter().zip(0..) {
                take_number(from, to)?;
            }
            chdir(self.directory)?;
            // A new session is also a new process group, and has no terminal.
            setsid()?;
            reset_signals();
            (self.before_exec)()
        };
        if let Err(error) = prepared() {
            return error;
        }
        // SAFETY: both lists end with null, and the sleeping thread holds all strings.
        unsafe {
            let program = &self.argv[1..];
            libc::execve(program[0], program.as_ptr(), self.envp.as_ptr());
            if Errno::last() == Errno::ENOEXEC {
                libc::execve(self.argv[0], self.argv.as_ptr(), self.envp.as_ptr());
            }
        }
        io::Error::last_os_error()
    }
}

/// The entry function of the child.
extern "C" fn enter(child: *mut c_void) -> c_int {
    // SAFETY: the pointer is to the `Child` that the sleeping thread holds.
    let child = unsafe { &*child.cast_const().cast::<Child<'_>>() };
    let error = child.execute().raw_os_error().unwrap_or(libc::EINVAL);
    child.error.store(error, Ordering::Release);
    // SAFETY: it ends the child without running exit handlers.
    unsafe { libc::_exit(127) }
}

/// Resets the signal handlers of this program and unblocks all signals. Discards signals that came
/// while the child was in the supervisor's group. Ignored signals stay ignored.
fn reset_signals() {
    // SAFETY: the structures are plain data for which zero is a value: no handler, no signal in the
    // mask. Without CLONE_SIGHAND the calls change only the child's dispositions.
    unsafe {
        let default: libc::sigaction = mem::zeroed();
        for signal in HANDLED {
            let mut before: libc::sigaction = mem::zeroed();
            libc::sigaction(signal, &default, &mut before);
            if before.sa_sigaction == libc::SIG_IGN && signal != libc::SIGPIPE {
                libc::sigaction(signal, &before, ptr::null_mut());
            }
        }
        let mut ignored = default;
        ignored.sa_sigaction = libc::SIG_IGN;
        let mut pending: libc::sigset_t = mem::zeroed();
        libc::sigpending(&mut pending);
        for signal in TO_THE_GROUP {
            if libc::sigismember(&pending, signal) == 1 {
                // Ignoring a signal for a moment discards a pending one.
                let mut before: libc::sigaction = mem::zeroed();
                libc::sigaction(signal, &ignored, &mut before);
                libc::sigaction(signal, &before, ptr::null_mut());
            }
        }
        let none: libc::sigset_t = mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
    }
}
