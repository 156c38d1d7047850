//! The files of code that were read, kept across crashes: reading the symbols of a large library takes a while.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;

use super::image::{Bytes, Image};
use super::maps::Mapping;
use super::memory::Memory;

/// The most bytes of code that is in no file: the kernel's own, `[vdso]`.
const MAX_IN_MEMORY: u64 = 64 * 1024;

/// The same file, unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    path: String,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// The files of code that were read so far. One for all attempts of a run.
#[derive(Default)]
pub struct Images {
    /// Nothing for a file that is no ELF file.
    files: Mutex<HashMap<Key, Option<Arc<Image>>>>,
}

impl Images {
    /// The file that is mapped there in a process.
    pub(super) fn of(&self, pid: i32, mapping: &Mapping, memory: &Memory) -> Option<Arc<Image>> {
        if mapping.path == "[vdso]" {
            return in_memory(mapping, memory);
        }
        if !mapping.path.starts_with('/') {
            return None;
        }
        let (file, key) = open(pid, mapping).ok()?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let image = files
            .entry(key)
            .or_insert_with(|| read(&file).map(Arc::new));
        image.clone()
    }
}

fn in_memory(mapping: &Mapping, memory: &Memory) -> Option<Arc<Image>> {
    let len = mapping.end.saturating_sub(mapping.start);
    if len > MAX_IN_MEMORY {
        return None;
    }
    let mut bytes = vec![0; len as usize];
    memory.read(mapping.start, &mut bytes)?;
    Image::read(Bytes::Copied(bytes)).ok().map(Arc::new)
}

/// The very file that is mapped: a path may name another one by now, or another one in the process's root folder.
fn open(pid: i32, mapping: &Mapping) -> io::Result<(File, Key)> {
    let seen_by_it = format!("/proc/{pid}/root{}", mapping.path);
    for path in [PathBuf::from(&mapping.path), PathBuf::from(seen_by_it)] {
        let Ok(file) = open_regular(&path) else {
            continue;
        };
        let data = file.metadata()?;
        if data.ino() == mapping.inode {
            let key = Key {
                path: mapping.path.clone(),
                inode: data.ino(),
                size: data.size(),
                changed: (data.mtime(), data.mtime_nsec()),
            };
            return Ok((file, key));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Opening a device can do anything.
fn open_regular(path: &Path) -> io::Result<File> {
    match path.metadata()?.is_file() {
        true => File::open(path),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

#[allow(unsafe_code)]
fn read(file: &File) -> Option<Image> {
    // SAFETY: the mapping is private and only read. A file that is shortened while it is mapped would be a fault on
    // access; the linkers and package managers that replace code put a new file in its place, since a program that runs
    // from a shortened file dies as well, and a file that changed is mapped anew (the key has its size and time).
    let map = unsafe { Mmap::map(file) }.ok()?;
    Image::read(Bytes::Mapped(map)).ok()
}
