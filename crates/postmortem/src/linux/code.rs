//! The code that a process has mapped: the functions where its threads meet, and the addresses of
//! [places](Place).

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::sync::Arc;

use super::image::{Head, Image};
use super::images::Images;
use super::maps::{Mapping, Maps};
use super::memory::{Memory, Source};
use crate::place::Place;

/// The most files whose functions are looked at. Programs with more are plugins' hosts.
const MAX_MODULES: usize = 400;

/// The functions of the C and C++ libraries that take or release locks or memory, or begin or end
/// threads.
const MEETING_POINTS: [&str; 56] = [
    "__cxa_atexit",
    "__cxa_finalize",
    "__cxa_guard_acquire",
    "__cxa_guard_release",
    "__libc_free",
    "__libc_malloc",
    "__nptl_deallocate_tsd",
    "__pthread_cond_broadcast",
    "__pthread_cond_signal",
    "__pthread_cond_wait",
    "__pthread_create_2_1",
    "__pthread_mutex_lock",
    "__pthread_mutex_unlock",
    "__run_exit_handlers",
    "_dl_fini",
    "_exit",
    "_ZdaPv",
    "_ZdlPv",
    "_ZdlPvm",
    "_Znam",
    "_Znwm",
    "calloc",
    "dlclose",
    "dlopen",
    "exit",
    "fclose",
    "free",
    "malloc",
    "mmap",
    "munmap",
    "pthread_cond_broadcast",
    "pthread_cond_signal",
    "pthread_cond_timedwait",
    "pthread_cond_wait",
    "pthread_create",
    "pthread_detach",
    "pthread_exit",
    "pthread_getspecific",
    "pthread_join",
    "pthread_key_delete",
    "pthread_mutex_destroy",
    "pthread_mutex_lock",
    "pthread_mutex_trylock",
    "pthread_mutex_unlock",
    "pthread_once",
    "pthread_rwlock_rdlock",
    "pthread_rwlock_unlock",
    "pthread_rwlock_wrlock",
    "pthread_setspecific",
    "pthread_spin_lock",
    "pthread_spin_unlock",
    "realloc",
    "sem_post",
    "sem_wait",
    "start_thread",
    "syscall",
];
/// The functions that end the whole process.
const EXITS: [&str; 1] = ["_exit"];
/// Parts of the names of libraries that have [`MEETING_POINTS`]: those of C, C++ and threads.
const LIBRARIES: [&str; 6] = [
    "libc.so",
    "libc-",
    "libpthread",
    "libstdc++",
    "libc++",
    "ld-musl",
];
/// Functions that run once, before any thread starts.
const START_UP: [&str; 6] = [
    "_start",
    "_init",
    "_fini",
    "frame_dummy",
    "__libc_csu_init",
    "deregister_tm_clones",
];

/// Functions of a file, as addresses in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions {
    meeting_points: Vec<u64>,
    exits: Vec<u64>,
    all: Vec<u64>,
}

impl Functions {
    /// Sorts the functions of a file by what they do.
    pub(super) fn sort<'n>(functions: impl Iterator<Item = (&'n str, u64)>) -> Functions {
        let mut sorted = [const { BTreeSet::new() }; 3];
        for (name, address) in functions {
            // Names of versioned symbols may carry their version.
            let name = name.split('@').next().unwrap_or(name);
            let is_in = [
                MEETING_POINTS.contains(&name),
                EXITS.contains(&name),
                !START_UP.contains(&name),
            ];
            for (set, is_in) in sorted.iter_mut().zip(is_in) {
                if is_in {
                    set.insert(address);
                }
            }
        }
        let [meeting_points, exits, all] = sorted.map(|set| set.into_iter().collect());
        Functions {
            meeting_points,
            exits,
            all,
        }
    }
}

/// The files of code that a process has mapped.
pub struct LoadedCode {
    modules: Vec<Loaded>,
    /// Number of executable mappings of files, by which a change is noticed.
    mapped: usize,
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
            mapped: executable(&maps).count(),
        })
    }

    /// Whether the process has mapped or unmapped code since.
    pub fn has_changed(&self, pid: i32) -> bool {
        Maps::of(pid).is_ok_and(|maps| executable(&maps).count() != self.mapped)
    }

    /// Addresses of functions of the C and C++ libraries where threads share memory or locks, also
    /// of those linked statically.
    pub fn meeting_points(&self) -> Vec<u64> {
        self.addresses(Loaded::may_meet, |functions| &functions.meeting_points)
    }

    /// Addresses of all functions of the program itself.
    pub fn own_functions(&self) -> Vec<u64> {
        self.addresses(|module| module.is_program, |functions| &functions.all)
    }

    /// Addresses of the functions that end the process.
    pub fn exits(&self) -> Vec<u64> {
        self.addresses(Loaded::may_meet, |functions| &functions.exits)
    }

    fn addresses(
        &self,
        is_in: impl Fn(&Loaded) -> bool,
        which: impl Fn(&Functions) -> &Vec<u64>,
    ) -> Vec<u64> {
        let modules = self.modules.iter().filter(|module| is_in(module));
        let addresses = modules.flat_map(|module| {
            let offsets = which(module.image.sorted_functions()).iter();
            let address = |offset: &u64| offset.wrapping_add(module.bias);
            let addresses: Vec<u64> = offsets.map(address).collect();
            addresses
        });
        addresses
            .filter(|address| self.at(*address).is_some())
            .collect()
    }

    /// The addresses of those places that are in files of this process, of the same builds.
    pub fn addresses_of(&self, places: &[Place]) -> Vec<u64> {
        let mut by_name: HashMap<&str, Vec<&Loaded>> = HashMap::new();
        for module in &self.modules {
            by_name.entry(&module.name).or_default().push(module);
        }
        let address = |place: &Place| {
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
    fn may_meet(&self) -> bool {
        self.is_program || LIBRARIES.iter().any(|library| self.name.contains(library))
    }
}

fn executable(maps: &Maps) -> impl Iterator<Item = &Mapping> {
    maps.iter()
        .filter(|mapping| mapping.executable() && mapping.is_file())
}
