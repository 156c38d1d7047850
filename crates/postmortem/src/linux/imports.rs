//! Which functions of others a program uses, by its dynamic symbols.

use std::fs::File;
use std::path::Path;

use object::read::ReadCache;
use object::{Object, ObjectSymbol};

/// Whether a dynamically linked program uses a function of this name from a library. A statically linked one says nothing.
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
