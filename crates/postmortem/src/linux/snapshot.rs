//! What a thread was about when a signal came to it, and which of several such snapshots is a death's evidence.

use std::collections::HashMap;

use nix::sys::ptrace;
use nix::unistd::Pid;

use super::arch::NO_ADDRESS_CODE;
use super::codes::{code_name, signal_name};
use super::images::Images;
use super::maps::{Mapping, Maps};
use super::stack::resolve;
use super::status::Dispositions;
use super::thread::ThreadShot;
use crate::class::{self, Faulted};
use crate::crash::{Crash, Fault, Hex, Kind, Module};
use crate::signature::signature;

/// The most frames of a thread that crashed: the recursion of an overflown stack has far more.
const MAX_FRAMES: usize = 200;

/// A thread at the moment when a signal was about to be delivered to it.
#[derive(Clone)]
pub struct Snapshot {
    signal: i32,
    code: i32,
    /// Where a fault was; nothing for a signal that somebody sent.
    address: Option<u64>,
    /// Whether the process sent it to itself.
    own: bool,
    /// Whether it had no handler: then this is what ends the process.
    fatal: bool,
    thread: ThreadShot,
    maps: Maps,
}

impl Snapshot {
    /// Of a thread that is in a signal-delivery stop. Nothing if its process handles the signal and enough were taken of
    /// such (`spare`), or if it is gone.
    pub fn take(pid: i32, tid: i32, signal: i32, spare: bool, images: &Images) -> Option<Snapshot> {
        let info = ptrace::getsiginfo(Pid::from_raw(tid)).ok()?;
        let is_fault = info.si_code > 0 && is_fault_signal(signal);
        let dispositions = Dispositions::of(tid)?;
        let fatal = dispositions.kills(signal, is_fault);
        // What is not caught and does not kill is ignored.
        let catches = !fatal && (is_fault || dispositions.catches(signal));
        if !(fatal || catches && spare && is_core(signal)) {
            return None;
        }
        // By the thread: a process whose first thread has ended shows no maps under its own number.
        let maps = Maps::of(tid).ok()?;
        let thread = ThreadShot::take(pid, tid, &maps, images, MAX_FRAMES).ok()?;
        let (address, sender) = origin(&info);
        Some(Snapshot {
            signal,
            code: info.si_code,
            address: address.filter(|_| is_fault),
            own: !is_fault && sender == Some(pid),
            fatal,
            thread,
            maps,
        })
    }

    /// Of which process it is.
    pub fn pid(&self) -> i32 {
        self.thread.pid
    }

    /// Whether it had no handler: then this is what ends the process.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    fn is_stack_overflow(&self, frames: &Crash) -> bool {
        frames.class == "SEGV_STACK" && self.address.is_some()
    }

    fn class(&self) -> String {
        let sp = self.thread.registers.sp();
        let mapping = self.address.and_then(|at| self.maps.at(at));
        class::of_fault(Faulted {
            signal: &signal_name(self.signal),
            address: self.address,
            no_address_at_all: self.has_no_address(),
            sp: Some(sp),
            usable: mapping.is_some_and(|m| m.readable() && m.writable()),
            access: self.fault().and_then(|f| f.access),
        })
    }

    fn has_no_address(&self) -> bool {
        self.address.is_some() && Some(self.code) == NO_ADDRESS_CODE
    }

    fn fault(&self) -> Option<Fault> {
        let address = self.address.filter(|_| !self.has_no_address())?;
        let mapping = self.maps.at(address);
        let may = |what: fn(&Mapping) -> bool| mapping.is_some_and(what);
        let is_memory = matches!(self.signal, libc::SIGSEGV | libc::SIGBUS);
        let (readable, writable) = (may(Mapping::readable), may(Mapping::writable));
        // A bus error has other reasons than permissions.
        let readable = readable && self.signal == libc::SIGSEGV;
        let pc = self.thread.registers.pc();
        Some(Fault {
            address: Hex(address),
            access: is_memory
                .then(|| class::access(address, pc, readable, writable))
                .flatten(),
            mapping: mapping.map(|m| format!("{} {}", m.permissions, m.path).trim().to_owned()),
        })
    }

    fn crash(&self) -> Crash {
        let (mut frames, builds) = resolve(&[&self.thread.stack]);
        let frames = frames.pop().unwrap_or_default();
        let class = match self.signal {
            libc::SIGABRT => class::of_abort(&frames),
            _ => self.class(),
        };
        let modules = with_builds(&self.maps, &builds);
        Crash {
            signature: signature(&class, &frames, &modules),
            class,
            kind: Kind::Crash,
            signal: Some(signal_name(self.signal)),
            code: Some(code_name(self.signal, self.code)),
            fault: self.fault(),
            pid: self.thread.pid,
            thread: Some(self.thread.tid),
            threads: vec![self.thread.with_frames(frames, self.thread.pid, true)],
            modules,
            notes: Vec::new(),
        }
    }
}

/// How the process of an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died {
    /// Its number.
    pub pid: i32,
    /// The signal.
    pub signal: i32,
}

/// The evidence of a death among the snapshots of a process, in the order in which they were taken.
///
/// It is the first one that had no handler, else the newest of that signal. When the process sent the signal to itself
/// after a fault of the same thread (a handler that ends in `raise` or `abort`), the fault is the evidence.
pub fn choose(snapshots: &[Snapshot], died: Died) -> Option<Crash> {
    let fits = |s: &&Snapshot| s.pid() == died.pid && s.signal == died.signal;
    let matching = || snapshots.iter().filter(fits);
    let ending = matching().find(|s| s.fatal).or(matching().next_back())?;
    let mut faults = snapshots.iter().filter(|s| {
        s.thread.tid == ending.thread.tid && s.pid() == died.pid && s.address.is_some()
    });
    let Some(fault) = faults.next_back().filter(|_| ending.own) else {
        return Some(ending.crash());
    };
    let mut crash = fault.crash();
    if fault.signal == ending.signal {
        crash.notes.push("its handler sent the signal again".into());
        return Some(crash);
    }
    // Rust's runtime and others turn an overflow of the stack, and only that, into an abort.
    if ending.signal == libc::SIGABRT && fault.is_stack_overflow(&crash) {
        crash
            .notes
            .push("its handler of the stack's overflow aborted".into());
        crash.signal = Some(signal_name(ending.signal));
        return Some(crash);
    }
    Some(ending.crash())
}

/// What is said of a death that nothing was seen of: of SIGKILL, or of a process that was not traced any more.
pub fn unseen(died: Died) -> Crash {
    let class = signal_name(died.signal);
    Crash {
        signature: signature(&class, &[], &[]),
        signal: Some(class.clone()),
        class,
        pid: died.pid,
        ..Crash::default()
    }
}

/// The evidence of a hang: all threads of a process and of its descendants, that of `pid` first, each process's main
/// thread first.
pub fn hang(pid: i32, threads: &[ThreadShot], maps: &HashMap<i32, Maps>) -> Option<Crash> {
    let stacks: Vec<_> = threads.iter().map(|thread| &thread.stack).collect();
    let (frames, builds) = resolve(&stacks);
    let mut threads: Vec<_> = threads
        .iter()
        .zip(frames)
        .map(|(thread, frames)| (thread.pid, thread.with_frames(frames, pid, false)))
        .collect();
    // A shell that waits for what it started says nothing: what it waits for does.
    let waits = |frames: &[crate::Frame]| {
        let named = frames.iter().filter_map(|f| f.function.as_deref());
        named
            .take(3)
            .any(|name| name.trim_start_matches('_').starts_with("wait"))
    };
    let is_main = |(of, thread): &&(i32, crate::Thread)| *of == thread.tid;
    let blamed = threads
        .iter()
        .filter(is_main)
        .find(|(_, thread)| !waits(&thread.frames))
        .or(threads.first())
        .map(|(_, thread)| thread.tid)?;
    let place = threads.iter().position(|(_, t)| t.tid == blamed)?;
    let first = threads.remove(place);
    threads.insert(0, first);
    let of = threads[0].0;
    let modules = maps
        .get(&of)
        .map(|maps| with_builds(maps, &builds))
        .unwrap_or_default();
    Some(Crash {
        signature: signature("HANG", &threads[0].1.frames, &modules),
        class: "HANG".into(),
        kind: Kind::Hang,
        pid,
        thread: Some(blamed),
        threads: threads.into_iter().map(|(_, thread)| thread).collect(),
        modules,
        ..Crash::default()
    })
}

fn with_builds(maps: &Maps, builds: &HashMap<String, String>) -> Vec<Module> {
    let mut modules = maps.modules();
    for module in &mut modules {
        module.build_id = builds.get(&module.name).cloned();
    }
    modules
}

fn is_fault_signal(signal: i32) -> bool {
    matches!(
        signal,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP | libc::SIGSYS
    )
}

/// The signals that say of themselves that the program is broken.
fn is_core(signal: i32) -> bool {
    is_fault_signal(signal) || signal == libc::SIGABRT
}

/// The address of a fault, or the sender of a signal: which of the two there is depends on the code.
#[allow(unsafe_code)]
fn origin(info: &libc::siginfo_t) -> (Option<u64>, Option<i32>) {
    // SAFETY: the kernel filled all of the structure; both fields are plain numbers, whatever they mean.
    let (address, sender) = unsafe { (info.si_addr() as u64, info.si_pid()) };
    match info.si_code > 0 {
        true => (Some(address), None),
        false => (None, Some(sender)),
    }
}
