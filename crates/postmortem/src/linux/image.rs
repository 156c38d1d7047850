//! An executable file or library: its identity, unwind tables and symbols.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use framehop::ModuleSectionInfo;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::ReadCache;
use object::read::elf::{ElfFile64, ElfSection64, FileHeader, ProgramHeader, SymbolTable};
use object::{Endianness, Object, ObjectSection, ObjectSymbol};
use sha2::{Digest, Sha256};

use super::functions::Functions;
use super::maps::{Mapping, Maps};
use super::memory::{Memory, PAGE};
use crate::names::demangle;
use crate::place::Build;

/// The file offsets and addresses of the loaded segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments {
    /// The lowest address.
    pub(super) base: u64,
    code: Vec<(Range<u64>, u64)>,
}

impl Segments {
    pub(super) fn of(endian: Endianness, headers: &[ProgramHeader64<Endianness>]) -> Segments {
        let loaded = || headers.iter().filter(|h| h.p_type(endian) == elf::PT_LOAD);
        Segments {
            base: loaded().map(|h| h.p_vaddr(endian)).min().unwrap_or(0),
            code: loaded()
                .filter(|h| h.p_flags(endian).contains(elf::PF_X))
                .map(|h| {
                    let start = h.p_offset(endian);
                    let end = start.saturating_add(h.p_filesz(endian));
                    (start..end, h.p_vaddr(endian))
                })
                .collect(),
        }
    }

    /// The load bias, if file offset `offset` is mapped at `start`.
    pub(super) fn bias(&self, offset: u64, start: u64) -> Option<u64> {
        let (range, address) = self
            .code
            .iter()
            .find(|(range, _)| range.start / PAGE * PAGE <= offset && offset < range.end)?;
        let offset_of_zero = address.wrapping_sub(range.start).wrapping_add(offset);
        Some(start.wrapping_sub(offset_of_zero))
    }
}

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

/// An ELF file mapped in a process. Addresses are relative to the file.
pub(super) struct Image {
    bytes: Bytes,
    segments: Segments,
    build_id: Option<String>,
    /// Cache of earlier symbol lookups.
    names: Mutex<HashMap<u64, Option<Arc<str>>>>,
    /// The functions, and the identity of a file without a build ID, once they were needed.
    functions: OnceLock<Functions>,
    identity: OnceLock<Build>,
}

impl Image {
    pub(super) fn read(bytes: Bytes) -> object::Result<Image> {
        let file = ElfFile64::<Endianness>::parse(&*bytes)?;
        Ok(Image {
            segments: Segments::of(file.endian(), file.elf_program_headers()),
            build_id: file.build_id()?.map(hex),
            names: Mutex::default(),
            functions: OnceLock::new(),
            identity: OnceLock::new(),
            bytes: bytes.clone(),
        })
    }

    pub(super) fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// What distinguishes this build of the file. Reads the whole file if it has no build ID.
    pub(super) fn identity(&self) -> &Build {
        self.identity.get_or_init(|| match &self.build_id {
            Some(id) => Build::BuildId(id.clone()),
            None => Build::Sha256(hex(&Sha256::digest(&self.bytes))),
        })
    }

    /// Whether the file is of this build.
    pub(super) fn is_build(&self, build: &Build) -> bool {
        match (build, &self.build_id) {
            (Build::BuildId(id), Some(own)) => id == own,
            (Build::Sha256(_), None) => self.identity() == build,
            _ => false,
        }
    }

    /// The functions of the file by what they do.
    pub(super) fn sorted_functions(&self) -> &Functions {
        self.functions.get_or_init(|| {
            let Ok(file) = ElfFile64::<Endianness>::parse(&*self.bytes) else {
                return Functions::default();
            };
            let endian = file.endian();
            let tables = [file.elf_symbol_table(), file.elf_dynamic_symbol_table()];
            let functions = tables.into_iter().flat_map(|table| {
                let defined = table
                    .iter()
                    .filter(move |symbol| is_function(symbol, endian));
                defined.filter_map(move |symbol| {
                    let name = table.symbol_name(endian, symbol).ok()?;
                    let name = std::str::from_utf8(name).ok()?;
                    Some((name, symbol.st_value.get(endian)))
                })
            });
            let dynamic = file.elf_dynamic_symbol_table();
            let imported = dynamic
                .iter()
                .filter(|symbol| symbol.st_shndx.get(endian) == elf::SHN_UNDEF);
            let imported = imported.filter_map(|symbol| {
                let name = dynamic.symbol_name(endian, symbol).ok()?;
                std::str::from_utf8(name).ok()
            });
            Functions::sort(functions, imported)
        })
    }

    /// The loaded segments.
    pub(super) fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The code at an address.
    pub(super) fn code(&self, address: u64, len: usize) -> Option<&[u8]> {
        let (range, start) = (self.segments.code.iter()).find(|(range, start)| {
            *start <= address && address - start < range.end - range.start
        })?;
        let at = usize::try_from(range.start.checked_add(address - start)?).ok()?;
        self.bytes.get(at..at.checked_add(len)?)
    }

    /// The function at each of these addresses, found in one pass over the symbols.
    pub(super) fn functions(&self, addresses: HashSet<u64>) -> HashMap<u64, Option<Arc<str>>> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing: Vec<u64> = (addresses.iter().copied())
            .filter(|address| !names.contains_key(address))
            .collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            let found = self.look_up(&missing);
            names.extend(missing.into_iter().zip(found));
        }
        let known = |address| Some((address, names.get(&address)?.clone()));
        addresses.into_iter().filter_map(known).collect()
    }

    fn look_up(&self, addresses: &[u64]) -> Vec<Option<Arc<str>>> {
        let mut best: Vec<Option<Candidate<'_>>> = vec![None; addresses.len()];
        // The file parsed before; if it no longer does, it has no symbols.
        if let Ok(file) = ElfFile64::<Endianness>::parse(&*self.bytes) {
            let endian = file.endian();
            for table in [file.elf_symbol_table(), file.elf_dynamic_symbol_table()] {
                one_pass(table, endian, addresses, &mut best);
            }
        }
        best.into_iter()
            .map(|found| Some(demangle(found?.name).into()))
            .collect()
    }
}

/// The sections that the unwinder reads. Parsing the headers anew is cheap, and a process loads an
/// image once.
impl ModuleSectionInfo<Bytes> for &Image {
    fn base_svma(&self) -> u64 {
        self.segments.base
    }

    fn section_svma_range(&mut self, name: &[u8]) -> Option<Range<u64>> {
        let file = ElfFile64::<Endianness>::parse(&*self.bytes).ok()?;
        let section = unwind_section(&file, name)?;
        Some(section.address()..section.address().saturating_add(section.size()))
    }

    fn section_data(&mut self, name: &[u8]) -> Option<Bytes> {
        let file = ElfFile64::<Endianness>::parse(&*self.bytes).ok()?;
        let data = unwind_section(&file, name)?.data().ok()?;
        Some(self.bytes.slice_ref(data))
    }
}

fn unwind_section<'data, 'file>(
    file: &'file ElfFile64<'data>,
    name: &[u8],
) -> Option<ElfSection64<'data, 'file>> {
    let is_read = matches!(name, b".text" | b".eh_frame" | b".eh_frame_hdr");
    is_read.then(|| file.section_by_name_bytes(name))?
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A symbol that covers an address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Candidate<'a> {
    value: u64,
    sized: bool,
    rank: u8,
    name: &'a str,
}

/// Maximum extent of a symbol without a size, such as hand-written assembly.
const UNSIZED_REACH: u64 = 4096;

fn one_pass<'a>(
    table: &SymbolTable<'a, FileHeader64<Endianness>>,
    endian: Endianness,
    addresses: &[u64],
    best: &mut [Option<Candidate<'a>>],
) {
    for symbol in table.iter() {
        let value = symbol.st_value.get(endian);
        let size = symbol.st_size.get(endian);
        let end = value.saturating_add(if size == 0 { UNSIZED_REACH } else { size });
        let first = addresses.partition_point(|&address| address < value);
        if addresses.get(first).is_none_or(|&address| address >= end) || !is_code(symbol, endian) {
            continue;
        }
        let name = table.symbol_name(endian, symbol).unwrap_or_default();
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        if name.is_empty() || name.starts_with('$') {
            continue;
        }
        let candidate = Candidate {
            value,
            sized: size > 0,
            rank: rank(symbol.st_bind()),
            name,
        };
        for (address, best) in addresses.iter().zip(best.iter_mut()).skip(first) {
            if *address >= end {
                break;
            }
            if best.is_none_or(|known| is_better(&candidate, &known)) {
                *best = Some(candidate);
            }
        }
    }
}

fn is_code(symbol: &elf::Sym64<Endianness>, endian: Endianness) -> bool {
    let kind = symbol.st_type();
    let is_defined = symbol.st_shndx.get(endian) != elf::SHN_UNDEF;
    is_defined && (kind == elf::STT_FUNC || kind == elf::STT_GNU_IFUNC || kind == elf::STT_NOTYPE)
}

/// Whether a symbol is the entry of a function with a body in this file. Not of an indirect one: its
/// address is that of its resolver.
fn is_function(symbol: &elf::Sym64<Endianness>, endian: Endianness) -> bool {
    let has_body = symbol.st_size.get(endian) > 0;
    let is_defined = symbol.st_shndx.get(endian) != elf::SHN_UNDEF;
    is_defined && has_body && symbol.st_type() == elf::STT_FUNC
}

fn rank(bind: elf::SymbolBind) -> u8 {
    if bind == elf::STB_GLOBAL {
        2
    } else {
        u8::from(bind == elf::STB_WEAK)
    }
}

/// Prefers a symbol with a size, then the one that begins nearer. Among aliases, prefers the name a
/// programmer would use, deterministically.
fn is_better(a: &Candidate<'_>, b: &Candidate<'_>) -> bool {
    let underscores = |c: &Candidate<'_>| c.name.bytes().take_while(|&b| b == b'_').count();
    let order = (a.sized, a.value, a.rank).cmp(&(b.sized, b.value, b.rank));
    order
        .then_with(|| underscores(b).cmp(&underscores(a)))
        .then_with(|| b.name.len().cmp(&a.name.len()))
        .then_with(|| b.name.cmp(a.name))
        .is_gt()
}

/// Whether a dynamically linked program imports a function of this name. Always false for a
/// statically linked one.
pub fn imports(program: &Path, function: &str) -> bool {
    let Ok(file) = File::open(program) else {
        return false;
    };
    let cache = ReadCache::new(file);
    let Ok(object) = object::File::parse(&cache) else {
        return false;
    };
    let mut symbols = object.dynamic_symbols();
    symbols.any(|symbol| symbol.is_undefined() && symbol.name() == Ok(function))
}
