//! The first page of a mapped ELF file, read from the process: enough to identify the file.

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

use super::image::{Segments, hex};
use super::maps::{Mapping, Maps};
use super::memory::{Memory, PAGE};

/// The contents of a mapped file's first page.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) build_id: Option<String>,
    pub(super) segments: Segments,
}

impl Head {
    /// Reads the head of the file that `mapping` belongs to. `None` if it is not mapped or is not a
    /// 64-bit ELF file.
    pub(super) fn read(memory: &Memory, maps: &Maps, mapping: &Mapping) -> Option<Head> {
        let first = maps.first_of(mapping)?;
        // A heap buffer, because the ELF structures must be aligned.
        let mut page = vec![0; PAGE as usize];
        memory.read(first.start, &mut page)?;
        let page = &page[..];
        let header = FileHeader64::<Endianness>::parse(page).ok()?;
        let endian = header.endian().ok()?;
        let headers = header.program_headers(endian, page).ok()?;
        let mut head = Head {
            build_id: None,
            segments: Segments::of(endian, headers),
        };
        for header in headers {
            // A note beyond the first page is not found; the file then counts as having no build
            // ID.
            let Ok(Some(mut notes)) = header.notes(endian, page) else {
                continue;
            };
            while let Ok(Some(note)) = notes.next() {
                if note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_BUILD_ID {
                    head.build_id = Some(hex(note.desc()));
                }
            }
        }
        Some(head)
    }
}
