//! Source files and lines of a stack, from the debug information of the programs on disk.
//!
//! They are looked up when a person asks for them, never during a run: to read debug information
//! takes seconds and hundreds of megabytes. By then a program may have been built again, so its
//! file must have the recorded build ID. A file without one must not have changed since the crash.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use addr2line::Loader;
use object::read::ReadCache;
use object::{BinaryFormat, Object};

use crate::crash::{Crash, Frame, Module};

/// Where distributions install debug information, by build ID.
const DEBUG_FILES: &str = "/usr/lib/debug/.build-id";

/// Finds source lines. Keeps the debug information of the files that it has read.
pub struct SourceLines {
    crashed: SystemTime,
    loaders: HashMap<String, Option<Loader>>,
}

impl SourceLines {
    /// For a crash at this time.
    pub fn new(crashed: SystemTime) -> SourceLines {
        SourceLines {
            crashed,
            loaders: HashMap::new(),
        }
    }

    /// The `FILE:LINE` of a frame, innermost inlined call first. `index` is its place in the stack.
    /// Empty if it is not known, or if the program is no longer the one that crashed.
    pub fn of(&mut self, crash: &Crash, index: usize, frame: &Frame) -> Vec<String> {
        let Some((module, offset)) = module_of(crash, frame).zip(frame.offset) else {
            return Vec::new();
        };
        let crashed = self.crashed;
        let loader = self.loaders.entry(module.path.clone());
        let loader = loader.or_insert_with(|| load(module, crashed));
        // A return address may belong to the next line already.
        let address = match index {
            0 => offset.0,
            _ => offset.0.saturating_sub(1),
        };
        loader
            .as_ref()
            .map(|loader| lines(loader, address))
            .unwrap_or_default()
    }
}

fn module_of<'a>(crash: &'a Crash, frame: &Frame) -> Option<&'a Module> {
    let name = frame.module.as_ref()?;
    let named = || crash.modules.iter().filter(|module| module.name == *name);
    let has_address = |module: &&Module| (module.start..=module.end).contains(&frame.address);
    named().find(has_address)
}

fn load(module: &Module, crashed: SystemTime) -> Option<Loader> {
    let path = Path::new(&module.path);
    let build = Build::read(path)?;
    match (&module.build_id, &build.id) {
        (Some(recorded), Some(now)) if !is_same(recorded, now) => return None,
        (Some(_), Some(_)) => {}
        _ if changed(&fs::metadata(path).ok()?) > crashed => return None,
        _ => {}
    }
    let debug_file = build.id.as_deref().and_then(debug_file);
    let debug_file = debug_file.filter(|path| path.is_file());
    match debug_file {
        Some(file) => Loader::new(file).ok(),
        // Without debug information, the symbol tables of large libraries would be read for nothing.
        None if build.has_lines => Loader::new(path).ok(),
        None => None,
    }
}

/// What identifies an executable file, and whether it has debug information.
struct Build {
    id: Option<String>,
    has_lines: bool,
}

impl Build {
    fn read(path: &Path) -> Option<Build> {
        let data = ReadCache::new(File::open(path).ok()?);
        let file = object::File::parse(&data).ok()?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let id = file.build_id().ok().flatten().map(hex);
        let uuid = || file.mach_uuid().ok().flatten().map(|uuid| hex(&uuid));
        // On macOS debug information is in other files, which the loader finds.
        let has_lines =
            file.format() == BinaryFormat::MachO || file.section_by_name(".debug_line").is_some();
        Some(Build {
            id: id.or_else(uuid),
            has_lines,
        })
    }
}

/// macOS writes a UUID in capitals and with hyphens.
fn is_same(recorded: &str, now: &str) -> bool {
    recorded.replace('-', "").eq_ignore_ascii_case(now)
}

fn debug_file(id: &str) -> Option<PathBuf> {
    let (folder, name) = id.split_at_checked(2)?;
    Some(
        Path::new(DEBUG_FILES)
            .join(folder)
            .join(format!("{name}.debug")),
    )
}

/// When a file was last written, replaced or given other metadata. Only the kernel sets it.
fn changed(file: &Metadata) -> SystemTime {
    let secs = file.ctime().try_into().unwrap_or(0);
    let nanos = file.ctime_nsec().try_into().unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(secs, nanos)
}

fn lines(loader: &Loader, address: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let Ok(mut frames) = loader.find_frames(address) else {
        return lines;
    };
    // Damaged debug information ends the list.
    while let Ok(Some(frame)) = frames.next() {
        if let Some(location) = frame.location
            && let Some(file) = location.file
        {
            lines.push(match location.line {
                Some(line) if line > 0 => format!("{file}:{line}"),
                _ => file.to_owned(),
            });
        }
    }
    lines
}
