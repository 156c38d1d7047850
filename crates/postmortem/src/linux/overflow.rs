//! Detects stack overflows.

use super::maps::{Mapping, Maps};

/// An access up to this far below the stack pointer still belongs to the stack: a call, a push, or
/// the probe of a new frame.
const BELOW: u64 = 64 * 1024;
/// The guard gap that the kernel keeps below a stack. A new frame may reach that far into it.
const GUARD: u64 = 1024 * 1024;

/// Whether a fault at this unusable address is a stack overflow: the address lies directly below
/// the stack that contains the stack pointer, or that the stack pointer has just left downwards.
pub(super) fn is_past_the_stack(address: u64, sp: u64, maps: &Maps) -> bool {
    if address < sp.saturating_sub(BELOW) {
        return false;
    }
    match maps.at(sp).filter(|m| is_usable(m)) {
        Some(stack) => address < stack.start,
        // The stack pointer is already past the end: a large frame begins there, and the access may
        // be anywhere in the frame.
        None => maps.from(sp).find(|m| is_usable(m)).is_some_and(|stack| {
            stack.start - sp <= GUARD && address < stack.start && !stack.is_file()
        }),
    }
}

fn is_usable(mapping: &Mapping) -> bool {
    mapping.readable() && mapping.writable()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps() -> Maps {
        let mapping = |start, end, permissions: &str| Mapping {
            start,
            end,
            permissions: permissions.to_owned(),
            ..Mapping::default()
        };
        Maps::new(vec![
            mapping(0x10_0000, 0x20_0000, "rw-p"),
            mapping(0x7000_0000, 0x7000_1000, "---p"),
            mapping(0x7000_1000, 0x7080_0000, "rw-p"),
        ])
    }

    #[test]
    fn only_a_fault_right_below_the_stack_is_its_end() {
        let past = |address, sp| is_past_the_stack(address, sp, &maps());
        // A push or call at the end of the stack; a probe; a large frame.
        assert!(past(0x7000_0ff8, 0x7000_1000));
        assert!(past(0x7000_0800, 0x7000_0800));
        assert!(past(0x7000_0ff0, 0x6fff_8000));
        // Above the stack, beyond its other end, far below it, or with room left on the stack.
        assert!(!past(0x7080_0000, 0x707f_f000));
        assert!(!past(0x7080_1000, 0x707f_f000));
        assert!(!past(0x6ff0_0000, 0x7000_1000));
        assert!(!past(0x7000_0ff8, 0x7040_0000));
        // A stack pointer far from any stack.
        assert!(!past(0x5000_0000, 0x5000_0008));
        assert!(!past(0x7100_0000, 0x7100_0008));
    }
}
