//! From nothing to a libtorch folder in place.
//!
//! All work is done in a folder beside the final one, `libtorch.part`, and the finished folder is renamed
//! into place as the last step: whatever breaks a set-up off leaves either no libtorch or a whole one. Wheels
//! that were fetched and proved right stay in `libtorch.part/wheels` until then, so that the next call
//! does not fetch them again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use super::VERSION;
use super::fetch;
use super::lock::Lock;
use super::platform::Platform;
use super::python::Python;
use super::space;
use super::stamp::Stamp;
use super::unpack;

/// Sees to it that a whole libtorch is in `folder`, and brings one if not.
pub(super) fn ensure(folder: &Path, force: bool) -> Result<()> {
    let platform = Platform::here()?;
    let part = folder.with_extension("part");
    // What a set-up left is a reason to look closer: one may be at work, or was broken off.
    if !force && !part.exists() && missing(folder, platform).is_none() {
        return tell_in_place(folder);
    }
    let parent = folder
        .parent()
        .ok_or_else(|| anyhow!("{} has no parent folder", folder.display()))?;
    fs::create_dir_all(parent)
        .with_context(|| format!("the folder {} could not be made", parent.display()))?;

    let lock = Lock::take(&folder.with_extension("lock"))?;
    // Whoever had the lock until now has done the work that was forced here.
    let force = force && !lock.had_to_wait();
    let missing = missing(folder, platform);
    if !force && missing.is_none() {
        // A set-up that was forced and broken off; what it was to replace is whole.
        let _ = fs::remove_dir_all(&part);
        return tell_in_place(folder);
    }
    if let Some(wrong) = missing.filter(|_| folder.exists()) {
        say!(
            "the libtorch in {} is not as set-up makes it ({wrong}); making it anew",
            folder.display()
        );
    }
    bring(folder, &part, platform)
}

fn tell_in_place(folder: &Path) -> Result<()> {
    say!("libtorch {VERSION} is in place: {}", folder.display());
    Ok(())
}

/// What keeps the folder from being a whole libtorch as set-up makes it; nothing if it is one.
fn missing(folder: &Path, platform: &Platform) -> Option<String> {
    if !folder.exists() {
        return Some("there is none".to_owned());
    }
    match Stamp::read(folder) {
        Ok(stamp) => stamp.differs(&Stamp::expected(platform), folder),
        Err(error) => Some(format!("{error:#}")),
    }
}

fn bring(folder: &Path, part: &Path, platform: &Platform) -> Result<()> {
    let start = Instant::now();
    let wheels = part.join("wheels");
    let new = part.join("new");
    clear_leftovers(part, &wheels)?;
    fs::create_dir_all(&wheels)
        .with_context(|| format!("the folder {} could not be made", wheels.display()))?;

    let python = Python::find()?;
    say!(
        "setting up libtorch {VERSION} for {} in {}",
        platform.name,
        folder.display()
    );
    let files = fetch_all(platform, &python, part, &wheels)?;
    let version = unpack::all(platform, &files, &new)?;
    unpack::complete(platform, &version, &new)?;
    try_to_load(&python, &new.join("lib").join(platform.trial))?;
    Stamp::of(platform, &new)?.write(&new)?;

    put_in_place(&new, folder, part)?;
    // libtorch is in place; what cannot be removed now is removed by the next set-up.
    let _ = fs::remove_dir_all(part);
    say!(
        "libtorch {VERSION} is in place: {} ({:.0} s)",
        folder.display(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Removes all that an earlier set-up left, but for wheels that it had fetched.
fn clear_leftovers(part: &Path, wheels: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(part) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path != wheels {
            remove(&path)?;
        }
    }
    say!("going on after a set-up that was broken off");
    Ok(())
}

fn fetch_all(
    platform: &Platform,
    python: &Python,
    part: &Path,
    wheels: &Path,
) -> Result<Vec<PathBuf>> {
    let files: Vec<PathBuf> = platform
        .wheels
        .iter()
        .map(|wheel| wheels.join(format!("{}-{}.whl", wheel.package, wheel.version)))
        .collect();
    let pairs = || platform.wheels.iter().zip(&files);
    let missing: Vec<_> = pairs()
        .filter(|(wheel, file)| !fetch::is_right(wheel, file))
        .collect();
    let to_fetch: u64 = missing.iter().map(|(wheel, _)| wheel.bytes).sum();
    say!(
        "  {} to fetch from the Python package index ({}); {} on the disk when done",
        megabytes(to_fetch),
        count(missing.len(), "file"),
        megabytes(platform.installed)
    );
    // pip writes a wheel to a temporary file and copies it, so that the largest is there twice for a
    // while; by the time the wheels are unpacked, that copy is gone.
    let copy = missing.iter().map(|(wheel, _)| wheel.bytes).max();
    space::check(part, to_fetch + copy.unwrap_or(0).max(platform.installed))?;

    for (number, (wheel, file)) in pairs().enumerate() {
        let which = format!("{} of {}", number + 1, files.len());
        let what = format!(
            "{} {} ({})",
            wheel.package,
            wheel.version,
            megabytes(wheel.bytes)
        );
        if missing.iter().any(|(_, is_missing)| *is_missing == file) {
            say!("  [{which}] fetching {what}");
            fetch::wheel(python, wheel, platform.tags, part, file)?;
        } else {
            say!("  [{which}] {what} was fetched before");
        }
    }
    Ok(files)
}

/// Loads the new library in a child process: a missing library, a wrong glibc or a damaged file shows
/// here, with the loader's own words, and not after minutes of compiling.
fn try_to_load(python: &Python, library: &Path) -> Result<()> {
    say!("  checking that it loads");
    python.load(library).with_context(|| {
        format!(
            "libtorch was fetched and unpacked, but this machine cannot load {}",
            library.display()
        )
    })
}

fn put_in_place(new: &Path, folder: &Path, part: &Path) -> Result<()> {
    let old = part.join("old");
    if folder.symlink_metadata().is_ok() {
        fs::rename(folder, &old)
            .with_context(|| format!("{} could not be moved away", folder.display()))?;
    }
    fs::rename(new, folder)
        .with_context(|| format!("{} could not be put in its place", folder.display()))
}

fn remove(path: &Path) -> Result<()> {
    let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let removed = if is_folder {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.with_context(|| format!("{} could not be removed", path.display()))?;
    ensure!(
        !path.exists(),
        "{} comes back after it was removed; is another set-up running?",
        path.display()
    );
    Ok(())
}

/// Bytes as people read them.
pub(super) fn megabytes(bytes: u64) -> String {
    if bytes < 1_000_000_000 {
        format!("{} MB", bytes.div_ceil(1_000_000))
    } else {
        format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10)
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
