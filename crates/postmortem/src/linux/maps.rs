//! What is mapped in a process.

use std::fs;
use std::io;

use crate::crash::{Hex, Module};

/// The most modules that are kept with a crash.
const MAX_MODULES: usize = 512;

/// What is mapped in a process, by address.
#[derive(Clone, Debug, Default)]
pub struct Maps(Vec<Mapping>);

/// One range of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) permissions: String,
    pub(super) offset: u64,
    pub(super) inode: u64,
    /// The file, or a name in brackets; empty for anonymous memory.
    pub(super) path: String,
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

    /// The base name of its file.
    pub(super) fn name(&self) -> &str {
        let path = self.path.strip_suffix(" (deleted)").unwrap_or(&self.path);
        path.rsplit('/').next().unwrap_or(path)
    }
}

impl Maps {
    /// Of a live process.
    ///
    /// # Errors
    /// It is gone, or may not be looked at.
    pub fn of(pid: i32) -> io::Result<Maps> {
        let text = fs::read(format!("/proc/{pid}/maps"))?;
        Ok(Maps::parse(&String::from_utf8_lossy(&text)))
    }

    fn parse(text: &str) -> Maps {
        Maps(text.lines().filter_map(mapping).collect())
    }

    /// What is mapped at this address.
    pub(super) fn at(&self, address: u64) -> Option<&Mapping> {
        let next = self.0.partition_point(|m| m.start <= address);
        let found = self.0[..next].last()?;
        (address < found.end).then_some(found)
    }

    /// The files with executable pages.
    pub(super) fn modules(&self) -> Vec<Module> {
        let mut modules: Vec<Module> = Vec::new();
        for mapping in self
            .0
            .iter()
            .filter(|m| m.executable() && !m.path.is_empty())
        {
            let full = modules.len() == MAX_MODULES;
            match modules.last_mut() {
                Some(last) if last.path == mapping.path => last.end = Hex(mapping.end),
                _ if full => break,
                _ => modules.push(Module {
                    name: mapping.name().to_owned(),
                    path: mapping.path.clone(),
                    start: Hex(mapping.start),
                    end: Hex(mapping.end),
                    build_id: None,
                }),
            }
        }
        modules
    }
}

/// `start-end perms offset dev inode path`.
fn mapping(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let trimmed = rest.trim_start_matches(' ');
        let end = trimmed.find(' ').unwrap_or(trimmed.len());
        let (field, left) = trimmed.split_at(end);
        rest = left;
        field
    };
    let (range, permissions, offset, _dev, inode) = (field(), field(), field(), field(), field());
    let hex = |text| u64::from_str_radix(text, 16).ok();
    let (start, end) = range.split_once('-')?;
    Some(Mapping {
        start: hex(start)?,
        end: hex(end)?,
        permissions: permissions.to_owned(),
        offset: hex(offset)?,
        inode: inode.parse().ok()?,
        path: rest.trim_start_matches(' ').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
5560a000-5560b000 r--p 00000000 fe:00 77 /opt/a b/prog
5560b000-5560c000 r-xp 00001000 fe:00 77                         /opt/a b/prog
7f000000-7f001000 ---p 00000000 00:00 0 
7ffc0000-7ffc2000 r-xp 00000000 00:00 0                          [vdso]
nonsense
";

    #[test]
    fn lines_of_the_kernel_are_read() {
        let maps = Maps::parse(TEXT);
        assert_eq!(maps.0.len(), 4);
        let code = maps.at(0x5560_b010).unwrap();
        assert_eq!((code.path.as_str(), code.name()), ("/opt/a b/prog", "prog"));
        assert!(code.readable() && code.executable() && !code.writable());
        assert_eq!((code.offset, code.inode), (0x1000, 77));
        assert!(maps.at(0x5560_c000).is_none() && maps.at(0).is_none());
        assert!(!maps.at(0x7f00_0000).unwrap().readable());
        let names: Vec<String> = maps.modules().into_iter().map(|m| m.name).collect();
        assert_eq!(names, ["prog", "[vdso]"]);
    }
}
