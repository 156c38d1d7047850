//! A thread captured just before a signal is delivered to it, and the evidence derived from it.

use std::collections::HashMap;

use super::codes::{code_name, signal_name};
use super::maps::{Mapping, Maps};
use super::stack::{Interruption, resolve};
use super::thread::ThreadShot;
use crate::class::{self, Faulted};
use crate::crash::{Crash, Fault, Hex, Module};
use crate::signature::signature;

/// The largest `si_code` by which the kernel reports a processor fault, besides SI_KERNEL.
const MAX_FAULT_CODE: i32 = 32;

/// The cause of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) signal: i32,
    code: i32,
    /// The fault address; `None` for a signal sent by a process.
    pub(super) address: Option<u64>,
    /// Whether the process sent the signal to itself.
    own: bool,
}

impl Cause {
    /// Creates a cause from a `siginfo_t`. The code determines whether `address` or `own` is
    /// meaningful.
    pub(super) fn new(signal: i32, code: i32, address: u64, own: bool) -> Cause {
        let is_fault = code > 0 && is_fault_signal(signal);
        Cause {
            signal,
            code,
            address: is_fault.then_some(address),
            own: own && code <= 0,
        }
    }

    /// Creates a cause from the first words of a `siginfo_t` of process `pid`.
    pub(super) fn of_siginfo(words: [u64; 3], pid: i32) -> Cause {
        let [signal, code, sender] = words.map(|word| word as u32 as i32);
        Cause::new(signal, code, words[2], sender == pid)
    }

    /// Creates a cause from a signal frame of process `pid`. `None` if the handler did not ask for
    /// a `siginfo_t`, or if the signal is neither a fault nor an abort.
    fn saved(words: [u64; 3], pid: i32) -> Option<Cause> {
        let cause = Cause::of_siginfo(words, pid);
        let is_plausible =
            words[0] >> 32 == 0 && (cause.code <= MAX_FAULT_CODE || cause.code == libc::SI_KERNEL);
        (is_plausible && cause.is_failure()).then_some(cause)
    }

    /// Whether the signal indicates a failure: a fault or an abort.
    pub(super) fn is_failure(&self) -> bool {
        self.address.is_some() || self.own && self.signal == libc::SIGABRT
    }

    /// Whether the kernel reported a fault without an address. x86-64 processors give none for a
    /// general protection fault, and the kernel gives none if it cannot call a handler.
    fn has_no_address(&self) -> bool {
        self.address.is_some() && self.code == libc::SI_KERNEL
    }
}

/// A fault or abort with a handler, and where its thread was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HandledFailure {
    pub(super) tid: i32,
    pub(super) pc: u64,
    pub(super) sp: u64,
    pub(super) cause: Cause,
}

/// Failures that the process handled before it died.
#[derive(Clone, Copy)]
pub(super) enum Handled<'a> {
    /// All recent handled failures, recorded by the tracer.
    Watched(&'a [HandledFailure]),
    /// No tracer was attached; only the signal frames that the kernel wrote on the stack are
    /// available.
    OnStack,
}

/// A thread captured just before a signal is delivered to it.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) cause: Cause,
    pub(super) thread: ThreadShot,
    pub(super) maps: Maps,
}

impl Snapshot {
    /// The evidence of a death by this signal. If the process sent it to itself in the handler of
    /// another signal, that other signal's cause is the evidence.
    pub(super) fn crash(&self, handled: Handled<'_>) -> Crash {
        let (mut first, mut notes) = (self.clone(), Vec::new());
        let mut next = self.before(handled);
        while let Some((before, note)) = next {
            notes.push(note);
            next = before.behind(handled);
            first = before;
        }
        let mut crash = first.evidence();
        crash.notes.extend(notes);
        crash.signal = Some(signal_name(self.cause.signal));
        crash
    }

    /// The earlier signal whose handler is still running or has just returned.
    fn before(&self, handled: Handled<'_>) -> Option<(Snapshot, String)> {
        let (pc, sp) = (self.thread.registers.pc(), self.thread.registers.sp());
        let fault = (self.known(handled, pc, sp))
            .filter(|cause| cause.address.is_some())
            .map(|cause| Snapshot {
                cause,
                ..self.clone()
            });
        if self.cause.own {
            // The signal was blocked in the handler and delivered when the handler returned.
            let returned = fault.map(|fault| self.because_of(fault));
            return returned.or_else(|| self.behind(handled));
        }
        // The kernel sends this SIGSEGV when it cannot call the handler.
        let is_forced = self.cause.signal == libc::SIGSEGV && self.cause.has_no_address();
        let overflow = fault.filter(|fault| is_forced && fault.class() == "SEGV_STACK")?;
        let note = "there was no stack left to call its handler on".to_owned();
        Some((overflow, note))
    }

    /// The earlier signal whose handler is still running, if the process sent this signal to itself
    /// there.
    fn behind(&self, handled: Handled<'_>) -> Option<(Snapshot, String)> {
        if !self.cause.own {
            return None;
        }
        let behind = |by: &Interruption| {
            let cause = match handled {
                Handled::Watched(_) => self.known(handled, by.registers.pc(), by.registers.sp()),
                Handled::OnStack => Cause::saved(by.siginfo, self.thread.pid),
            };
            Some(self.because_of(Snapshot {
                cause: cause?,
                thread: self.thread.interrupted(by),
                maps: self.maps.clone(),
            }))
        };
        self.thread.stack.interruptions.iter().find_map(behind)
    }

    fn because_of(&self, before: Snapshot) -> (Snapshot, String) {
        let note = match self.cause.signal == before.cause.signal {
            true => "its handler sent the signal again".to_owned(),
            false => {
                let [name, of] = [self, &before].map(|s| signal_name(s.cause.signal));
                format!("its handler of {of} sent {name}")
            }
        };
        (before, note)
    }

    fn known(&self, handled: Handled<'_>, pc: u64, sp: u64) -> Option<Cause> {
        let Handled::Watched(faults) = handled else {
            return None;
        };
        let is_it = |f: &&HandledFailure| (f.tid, f.pc, f.sp) == (self.thread.tid, pc, sp);
        faults.iter().rev().find(is_it).map(|fault| fault.cause)
    }

    fn class(&self) -> String {
        let mapping = self.cause.address.and_then(|at| self.maps.at(at));
        let sp = self.thread.registers.sp();
        let is_past = |address| self.maps.is_past_the_stack(address, sp);
        class::of_fault(Faulted {
            signal: &signal_name(self.cause.signal),
            address: self.cause.address.filter(|_| !self.cause.has_no_address()),
            no_address_at_all: self.cause.has_no_address()
                && self.thread.registers.has_non_canonical(),
            past_the_stack: self.cause.address.is_some_and(is_past)
                && !mapping.is_some_and(|m| m.readable() && m.writable()),
            access: self.fault().and_then(|f| f.access),
        })
    }

    fn fault(&self) -> Option<Fault> {
        let address = self
            .cause
            .address
            .filter(|_| !self.cause.has_no_address())?;
        let mapping = self.maps.at(address);
        let may = |what: fn(&Mapping) -> bool| mapping.is_some_and(what);
        let is_memory = matches!(self.cause.signal, libc::SIGSEGV | libc::SIGBUS);
        let (readable, writable) = (may(Mapping::readable), may(Mapping::writable));
        // Bus errors have causes other than permissions.
        let readable = readable && self.cause.signal == libc::SIGSEGV;
        let pc = self.thread.registers.pc();
        let described = |m: &Mapping| {
            let text = format!("{} {}", m.permissions, m.path.to_string_lossy());
            text.trim().to_owned()
        };
        Some(Fault {
            address: Hex(address),
            access: is_memory
                .then(|| class::access(address, pc, readable, writable))
                .flatten(),
            mapping: mapping.map(described),
        })
    }

    fn evidence(&self) -> Crash {
        let (mut frames, builds) = resolve(&[&self.thread.stack]);
        let frames = frames.pop().unwrap_or_default();
        let class = match self.cause.signal {
            // A handler may run on top of any stack, so only the frames above it count.
            libc::SIGABRT => class::of_abort(&frames[..self.thread.stack.innermost()]),
            _ => self.class(),
        };
        let sender = frames.first().and_then(|frame| frame.function.as_deref());
        let is_elsewhere =
            self.cause.own && self.cause.code == libc::SI_USER && sender != Some("kill");
        let modules = with_builds(&self.maps, &builds);
        let mut crash = Crash {
            signature: signature(&class, &frames, &modules),
            class,
            signal: Some(signal_name(self.cause.signal)),
            code: Some(code_name(self.cause.signal, self.cause.code)),
            fault: self.fault(),
            message: None,
            pid: self.thread.pid,
            thread: Some(self.thread.tid),
            threads: vec![self.thread.with_frames(frames, self.thread.pid, true)],
            modules,
            ..Crash::default()
        };
        crash.notes.extend(self.thread.notes());
        if is_elsewhere {
            let note = "sent to the whole process, perhaps by another thread";
            crash.notes.push(note.to_owned());
        }
        crash
    }
}

pub(super) fn with_builds(maps: &Maps, builds: &HashMap<String, String>) -> Vec<Module> {
    let mut modules = maps.modules();
    for module in &mut modules {
        module.build_id = builds.get(&module.name).cloned();
    }
    modules
}

/// The signals that processor faults raise.
pub(super) fn is_fault_signal(signal: i32) -> bool {
    matches!(
        signal,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP | libc::SIGSYS
    )
}
