//! Imported functions of a program, from its dynamic symbols.

use std::fs::File;
use std::path::Path;

use object::read::ReadCache;
use object::{Object, ObjectSymbol};

/// Whether a dynamically linked program imports a function of this name. Always false for a
/// statically linked one.
pub fn imports(program: &Path, function: &str) -> bool {
    let Ok(file) = File::open(program) else {
        return false;
    };
    let cache = ReadCache::new(file);
    let Ok(object) = object::File::parse(&cache) else {
        return false;
    };
    let mut symbols = object.dynamic_symbols();
    symbols.any(|symbol| symbol.is_undefined() && symbol.name() == Ok(function))
}
