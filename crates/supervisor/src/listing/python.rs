//! The Python package `crashrate` with the plugin of pytest, for a Python in which it is not
//! installed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The files of the package: names and contents.
pub type PythonPackage = &'static [(&'static str, &'static str)];

/// Writes the package into `folder`. Returns the variables by which a Python finds it, and prints
/// the stack of a fatal error.
pub(super) fn environment(
    folder: &Path,
    files: PythonPackage,
    env: &BTreeMap<String, String>,
) -> io::Result<BTreeMap<String, String>> {
    let path = folder.join(concat!("python-", env!("CARGO_PKG_VERSION")));
    let package = path.join("crashrate");
    std::fs::create_dir_all(&package)?;
    for (name, text) in files {
        let file = package.join(name);
        if std::fs::read(&file).is_ok_and(|found| found == text.as_bytes()) {
            continue;
        }
        // Another process may be reading the file.
        let mut new = tempfile::NamedTempFile::new_in(&package)?;
        io::Write::write_all(&mut new, text.as_bytes())?;
        new.persist(&file)?;
    }
    let path = std::path::absolute(path)?;
    let mut search = path.to_string_lossy().into_owned();
    if let Some(own) = env.get("PYTHONPATH").filter(|own| !own.is_empty()) {
        search = format!("{search}:{own}");
    }
    let mut added = BTreeMap::from([("PYTHONPATH".to_owned(), search)]);
    if !env.contains_key("PYTHONFAULTHANDLER") {
        added.insert("PYTHONFAULTHANDLER".into(), "1".into());
    }
    Ok(added)
}
