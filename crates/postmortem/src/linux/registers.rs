//! The general registers of a thread; their roles differ by architecture.

use std::ptr;

/// The registers of a stopped thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers(pub(super) libc::user_regs_struct);

impl Registers {
    /// Reads the registers from the bytes of a core file's `elf_gregset_t`.
    #[allow(unsafe_code)]
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Registers> {
        let bytes = bytes.get(..size_of::<libc::user_regs_struct>())?;
        // SAFETY: the length equals the structure's size, and the structure consists of integers
        // only.
        let registers = unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) };
        Some(Registers(registers))
    }
}
