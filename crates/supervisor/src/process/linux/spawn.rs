//! Starting a child by clone and exec, with the semantics of vfork.
//!
//! A fork would copy the supervisor's page tables for every round. Here the child runs in the supervisor's memory, on a
//! stack of its own, while the thread that starts it sleeps until it has executed or ended. Until then it makes system
//! calls on what was prepared for it, and nothing else: it allocates nothing and takes no lock.

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::process::child_io::take_number;
use crate::process::exec::Launch;
use crate::process::jobserver;
use crate::suite::word_of_text;

/// Room for what a child does before it executes; the deepest of it is some hundred bytes.
const STACK: usize = 32 * 1024;
/// What runs a program that the kernel does not take: a script without a first line that says what runs it.
const SHELL: &CStr = c"/bin/sh";
/// The signals that this program, its runtime or its libraries have handlers for. In the child's memory they would run
/// in the middle of ours. SIGPIPE is ignored here, and is not meant to be ignored there.
const HANDLED: [c_int; 7] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGURG,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGPIPE,
];

/// The signals that somebody sends to the supervisor's whole group, a terminal above all. A child that is just coming to
/// be was in that group, and is not meant.
const TO_THE_GROUP: [c_int; 5] = [
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGTERM,
    libc::SIGHUP,
];

/// Starts children.
pub(in crate::process) struct Spawner {
    /// This program's own environment, as children get it, by name.
    inherited: Vec<(OsString, CString)>,
}

impl Spawner {
    /// Children get this program's environment as it is now, without these variables.
    pub(in crate::process) fn new(without: &[&str]) -> Spawner {
        let inherited = jobserver::cleaned(std::env::vars_os())
            .filter(|(name, _)| !without.iter().any(|other| name == other))
            .filter_map(|(name, value)| {
                let mut entry = name.clone().into_vec();
                entry.push(b'=');
                entry.extend_from_slice(value.as_bytes());
                Some((name, CString::new(entry).ok()?))
            });
        let mut inherited: Vec<_> = inherited.collect();
        inherited.sort_by(|(one, _), (two, _)| one.cmp(two));
        Spawner { inherited }
    }

    /// Starts a child in a session and process group of its own. In it `at_first` is called first and `before_exec` last; both may do
    /// only what is safe between fork and exec.
    pub(in crate::process) fn spawn(
        &self,
        launch: &Launch<'_>,
        at_first: impl Fn() -> io::Result<()> + Send + Sync + 'static,
        before_exec: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Pid> {
        let mut words = Texts::with_room_for(1 + launch.arguments.len());
        words.push(&[launch.program.as_os_str().as_bytes()])?;
        for word in launch.arguments {
            words.push(&[word_of_text(word).as_bytes()])?;
        }
        let mut own = Texts::with_room_for(launch.env.len());
        for (name, value) in launch.env {
            own.push(&[name.as_bytes(), b"=", value.as_bytes()])?;
        }
        let directory = CString::new(launch.directory.as_os_str().as_bytes())?;
        let ends = || [ptr::null()];
        // As long as it can get: it is made for every attempt, and grown it would be made five times.
        let mut envp = Vec::with_capacity(self.inherited.len() + launch.env.len() + 1);
        envp.extend(self.inherited_but(launch.env));
        envp.extend(own.pointers().chain(ends()));
        let child = Child {
            argv: ([SHELL.as_ptr()].into_iter())
                .chain(words.pointers())
                .chain(ends())
                .collect(),
            envp,
            directory: &directory,
            stdio: launch.stdio.each_ref().map(AsRawFd::as_raw_fd),
            at_first: &at_first,
            before_exec: &before_exec,
            error: AtomicI32::new(0),
        };
        child.start()
    }

    /// What children inherit and are not given otherwise. Both lists are gone through once, by name.
    fn inherited_but<'s>(
        &'s self,
        given: &[(&'s str, &'s str)],
    ) -> impl Iterator<Item = *const c_char> + use<'s> {
        let names = given.iter().map(|(name, _)| name.as_bytes());
        let mut given: Vec<&[u8]> = names.collect();
        given.sort_unstable();
        let mut given = given.into_iter().peekable();
        self.inherited.iter().filter_map(move |(name, entry)| {
            let name = name.as_bytes();
            while given.next_if(|given| *given < name).is_some() {}
            (given.peek() != Some(&name)).then(|| entry.as_ptr())
        })
    }
}

/// Texts with their ends, in one piece of memory.
struct Texts {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Texts {
    /// None, and room for so many of a usual length.
    fn with_room_for(count: usize) -> Texts {
        Texts {
            bytes: Vec::with_capacity(count * 64),
            starts: Vec::with_capacity(count),
        }
    }

    /// Adds a text of these parts.
    fn push(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        if parts.iter().any(|part| part.contains(&0)) {
            let problem = "a word or variable with a zero byte in it cannot be handed to a program";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        self.starts.push(self.bytes.len());
        parts
            .iter()
            .for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes.push(0);
        Ok(())
    }

    /// Where each begins. They stay there for as long as none is added.
    fn pointers(&self) -> impl Iterator<Item = *const c_char> {
        self.starts
            .iter()
            .map(|&at| self.bytes[at..].as_ptr().cast())
    }
}

/// What a child needs, made before it starts.
struct Child<'a> {
    /// [`SHELL`], the program, its arguments and the end: from the second on it is what the program is started with.
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    directory: &'a CStr,
    stdio: [c_int; 3],
    at_first: &'a dyn Fn() -> io::Result<()>,
    before_exec: &'a dyn Fn() -> io::Result<()>,
    /// Set by the child if it cannot execute.
    error: AtomicI32,
}

impl Child<'_> {
    fn start(&self) -> io::Result<Pid> {
        let mut stack: Vec<MaybeUninit<u8>> = Vec::with_capacity(STACK);
        // SAFETY: this thread sleeps until the child has executed or ended, so the stack and everything that the child
        // is handed outlive its use of them. No signal's handler can run in the child: all are blocked here, and it
        // has none left when it lets them in. The stack grows down from an end that is aligned; the pointers are to
        // locals.
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

    /// In the child: everything up to the exec, from which there is no way back. Returns why it did not come to that.
    fn execute(&self) -> io::Error {
        let prepared = || -> io::Result<()> {
            (self.at_first)()?;
            for (from, to) in self.stdio.into_iter().zip(0..) {
                take_number(from, to)?;
            }
            // SAFETY: system calls on a text that the thread which sleeps holds, and on numbers.
            unsafe {
                // A session of its own is a process group, too, and has no terminal.
                if libc::chdir(self.directory.as_ptr()) < 0 || libc::setsid() < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            reset_signals();
            (self.before_exec)()
        };
        if let Err(error) = prepared() {
            return error;
        }
        // SAFETY: both lists end with nothing, and all texts are held by the thread that sleeps.
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

/// The child's first function.
extern "C" fn enter(child: *mut c_void) -> c_int {
    // SAFETY: it is the `Child` that the thread which sleeps holds.
    let child = unsafe { &*child.cast_const().cast::<Child<'_>>() };
    let error = child.execute().raw_os_error().unwrap_or(libc::EINVAL);
    child.error.store(error, Ordering::Release);
    // SAFETY: it ends the child, and runs nothing else.
    unsafe { libc::_exit(127) }
}

/// Takes away the handlers of this program, and lets all signals in but those that came while the child was in this
/// program's group. What is ignored stays ignored.
fn reset_signals() {
    // SAFETY: the structures are plain data for which zero is a value: no handler, no signal in the mask. In a child
    // without CLONE_SIGHAND the calls change its own dispositions alone.
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
                // To be ignored for a moment takes away what is pending.
                let mut before: libc::sigaction = mem::zeroed();
                libc::sigaction(signal, &ignored, &mut before);
                libc::sigaction(signal, &before, ptr::null_mut());
            }
        }
        let none: libc::sigset_t = mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
    }
}
