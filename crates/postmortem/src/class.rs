//! The class of a crash: its signal and a coarse cause, derived only from certain facts.

use crate::crash::{Access, Frame};
use crate::lists::ABORTS;

/// Addresses below this count as a null pointer plus an offset.
const NULL_PAGE: u64 = 64 * 1024;

/// The facts known about a memory or instruction fault.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faulted<'a> {
    /// The signal's name.
    pub signal: &'a str,
    /// The fault address, if the kernel reported one.
    pub address: Option<u64>,
    /// Whether the processor rejected the address as non-canonical (x86-64).
    pub no_address_at_all: bool,
    /// Whether the stack is exhausted and the address lies directly below it.
    pub past_the_stack: bool,
    /// The kind of access, if known.
    pub access: Option<Access>,
}

/// Classifies a fault.
pub fn of_fault(fault: Faulted<'_>) -> String {
    if fault.signal != "SIGSEGV" {
        return fault.signal.to_owned();
    }
    if fault.no_address_at_all {
        return "SEGV_NONCANON".to_owned();
    }
    let Some(address) = fault.address else {
        return fault.signal.to_owned();
    };
    let class = if address < NULL_PAGE {
        "SEGV_NULL"
    } else if fault.access != Some(Access::Exec) && fault.past_the_stack {
        "SEGV_STACK"
    } else {
        "SEGV_WILD"
    };
    class.to_owned()
}

/// Classifies an abort by its caller.
pub fn of_abort(frames: &[Frame]) -> String {
    let named = || frames.iter().filter_map(|f| f.function.as_deref());
    if named().any(|name| ABORTS.lists("terminate", name)) {
        return "ABRT_TERMINATE".to_owned();
    }
    let caller = named().find(|name| !ABORTS.lists("abort", name));
    match caller {
        Some(name) if ABORTS.lists("allocator", name) => "ABRT_MALLOC".to_owned(),
        _ => "SIGABRT".to_owned(),
    }
}

/// Infers the kind of access from the mapping's permissions. A fault on readable memory was a
/// write; a fault at the program counter was an execution. Otherwise the kind is unknown.
pub fn access(address: u64, pc: u64, readable: bool, writable: bool) -> Option<Access> {
    match (address == pc, readable, writable) {
        (true, _, _) => Some(Access::Exec),
        (false, true, false) => Some(Access::Write),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_by_their_address() {
        let fault = |address, past_the_stack| {
            of_fault(Faulted {
                signal: "SIGSEGV",
                address: Some(address),
                past_the_stack,
                ..Faulted::default()
            })
        };
        assert_eq!(fault(8, false), "SEGV_NULL");
        assert_eq!(fault(0x7000_0000 - 4096, true), "SEGV_STACK");
        assert_eq!(fault(0x7000_0000 - 4096, false), "SEGV_WILD");
        let other = Faulted {
            signal: "SIGBUS",
            address: Some(0),
            ..Faulted::default()
        };
        assert_eq!(of_fault(other), "SIGBUS");
        let wild = Faulted {
            signal: "SIGSEGV",
            no_address_at_all: true,
            ..Faulted::default()
        };
        assert_eq!(of_fault(wild), "SEGV_NONCANON");
    }

    #[test]
    fn aborts_by_their_caller() {
        let class = |names: &[&str]| {
            let frames: Vec<Frame> = (names.iter())
                .map(|name| Frame {
                    function: (!name.is_empty()).then(|| (*name).to_owned()),
                    ..Frame::default()
                })
                .collect();
            of_abort(&frames)
        };
        assert_eq!(class(&["", "raise", "abort", "main"]), "SIGABRT");
        assert_eq!(
            class(&["raise", "abort", "", "", "free", "main"]),
            "ABRT_MALLOC"
        );
        assert_eq!(
            class(&["abort", "", "std::terminate", "main"]),
            "ABRT_TERMINATE"
        );
        assert_eq!(class(&["abort", "main", "free"]), "SIGABRT");
    }

    #[test]
    fn access_is_reported_only_when_certain() {
        assert_eq!(access(1, 1, false, false), Some(Access::Exec));
        assert_eq!(access(8, 1, true, false), Some(Access::Write));
        assert_eq!(access(8, 1, false, false), None);
        assert_eq!(access(8, 1, true, true), None);
    }
}
