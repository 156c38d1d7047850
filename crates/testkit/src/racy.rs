//! Programs with a race, for what finds and provokes crashes. Each crashes in few of its runs, by a
//! real fault; with the argument `fixed` it never does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::programs::{modified, profile_folder};

/// A program in `racy/`, without its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Racy {
    Aba,
    DoubleFree,
    HeapOverflow,
    LazyInit,
    LostWakeup,
    Refcount,
    SignalHandler,
    StartOrder,
    StaticDestructors,
    UninitialisedHeap,
    UseAfterFree,
    VectorGrowth,
}

/// How a program is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    Dynamic,
    Static,
}

impl Racy {
    pub const ALL: [Racy; 12] = [
        Racy::Aba,
        Racy::DoubleFree,
        Racy::HeapOverflow,
        Racy::LazyInit,
        Racy::LostWakeup,
        Racy::Refcount,
        Racy::SignalHandler,
        Racy::StartOrder,
        Racy::StaticDestructors,
        Racy::UninitialisedHeap,
        Racy::UseAfterFree,
        Racy::VectorGrowth,
    ];

    /// The name of its source.
    pub fn name(self) -> &'static str {
        match self {
            Racy::Aba => "aba",
            Racy::DoubleFree => "double_free",
            Racy::HeapOverflow => "heap_overflow",
            Racy::LazyInit => "lazy_init",
            Racy::LostWakeup => "lost_wakeup",
            Racy::Refcount => "refcount",
            Racy::SignalHandler => "signal_handler",
            Racy::StartOrder => "start_order",
            Racy::StaticDestructors => "static_destructors",
            Racy::UninitialisedHeap => "uninitialised_heap",
            Racy::UseAfterFree => "use_after_free",
            Racy::VectorGrowth => "vector_growth",
        }
    }

    /// The path of the program. Builds it if it is missing or older than its source.
    ///
    /// # Panics
    /// The C++ compiler fails: no test that needs the program can run.
    pub fn program(self, linking: Linking) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("racy");
        let source = source.join(format!("{}.cpp", self.name()));
        build(&source, linking)
    }
}

/// The path of a C++ program that is built from this source, if it was not built since.
///
/// # Panics
/// The C++ compiler fails.
pub fn build(source: &Path, linking: Linking) -> PathBuf {
    // Other processes may build it at the same time: each moves its own file into place.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock();
    let folder = profile_folder().join(match linking {
        Linking::Dynamic => "racy",
        Linking::Static => "racy-static",
    });
    let program = folder.join(source.file_stem().expect("a source has a name"));
    let header = source.with_file_name("racy.h");
    let newest = modified(source).max(modified(&header));
    if modified(&program).is_some_and(|built| Some(built) >= newest) {
        return program;
    }
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    let unfinished = program.with_extension(std::process::id().to_string());
    let mut compiler = Command::new(std::env::var_os("CXX").unwrap_or_else(|| "c++".into()));
    compiler.args(["-O1", "-g", "-pthread", "-o"]);
    compiler.arg(&unfinished).arg(source);
    if linking == Linking::Static {
        compiler.arg("-static");
    }
    let status = compiler.status();
    assert!(
        status.as_ref().is_ok_and(|status| status.success()),
        "{compiler:?}: {status:?}"
    );
    std::fs::rename(&unfinished, &program).expect("the target folder is writable");
    program
}
