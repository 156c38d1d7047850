//! The general registers of a thread; what each of them is for differs by architecture.

use std::ptr;

/// The registers of a stopped thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers(pub(super) libc::user_regs_struct);

impl Registers {
    /// From the bytes of a core file's `elf_gregset_t`.
    #[allow(unsafe_code)]
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Registers> {
        let bytes = bytes.get(..size_of::<libc::user_regs_struct>())?;
        // SAFETY: as many bytes as the structure has, and it consists of integers only.
        let registers = unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) };
        Some(Registers(registers))
    }
}
