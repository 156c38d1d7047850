//! Out of the wheels into the libtorch folder.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::VERSION;
use super::platform::{Platform, Wheel};
use super::setup::megabytes;

/// The file of the torch wheel that says exactly what it is, `2.11.0+cu130` for example.
const VERSION_FILE: &str = "torch/version.py";

/// Unpacks what is needed of all wheels, and gives the version that the torch wheel says it has.
pub(super) fn all(platform: &Platform, files: &[PathBuf], new: &Path) -> Result<String> {
    say!("  unpacking");
    let mut version = None;
    let (mut number, mut bytes) = (0, 0);
    for (wheel, file) in platform.wheels.iter().zip(files) {
        let damaged = || {
            format!(
                "the wheel of {} {} could not be unpacked: {}",
                wheel.package,
                wheel.version,
                file.display()
            )
        };
        let opened = File::open(file).with_context(damaged)?;
        let mut archive = ZipArchive::new(BufReader::new(opened)).with_context(damaged)?;
        for take in wheel.takes {
            let (some, size) =
                one(&mut archive, take.from, &new.join(take.to)).with_context(damaged)?;
            number += some;
            bytes += size;
        }
        if wheel.package == "torch" {
            version = Some(version_of(&mut archive, wheel).with_context(damaged)?);
        }
    }
    say!("  {number} files, {}", megabytes(bytes));
    version.ok_or_else(|| anyhow!("there is no torch among the wheels"))
}

/// What no wheel has: the files that make a folder of libraries a libtorch for torch-sys.
pub(super) fn complete(platform: &Platform, version: &str, new: &Path) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = new.join(name);
        fs::write(&path, text).with_context(|| format!("{} could not be written", path.display()))
    };
    // torch-sys compares it with the version that it was made for.
    write("build-version", &format!("{version}\n"))?;
    if platform.gnu_linker {
        // torch-sys links `torch`. The wheel's libtorch.so needs libtorch_cuda.so; this script, which
        // the linker reads in its place, needs the CPU libraries alone.
        write("lib/libtorch.so", "INPUT(-ltorch_cpu -lc10)\n")?;
        // torch-sys links `gomp` as well, and a machine with clang alone has none under that name.
        let link = new.join("lib/libgomp.so");
        std::os::unix::fs::symlink("libgomp.so.1", &link)
            .with_context(|| format!("{} could not be made", link.display()))?;
    }
    Ok(())
}

/// Unpacks a file, or a folder if `from` ends in `/`; gives how many files and bytes that were.
fn one(archive: &mut ZipArchive<BufReader<File>>, from: &str, to: &Path) -> Result<(usize, u64)> {
    let is_asked = |name: &str| name == from || (from.ends_with('/') && name.starts_with(from));
    let mut names = Vec::new();
    for name in archive.file_names() {
        let name = name.context("a name in it cannot be read")?;
        if is_asked(&name) && !name.ends_with('/') {
            names.push(name.into_owned());
        }
    }
    ensure!(!names.is_empty(), "there is no {from} in it");
    let mut bytes = 0;
    for name in &names {
        let mut entry = archive.by_name(name).with_context(|| name.clone())?;
        ensure!(
            entry.enclosed_name().is_some(),
            "{name} would be written outside of the folder"
        );
        let rest = name.strip_prefix(from).unwrap_or_default();
        let path = if rest.is_empty() {
            to.to_path_buf()
        } else {
            to.join(rest)
        };
        bytes += write(&mut entry, &path)
            .with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok((names.len(), bytes))
}

/// The archive's checksum of the file is compared when its end is read.
fn write(entry: &mut ZipFile<'_, BufReader<File>>, path: &Path) -> io::Result<u64> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
    let size = io::copy(entry, &mut file)?;
    file.flush()?;
    Ok(size)
}

fn version_of(archive: &mut ZipArchive<BufReader<File>>, wheel: &Wheel) -> Result<String> {
    let mut text = String::new();
    archive
        .by_name(VERSION_FILE)
        .context(VERSION_FILE)?
        .read_to_string(&mut text)
        .context(VERSION_FILE)?;
    let version = read_version(&text)
        .ok_or_else(|| anyhow!("{VERSION_FILE} in it does not tell the version"))?;
    let number = version.split('+').next();
    ensure!(
        number == Some(wheel.version),
        "it says that it is {version}, and {VERSION} was asked for"
    );
    Ok(version.to_owned())
}

fn read_version(text: &str) -> Option<&str> {
    let line = |line: &'_ str| line.starts_with("__version__ = ");
    text.lines().find(|text| line(text))?.split('\'').nth(1)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_version_is_read_from_its_line() {
        let text =
            "__all__ = ['__version__', 'cuda']\n__version__ = '2.11.0+cu130'\ndebug = False\n";
        assert_eq!(read_version(text), Some("2.11.0+cu130"));
        assert_eq!(read_version("__version__ = unknown\n"), None);
        assert_eq!(read_version(""), None);
    }
}
