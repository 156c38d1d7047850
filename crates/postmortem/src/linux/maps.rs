//! The memory mappings of a process.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::crash::{Hex, Module};

/// An access up to this far below the stack pointer still belongs to the stack: a call, a push, or
/// the probe of a new frame.
const BELOW: u64 = 64 * 1024;
/// The guard gap that the kernel keeps below a stack. A new frame may reach that far into it.
const GUARD: u64 = 1024 * 1024;
/// Maximum number of modules kept with a crash.
const MAX_MODULES: usize = 512;

/// The memory mappings of a process, sorted by address.
#[derive(Clone, Debug, Default)]
pub struct Maps(Vec<Mapping>);

/// One address range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) permissions: String,
    pub(super) offset: u64,
    /// Device and inode of the file; zero without a file, and in a core file.
    pub(super) device: u64,
    pub(super) inode: u64,
    /// The file, or a name in brackets; empty for anonymous memory.
    pub(super) path: PathBuf,
}

impl Mapping {
    pub(super) fn readable(&self) -> bool {
        self.permissions.starts_with('r')
    }

    pub(super) fn writable(&self) -> bool {
        self.permissions.as_bytes().get(1) == Some(&b'w')
    }

    pub(super) fn executable(&self) -> bool {
        self.permissions.as_bytes().get(2) == Some(&b'x')
    }

    /// The base name of the file.
    pub(super) fn name(&self) -> String {
        let path = self.path.as_os_str().as_bytes();
        let path = path.strip_suffix(DELETED).unwrap_or(path);
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        String::from_utf8_lossy(name).into_owned()
    }

    /// Candidate paths of the file: the kernel writes a newline as `\012` and appends a suffix to a
    /// deleted file's path.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let path = self.path.as_os_str().as_bytes().to_vec();
        let mut plain = path.clone();
        while let Some(at) = plain.windows(4).position(|four| four == NEWLINE) {
            plain.splice(at..at + 4, [b'\n']);
        }
        let mut paths = vec![path, plain];
        paths.dedup();
        let to_path = |path| PathBuf::from(OsString::from_vec(path));
        paths.into_iter().map(to_path).collect()
    }

    pub(super) fn is_file(&self) -> bool {
        self.path.is_absolute()
    }

    pub(super) fn is_vdso(&self) -> bool {
        self.path == Path::new("[vdso]")
    }
}

/// The suffix of a deleted file's path. A file's name may also end in it.
const DELETED: &[u8] = b" (deleted)";
const NEWLINE: &[u8] = b"\\012";

impl Maps {
    /// Reads the mappings of a live process.
    ///
    /// # Errors
    /// The process has exited, or may not be inspected.
    pub fn of(pid: i32) -> io::Result<Maps> {
        let text = fs::read(format!("/proc/{pid}/maps"))?;
        Ok(Maps::parse(&text))
    }

    fn parse(text: &[u8]) -> Maps {
        Maps(text.split(|&b| b == b'\n').filter_map(mapping).collect())
    }

    /// Iterates over the mappings, by address.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.0.iter()
    }

    /// Creates the mappings of a process from another source.
    pub(super) fn new(mut mappings: Vec<Mapping>) -> Maps {
        mappings.sort_by_key(|mapping| mapping.start);
        Maps(mappings)
    }

    /// The mapping of the start of the file that `mapping` belongs to.
    pub(super) fn first_of(&self, mapping: &Mapping) -> Option<&Mapping> {
        let end = self.0.partition_point(|m| m.start <= mapping.start);
        let same = |m: &&Mapping| {
            m.path == mapping.path && m.inode == mapping.inode && m.device == mapping.device
        };
        let first = self.0[..end]
            .iter()
            .rev()
            .find(|m| m.offset == 0 && same(m));
        first.filter(|_| mapping.is_file())
    }

    /// The mapping that contains this address.
    pub(super) fn at(&self, address: u64) -> Option<&Mapping> {
        let next = self.0.partition_point(|m| m.start <= address);
        let found = self.0[..next].last()?;
        (address < found.end).then_some(found)
    }

    /// The mappings from this address on.
    fn from(&self, address: u64) -> impl Iterator<Item = &Mapping> {
        let first = self.0.partition_point(|m| m.end <= address);
        self.0[first..].iter()
    }

    /// Whether a fault at this unusable address is a stack overflow: the address lies directly
    /// below the stack that contains the stack pointer, or that the stack pointer has just left
    /// downwards.
    pub(super) fn is_past_the_stack(&self, address: u64, sp: u64) -> bool {
        if address < sp.saturating_sub(BELOW) {
            return false;
        }
        let is_usable = |m: &&Mapping| m.readable() && m.writable();
        match self.at(sp).filter(is_usable) {
            Some(stack) => address < stack.start,
            // The stack pointer is already past the end: a large frame begins there, and the access
            // may be anywhere in the frame.
            None => self.from(sp).find(is_usable).is_some_and(|stack| {
                stack.start - sp <= GUARD && address < stack.start && !stack.is_file()
            }),
        }
    }

    /// The files with executable pages.
    pub(super) fn modules(&self) -> Vec<Module> {
        let mut modules: Vec<Module> = Vec::new();
        for mapping in self
            .0
            .iter()
            .filter(|m| m.executable() && !m.path.as_os_str().is_empty())
        {
            let full = modules.len() == MAX_MODULES;
            match modules.last_mut() {
                Some(last) if last.path == mapping.path.to_string_lossy() => {
                    last.end = Hex(mapping.end);
                }
                _ if full => break,
                _ => modules.push(Module {
                    name: mapping.name(),
                    path: mapping.path.to_string_lossy().into_owned(),
                    start: Hex(mapping.start),
                    end: Hex(mapping.end),
                    build_id: None,
                }),
            }
        }
        modules
    }
}

/// Parses `start-end perms offset dev inode path`. The path is raw bytes up to the end of the line.
fn mapping(line: &[u8]) -> Option<Mapping> {
    // The kernel aligns the path with further spaces.
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let mut field = || std::str::from_utf8(fields.next()?).ok();
    let (range, permissions, offset) = (field()?, field()?, field()?);
    let (device, inode) = (field()?, field()?);
    let hex = |text| u64::from_str_radix(text, 16).ok();
    let (start, end) = range.split_once('-')?;
    let (major, minor) = device.split_once(':')?;
    let number = |text| u32::from_str_radix(text, 16).ok();
    let path = fields.next().unwrap_or_default().trim_ascii_start();
    Some(Mapping {
        start: hex(start)?,
        end: hex(end)?,
        permissions: permissions.to_owned(),
        offset: hex(offset)?,
        device: libc::makedev(number(major)?, number(minor)?),
        inode: inode.parse().ok()?,
        path: PathBuf::from(OsString::from_vec(path.to_vec())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"\
5560a000-5560b000 r--p 00000000 fe:00 77 /opt/a b/prog
5560b000-5560c000 r-xp 00001000 fe:00 77                         /opt/a b/prog
7f000000-7f001000 ---p 00000000 00:00 0 
7f100000-7f101000 r--p 00000000 fe:00 78 /opt/\xff\\012x (deleted)
7f101000-7f102000 r-xp 00001000 fe:01 78 /opt/\xff\\012x (deleted)
7ffc0000-7ffc2000 r-xp 00000000 00:00 0                          [vdso]
nonsense
";

    #[test]
    fn lines_of_the_kernel_are_read() {
        let maps = Maps::parse(TEXT);
        assert_eq!(maps.0.len(), 6);
        let code = maps.at(0x5560_b010).unwrap();
        assert_eq!(code.path, Path::new("/opt/a b/prog"));
        assert_eq!(code.name(), "prog");
        assert!(code.readable() && code.executable() && !code.writable());
        assert_eq!((code.offset, code.inode), (0x1000, 77));
        assert_eq!(code.device, libc::makedev(0xfe, 0));
        assert!(maps.at(0x5560_c000).is_none() && maps.at(0).is_none());
        assert!(!maps.at(0x7f00_0000).unwrap().readable());
        let names: Vec<String> = maps.modules().into_iter().map(|m| m.name).collect();
        assert_eq!(names, ["prog", "\u{fffd}\\012x", "[vdso]"]);
        assert_eq!(maps.first_of(code).unwrap().start, 0x5560_a000);
        // The file with the same name and inode is on another device.
        assert!(maps.first_of(maps.at(0x7f10_1000).unwrap()).is_none());
    }

    #[test]
    fn paths_are_bytes() {
        let maps = Maps::parse(TEXT);
        let paths = maps.at(0x7f10_0000).unwrap().paths();
        let bytes: Vec<&[u8]> = paths.iter().map(|p| p.as_os_str().as_bytes()).collect();
        let expected: [&[u8]; 2] = [b"/opt/\xff\\012x (deleted)", b"/opt/\xff\nx (deleted)"];
        assert_eq!(bytes, expected);
    }

    fn stacks() -> Maps {
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
    fn only_a_fault_just_below_the_stack_is_past_it() {
        let past = |address, sp| stacks().is_past_the_stack(address, sp);
        // Past the stack: a push or call at its end, a stack probe, a large frame.
        assert!(past(0x7000_0ff8, 0x7000_1000));
        assert!(past(0x7000_0800, 0x7000_0800));
        assert!(past(0x7000_0ff0, 0x6fff_8000));
        // Not past the stack: above it, beyond its other end, far below it, with room left on it.
        assert!(!past(0x7080_0000, 0x707f_f000));
        assert!(!past(0x7080_1000, 0x707f_f000));
        assert!(!past(0x6ff0_0000, 0x7000_1000));
        assert!(!past(0x7000_0ff8, 0x7040_0000));
        // Not past the stack: the stack pointer is far from any stack.
        assert!(!past(0x5000_0000, 0x5000_0008));
        assert!(!past(0x7100_0000, 0x7100_0008));
    }
}
