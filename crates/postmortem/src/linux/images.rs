//! Cache of parsed code files, kept across crashes: reading the symbols of a large library is slow.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use memmap2::Mmap;
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, fstatfs};

use super::image::{Head, Image};
use super::maps::Mapping;
use super::memory::{Memory, Source};

/// Maximum size of code that is in no file: the kernel's `[vdso]`.
const MAX_IN_MEMORY: u64 = 64 * 1024;

/// Identifies an unchanged file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// The code files read so far, shared by all attempts of a run.
#[derive(Default)]
pub struct Images {
    /// `None` for a file that is not ELF.
    files: Mutex<HashMap<Key, Option<Arc<Image>>>>,
}

impl Images {
    /// Returns the mapped file. `None` if no file is known to be the mapped one: its path may name
    /// another file by now, or another one in the process's mount namespace.
    pub(super) fn of(
        &self,
        memory: &Memory,
        mapping: &Mapping,
        head: Option<&Head>,
    ) -> Option<Arc<Image>> {
        if mapping.is_vdso() {
            return in_memory(mapping, memory);
        }
        if !mapping.is_file() {
            return None;
        }
        let build_id = head.and_then(|head| head.build_id.as_deref());
        let has_build = |opened: &Opened| build_id.is_some() && opened.image.build_id() == build_id;
        let pid = match memory.source() {
            Source::Live(pid) => *pid,
            Source::Core(_) => {
                let by_path = mapping.paths().into_iter();
                let opened = by_path
                    .filter_map(|path| self.open(&path))
                    .find(has_build)?;
                return Some(opened.image);
            }
        };
        let opened = (self.by_link(pid, mapping).into_iter())
            .chain(self.by_path(pid, mapping, has_build))
            // Check the build ID, however the file was found: a different one means the file was
            // changed after it was mapped.
            .find(|opened| {
                build_id.is_none() || opened.image.build_id().is_none() || has_build(opened)
            })?;
        Some(opened.image)
    }

    /// Opens the file through the kernel's links to mapped files. All links except the program's
    /// require a privilege.
    fn by_link(&self, pid: i32, mapping: &Mapping) -> Vec<Opened> {
        let range = format!("{:x}-{:x}", mapping.start, mapping.end);
        let mapped = self.open(Path::new(&format!("/proc/{pid}/map_files/{range}")));
        let exe = PathBuf::from(format!("/proc/{pid}/exe"));
        let is_program = exe
            .read_link()
            .is_ok_and(|path| mapping.paths().contains(&path));
        let program = is_program.then(|| self.open(&exe)).flatten();
        let program = program.filter(|opened| opened.key.inode == mapping.inode);
        mapped.into_iter().chain(program).collect()
    }

    /// Opens the file by the path of the mapping, as seen by the process and as seen by this
    /// process.
    fn by_path(
        &self,
        pid: i32,
        mapping: &Mapping,
        has_build: impl Fn(&Opened) -> bool,
    ) -> impl Iterator<Item = Opened> {
        let is_it = move |opened: &Opened, is_its_own: bool| {
            let Key { device, inode, .. } = opened.key;
            let same_device = device == mapping.device || is_its_own && opened.has_other_devices;
            inode == mapping.inode && same_device || has_build(opened)
        };
        mapping.paths().into_iter().flat_map(move |path| {
            let mut seen_by_it = format!("/proc/{pid}/root").into_bytes();
            seen_by_it.extend(path.as_os_str().as_bytes());
            let its_own = self.open(Path::new(OsStr::from_bytes(&seen_by_it)));
            let its_own = its_own.filter(|opened| is_it(opened, true));
            its_own.or_else(|| self.open(&path).filter(|opened| is_it(opened, false)))
        })
    }

    fn open(&self, path: &Path) -> Option<Opened> {
        let file = open_regular(path).ok()?;
        let data = file.metadata().ok()?;
        let key = Key {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            changed: (data.mtime(), data.mtime_nsec()),
        };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let image = files
            .entry(key.clone())
            .or_insert_with(|| read(&file).map(Arc::new))
            .clone()?;
        let kind = fstatfs(&file).ok().map(|data| data.filesystem_type());
        Some(Opened {
            key,
            image,
            has_other_devices: matches!(kind, Some(OVERLAYFS_SUPER_MAGIC | BTRFS_SUPER_MAGIC)),
        })
    }
}

/// A candidate for the mapped file.
struct Opened {
    key: Key,
    image: Arc<Image>,
    /// Its file system may report a different device in `/proc/PID/maps` than in stat(2).
    has_other_devices: bool,
}

fn in_memory(mapping: &Mapping, memory: &Memory) -> Option<Arc<Image>> {
    let len = mapping.end.saturating_sub(mapping.start);
    if len > MAX_IN_MEMORY {
        return None;
    }
    let mut bytes = vec![0; len as usize];
    memory.read(mapping.start, &mut bytes)?;
    Image::read(bytes.into()).ok().map(Arc::new)
}

/// Opens regular files only, because opening a device can have side effects.
fn open_regular(path: &Path) -> io::Result<File> {
    match path.metadata()?.is_file() {
        true => File::open(path),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

#[allow(unsafe_code)]
fn read(file: &File) -> Option<Image> {
    // SAFETY: the mapping is private and only read. Truncating the file while it is mapped would
    // make an access fault. Linkers and package managers replace code by a new file instead,
    // because a program running from a truncated file would crash as well. A changed file is mapped
    // anew: the key contains its size and time.
    let map = unsafe { Mmap::map(file) }.ok()?;
    Image::read(Bytes::from_owner(map)).ok()
}
