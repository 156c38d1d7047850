//! The Python package `crashrate` with the plugin of pytest, for a Python in which it is not
//! installed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The files of the package: names and contents.
pub type PythonPackage = &'static [(&'static str, &'static str)];

/// The folder in which a Python finds the package of this version.
pub(super) fn place(folder: &Path) -> io::Result<PathBuf> {
    std::path::absolute(folder.join(concat!("python-", env!("CARGO_PKG_VERSION"))))
}

/// Writes the package, unless it is there already.
pub(super) fn write(folder: &Path, files: PythonPackage) -> io::Result<()> {
    let package = folder.join("crashrate");
    std::fs::create_dir_all(&package)?;
    for (name, text) in files {
        let file = package.join(name);
        if std::fs::read(&file).is_ok_and(|found| found == text.as_bytes()) {
            continue;
        }
        // Another process may be reading the file.
        let mut new = tempfile::NamedTempFile::new_in(&package)?;
        new.write_all(text.as_bytes())?;
        new.persist(&file)?;
    }
    Ok(())
}
