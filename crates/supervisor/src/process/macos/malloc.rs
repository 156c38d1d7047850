//! The settings of memory allocators that make wrong uses of memory show. Not run by its authors
//! yet.

/// The guard-page allocator of macOS: see libgmalloc(3).
const GUARD_MALLOC: &str = "/usr/lib/libgmalloc.dylib";

/// The variables under which the allocator fills what it hands out and takes back, gives each
/// allocation a page, and Metal checks its uses: see malloc(3) and libgmalloc(3). `current` is the
/// value that a variable has. Hardened programs ignore the library.
pub(crate) fn malloc_env(
    _seed: u64,
    current: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, String)> {
    const LIBRARIES: &str = "DYLD_INSERT_LIBRARIES";
    let libraries = current(LIBRARIES).filter(|libraries| !libraries.is_empty());
    let libraries = match libraries {
        Some(libraries) => format!("{libraries}:{GUARD_MALLOC}"),
        None => GUARD_MALLOC.to_owned(),
    };
    let mut env = vec![(LIBRARIES, libraries)];
    let on = [
        "MallocScribble",
        "MallocPreScribble",
        "MTL_DEBUG_LAYER",
        "MTL_SHADER_VALIDATION",
    ];
    env.extend(on.map(|name| (name, "1".to_owned())));
    env
}
