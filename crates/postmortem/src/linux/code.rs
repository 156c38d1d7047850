//! The code that a process has mapped: the functions where its threads meet, and the addresses of
//! [places](CodePlace).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::sync::Arc;

use super::image::{Head, Image};
use super::images::Images;
use super::maps::{Mapping, Maps};
use super::memory::{Memory, Source};
use crate::place::CodePlace;

/// The most files whose functions are looked at. Programs with more are plugins' hosts.
const MAX_MODULES: usize = 400;

/// Parts of the names of libraries that have meeting points: those of C, C++ and threads.
const LIBRARIES: [&str; 6] = [
    "libc.so",
    "libc-",
    "libpthread",
    "libstdc++",
    "libc++",
    "ld-musl",
];
/// The files of code that a process has mapped.
pub struct LoadedCode {
    modules: Vec<Loaded>,
    /// Number of executable mappings of files, by which a change is noticed.
    mappings: usize,
}

struct Loaded {
    name: String,
    start: u64,
    end: u64,
    bias: u64,
    image: Arc<Image>,
    is_program: bool,
}

impl LoadedCode {
    /// Reads the files that a process has mapped.
    ///
    /// # Errors
    /// The process has ended, or may not be inspected.
    pub fn of(pid: i32, images: &Images) -> io::Result<LoadedCode> {
        let maps = Maps::of(pid)?;
        let program = fs::read_link(format!("/proc/{pid}/exe"))?;
        let memory = Memory::new(Source::Live(pid));
        let load = |mapping: &Mapping| {
            let head = Head::read(&memory, &maps, mapping);
            let image = images.of(&memory, mapping, head.as_ref())?;
            Some(Loaded {
                name: mapping.name(),
                start: mapping.start,
                end: mapping.end,
                bias: image.segments().bias(mapping.offset, mapping.start)?,
                is_program: mapping.paths().contains(&program),
                image,
            })
        };
        let modules = executable(&maps).take(MAX_MODULES).filter_map(load);
        Ok(LoadedCode {
            modules: modules.collect(),
            mappings: executable(&maps).count(),
        })
    }

    /// Whether the process has mapped or unmapped code since.
    pub fn has_changed(&self, pid: i32) -> bool {
        Maps::of(pid).is_ok_and(|maps| executable(&maps).count() != self.mappings)
    }

    /// Addresses of functions of the C and C++ libraries where threads share memory or locks, also
    /// of those linked statically.
    pub fn meeting_points(&self) -> Vec<u64> {
        self.meeting_points_that(|_| true)
    }

    /// Those of the [meeting points](LoadedCode::meeting_points) that the program, or a library of
    /// another kind, imports.
    pub fn called_meeting_points(&self) -> Vec<u64> {
        let callers = (self.modules.iter()).filter(|module| !module.is_library());
        let imports = callers.flat_map(|module| &module.image.sorted_functions().imports);
        let imports: HashSet<&str> = imports.copied().collect();
        self.meeting_points_that(|name| imports.contains(name))
    }

    fn meeting_points_that(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<u64> {
        let modules = self.modules.iter();
        let modules = modules.filter(|module| module.is_program || module.is_library());
        let addresses = modules.flat_map(|module| {
            let points = &module.image.sorted_functions().meeting_points;
            let wanted = points.iter().filter(|(name, _)| is_wanted(name));
            let address = |(_, offset): &(_, u64)| offset.wrapping_add(module.bias);
            wanted.map(address).collect::<Vec<u64>>()
        });
        self.mapped(addresses)
    }

    /// Addresses of all functions of the program itself.
    pub fn own_functions(&self) -> Vec<u64> {
        let modules = self.modules.iter().filter(|module| module.is_program);
        self.mapped(modules.flat_map(|module| {
            let all = module.image.sorted_functions().all.iter();
            all.map(|offset| offset.wrapping_add(module.bias))
        }))
    }

    /// Addresses of the functions that end the process.
    pub fn exits(&self) -> Vec<u64> {
        let modules = self.modules.iter();
        let modules = modules.filter(|module| module.is_program || module.is_library());
        self.mapped(modules.flat_map(|module| {
            let exits = module.image.sorted_functions().exits.iter();
            exits.map(|offset| offset.wrapping_add(module.bias))
        }))
    }

    /// The addresses at which code is mapped.
    fn mapped(&self, addresses: impl Iterator<Item = u64>) -> Vec<u64> {
        addresses
            .filter(|address| self.at(*address).is_some())
            .collect()
    }

    /// The addresses of those places that are in files of this process, of the same builds.
    pub fn addresses_of(&self, places: &[CodePlace]) -> Vec<u64> {
        let mut by_name: HashMap<&str, Vec<&Loaded>> = HashMap::new();
        for module in &self.modules {
            by_name.entry(&module.name).or_default().push(module);
        }
        let address = |place: &CodePlace| {
            let mut modules = by_name.get(&*place.module)?.iter();
            let module = modules.find(|module| module.image.is_build(&place.build))?;
            let address = place.offset.0.wrapping_add(module.bias);
            (module.start..module.end)
                .contains(&address)
                .then_some(address)
        };
        places.iter().filter_map(address).collect()
    }

    /// The first `len` bytes of code at an address, as the file has them.
    pub fn bytes(&self, address: u64, len: usize) -> Option<&[u8]> {
        let module = self.at(address)?;
        module.image.code(address.wrapping_sub(module.bias), len)
    }

    fn at(&self, address: u64) -> Option<&Loaded> {
        let mut modules = self.modules.iter();
        modules.find(|module| (module.start..module.end).contains(&address))
    }
}

impl Loaded {
    fn is_library(&self) -> bool {
        LIBRARIES.iter().any(|library| self.name.contains(library))
    }
}

fn executable(maps: &Maps) -> impl Iterator<Item = &Mapping> {
    maps.iter()
        .filter(|mapping| mapping.executable() && mapping.is_file())
}
