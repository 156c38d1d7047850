//! The core file: its segments and the memory they contain.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};

use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

use super::CoreError;
use super::notes::Notes;
use crate::linux::arch::MACHINE;
use crate::linux::maps::{Mapping, Maps};

/// The bytes that identify the kind of an ELF file.
const MIN_SIZE: u64 = 16;
/// Upper bound on the note bytes read; a thread takes a few KiB.
const MAX_NOTES: u64 = 256 * 1024 * 1024;

/// A core file and the location of the process's memory in it.
pub(in crate::linux) struct CoreFile {
    /// Read instead of mapped: the next process to crash here may overwrite the file, and accessing
    /// a truncated mapping faults.
    file: File,
    stamp: Stamp,
    segments: Vec<Segment>,
}

/// One address range.
struct Segment {
    start: u64,
    end: u64,
    /// The number of bytes written to the file, and their offset.
    written: u64,
    offset: u64,
    permissions: String,
}

/// File size and change time, to detect writes.
type Stamp = (u64, i64, i64);

impl CoreFile {
    pub(super) fn open(file: File) -> Result<(CoreFile, Notes), CoreError> {
        let stamp = stamp(&file)?;
        let cache = ReadCache::new(file.try_clone()?);
        match FileKind::parse(&cache) {
            Ok(FileKind::Elf32) => return Err(CoreError::NarrowProgram),
            Err(_) if stamp.0 < MIN_SIZE => return Err(CoreError::Truncated),
            _ => {}
        }
        let header = FileHeader64::<Endianness>::parse(&cache)
            .map_err(|_| CoreError::NoCore("no ELF header"))?;
        let endian = header
            .endian()
            .map_err(|_| CoreError::NoCore("no byte order"))?;
        if header.e_type(endian) != elf::ET_CORE {
            return Err(CoreError::NoCore("another kind of ELF file"));
        }
        if header.e_machine(endian) != MACHINE || endian != Endianness::Little {
            return Err(CoreError::OtherMachine);
        }
        let headers = header
            .program_headers(endian, &cache)
            .map_err(|_| CoreError::Truncated)?;
        let mut notes = Notes::default();
        let mut segments = Vec::new();
        for header in headers {
            let end = (header.p_offset(endian)).checked_add(header.p_filesz(endian));
            if end.is_none_or(|end| end > stamp.0) {
                return Err(CoreError::Truncated);
            }
            match header.p_type(endian) {
                elf::PT_NOTE if header.p_filesz(endian) > MAX_NOTES => {
                    return Err(CoreError::NoCore("too many notes"));
                }
                elf::PT_NOTE => {
                    let found = header.notes(endian, &cache);
                    let found = found.map_err(|_| CoreError::NoCore("unreadable notes"))?;
                    notes.read(endian, found.ok_or(CoreError::Truncated)?)?;
                }
                elf::PT_LOAD => segments.push(Segment::of(endian, header)),
                _ => {}
            }
        }
        segments.sort_by_key(|segment| segment.start);
        let core = CoreFile {
            file,
            stamp,
            segments,
        };
        Ok((core, notes))
    }

    /// Fills the buffer from this address; `None` if the file does not contain all of it.
    pub(in crate::linux) fn read(&self, address: u64, mut buffer: &mut [u8]) -> Option<()> {
        let mut at = address;
        while !buffer.is_empty() {
            let next = self.segments.partition_point(|s| s.start <= at);
            let segment = self.segments[..next].last()?;
            let within = at - segment.start;
            let left = segment
                .written
                .checked_sub(within)
                .filter(|left| *left > 0)?;
            let len = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let (part, rest) = buffer.split_at_mut(len);
            (self.file)
                .read_exact_at(part, segment.offset.checked_add(within)?)
                .ok()?;
            buffer = rest;
            at = at.checked_add(len as u64)?;
        }
        Some(())
    }

    /// The memory mappings of the process.
    pub(super) fn maps(&self, notes: &Notes) -> Maps {
        let mapping = |segment: &Segment| {
            let file = notes.file_at(segment.start);
            Mapping {
                start: segment.start,
                end: segment.end,
                permissions: segment.permissions.clone(),
                offset: file.map_or(0, |file| {
                    file.offset.wrapping_add(segment.start - file.start)
                }),
                path: match file {
                    Some(file) => file.path.clone(),
                    None => notes.name_of(segment.start..segment.end).into(),
                },
                ..Mapping::default()
            }
        };
        Maps::new(self.segments.iter().map(mapping).collect())
    }

    /// Whether the file is unchanged since it was opened.
    pub(super) fn is_unchanged(&self) -> bool {
        stamp(&self.file).is_ok_and(|stamp| stamp == self.stamp)
    }
}

impl Segment {
    fn of(endian: Endianness, header: &ProgramHeader64<Endianness>) -> Segment {
        let start = header.p_vaddr(endian);
        let flags = header.p_flags(endian);
        let may = |flag, letter| if flags.contains(flag) { letter } else { '-' };
        Segment {
            start,
            end: start.saturating_add(header.p_memsz(endian)),
            written: header.p_filesz(endian).min(header.p_memsz(endian)),
            offset: header.p_offset(endian),
            permissions: [
                may(elf::PF_R, 'r'),
                may(elf::PF_W, 'w'),
                may(elf::PF_X, 'x'),
                'p',
            ]
            .iter()
            .collect(),
        }
    }
}

fn stamp(file: &File) -> Result<Stamp, CoreError> {
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(CoreError::NoCore("not a regular file"));
    }
    Ok((data.len(), data.mtime(), data.mtime_nsec()))
}
