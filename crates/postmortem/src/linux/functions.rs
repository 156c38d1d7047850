//! The functions of a file of code, by what they do.

use std::collections::BTreeSet;

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
    /// Those of the C and C++ libraries where threads share memory or locks.
    pub(super) meeting_points: Vec<(&'static str, u64)>,
    /// The names of those that the file imports.
    pub(super) imports: Vec<&'static str>,
    /// Those that end the process.
    pub(super) exits: Vec<u64>,
    /// All.
    pub(super) all: Vec<u64>,
}

impl Functions {
    /// Sorts the functions of a file by what they do. `imports` are the names of functions that it
    /// expects in other files.
    pub(super) fn sort<'n>(
        functions: impl Iterator<Item = (&'n str, u64)>,
        imports: impl Iterator<Item = &'n str>,
    ) -> Functions {
        let mut meeting_points = BTreeSet::new();
        let (mut exits, mut all) = (BTreeSet::new(), BTreeSet::new());
        for (name, address) in functions {
            let name = unversioned(name);
            meeting_points.extend(meeting_point(name).map(|name| (name, address)));
            if EXITS.contains(&name) {
                exits.insert(address);
            }
            if !START_UP.contains(&name) {
                all.insert(address);
            }
        }
        Functions {
            meeting_points: meeting_points.into_iter().collect(),
            imports: imports
                .filter_map(|name| meeting_point(unversioned(name)))
                .collect(),
            exits: exits.into_iter().collect(),
            all: all.into_iter().collect(),
        }
    }
}

fn meeting_point(name: &str) -> Option<&'static str> {
    MEETING_POINTS.into_iter().find(|known| *known == name)
}

/// The name of a symbol without its version.
fn unversioned(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}
