//! The notes of a core file: threads, signal and mappings.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::NoteIterator;

use super::CoreError;
use crate::linux::arch::Registers;

/// Offsets in `struct elf_prstatus` and `struct elf_prpsinfo` of 64-bit programs.
const STATUS_TID: usize = 32;
const STATUS_REGISTERS: usize = 112;
const INFO_PID: usize = 24;
const INFO_SESSION: usize = 36;
const INFO_NAME: usize = 40;
const NAME_LEN: usize = 16;
/// Keys of the auxiliary vector: the vdso, and 16 random bytes on the stack of the first thread.
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;

/// The parsed notes.
#[derive(Default)]
pub(super) struct Notes {
    /// All threads; the one that crashed comes first.
    pub(super) threads: Vec<(i32, Registers)>,
    /// The first words of the fatal signal's `siginfo_t`.
    pub(super) siginfo: Option<[u64; 3]>,
    pub(super) pid: Option<i32>,
    /// The session ID of the process, which is its leader's process ID.
    pub(super) session: Option<i32>,
    /// The name of the first thread.
    pub(super) name: String,
    files: Vec<MappedFile>,
    auxv: Vec<(u64, u64)>,
}

/// An address range that maps part of a file.
pub(super) struct MappedFile {
    pub(super) start: u64,
    end: u64,
    pub(super) offset: u64,
    pub(super) path: PathBuf,
}

impl Notes {
    pub(super) fn read(
        &mut self,
        endian: Endianness,
        notes: NoteIterator<'_, FileHeader64<Endianness>>,
    ) -> Result<(), CoreError> {
        for note in notes {
            let note = note.map_err(|_| CoreError::NoCore("unreadable notes"))?;
            let data = note.desc();
            if note.name() != b"CORE" {
                continue;
            }
            match note.n_type(endian) {
                elf::NT_PRSTATUS => {
                    let registers = data.get(STATUS_REGISTERS..);
                    let registers = registers.and_then(Registers::from_bytes);
                    let thread = int(data, STATUS_TID).zip(registers);
                    self.threads
                        .push(thread.ok_or(CoreError::NoCore("a short note"))?);
                }
                elf::NT_SIGINFO => {
                    let words = data.as_chunks().0.first_chunk::<3>();
                    self.siginfo = words.map(|words| words.map(u64::from_le_bytes));
                }
                elf::NT_PRPSINFO => {
                    self.pid = int(data, INFO_PID);
                    self.session = int(data, INFO_SESSION);
                    let name = data
                        .get(INFO_NAME..INFO_NAME + NAME_LEN)
                        .unwrap_or_default();
                    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
                    self.name = String::from_utf8_lossy(&name[..end]).into_owned();
                }
                elf::NT_FILE => {
                    self.files = files(data).ok_or(CoreError::NoCore("unreadable mappings"))?;
                }
                elf::NT_AUXV => {
                    let (pairs, _) = data.as_chunks::<16>();
                    let words = |pair| Some((word(pair, 0)?, word(pair, 8)?));
                    self.auxv = pairs.iter().filter_map(|pair| words(pair)).collect();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The file mapping that contains an address.
    pub(super) fn file_at(&self, address: u64) -> Option<&MappedFile> {
        let holds = |file: &&MappedFile| file.start <= address && address < file.end;
        self.files.iter().find(holds)
    }

    /// The name of a mapping without a file, as in `/proc/PID/maps`; empty if it has none.
    pub(super) fn name_of(&self, range: Range<u64>) -> &'static str {
        let has = |kind: u64| {
            let found = self.auxv.iter().find(|(key, _)| *key == kind);
            found.is_some_and(|(_, address)| range.contains(address))
        };
        if has(AT_SYSINFO_EHDR) {
            "[vdso]"
        } else if has(AT_RANDOM) {
            "[stack]"
        } else {
            ""
        }
    }
}

/// Parses `count, page size`, then `count` times `(start, end, offset in pages)`, then `count`
/// NUL-terminated paths.
fn files(data: &[u8]) -> Option<Vec<MappedFile>> {
    let (count, page) = (word(data, 0)?, word(data, 8)?);
    let count = usize::try_from(count).ok()?;
    let (ranges, paths) = data.get(16..)?.split_at_checked(count.checked_mul(24)?)?;
    let (ranges, _) = ranges.as_chunks::<24>();
    let file = |(range, path): (&[u8; 24], &[u8])| {
        Some(MappedFile {
            start: word(range, 0)?,
            end: word(range, 8)?,
            offset: word(range, 16)?.checked_mul(page)?,
            path: PathBuf::from(OsString::from_vec(path.to_vec())),
        })
    };
    ranges
        .iter()
        .zip(paths.split(|&byte| byte == 0))
        .map(file)
        .collect()
}

fn word(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

fn int(data: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_le_bytes(*data.get(at..)?.first_chunk()?))
}
