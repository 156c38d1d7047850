//! From nothing to a libtorch folder in place.
//!
//! Set-up works in `libtorch.part` beside the final folder and renames the finished folder into
//! place last. An interrupted set-up therefore leaves either no libtorch or a complete one.
//! Downloaded wheels stay in `libtorch.part/wheels` until then; pip checks their hashes and does
//! not download them again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::statvfs::statvfs;

use super::VERSION;
use super::platform::Platform;
use super::python;
use super::stamp::Stamp;

/// Makes sure that `folder` holds a complete libtorch.
pub(super) fn ensure(folder: &Path, force: bool) -> Result<()> {
    let platform = Platform::here()?;
    let part = folder.with_extension("part");
    // A leftover of set-up means that one is running or was interrupted.
    if !force && !part.exists() && problem(folder, platform).is_none() {
        return report_in_place(folder);
    }
    let parent = folder.parent().context("target has no parent folder")?;
    fs::create_dir_all(parent)
        .with_context(|| format!("the folder {} cannot be created", parent.display()))?;

    let (_lock, waited) = lock(&folder.with_extension("lock"))?;
    // The set-up that held the lock has just done the forced work.
    let force = force && !waited;
    let problem = problem(folder, platform);
    if !force && problem.is_none() {
        // An interrupted `--force`; the folder that it would have replaced is complete.
        let _ = fs::remove_dir_all(&part);
        return report_in_place(folder);
    }
    if let Some(problem) = problem.filter(|_| folder.exists()) {
        let folder = folder.display();
        say!("the libtorch in {folder} is incomplete or out of date ({problem}); replacing it");
    }
    install(folder, &part, platform)
}

fn report_in_place(folder: &Path) -> Result<()> {
    say!("libtorch {VERSION} is in place: {}", folder.display());
    Ok(())
}

/// Why the folder is not a complete libtorch as set-up makes it; `None` if it is one.
fn problem(folder: &Path, platform: &Platform) -> Option<String> {
    if !folder.exists() {
        return Some("it does not exist".to_owned());
    }
    match Stamp::read(folder) {
        Ok(stamp) => stamp.differs(&Stamp::expected(platform), folder),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// Takes the lock of set-up, and says whether it had to wait for another one. The kernel releases
/// the lock when the process ends.
fn lock(path: &Path) -> Result<(File, bool)> {
    let failed = || format!("the lock {} could not be taken", path.display());
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true);
    let file = options.open(path).with_context(failed)?;
    match file.try_lock() {
        Ok(()) => Ok((file, false)),
        Err(TryLockError::WouldBlock) => {
            say!(
                "waiting for another set-up in this checkout (lock: {})",
                path.display()
            );
            file.lock().with_context(failed)?;
            Ok((file, true))
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(failed),
    }
}

fn install(folder: &Path, part: &Path, platform: &Platform) -> Result<()> {
    let start = Instant::now();
    let (wheels, new) = (part.join("wheels"), part.join("new"));
    clear_leftovers(part, &wheels)?;
    fs::create_dir_all(&wheels)
        .with_context(|| format!("the folder {} cannot be created", wheels.display()))?;
    say!(
        "setting up libtorch {VERSION} for {} in {}",
        platform.name,
        folder.display()
    );
    check_space(part, needed(platform, downloaded(&wheels)))?;
    download(platform, part, &wheels)?;

    say!("unpacking");
    let members: Vec<&str> = platform
        .wheels
        .iter()
        .flat_map(|wheel| wheel.members)
        .copied()
        .collect();
    python::unpack(wheels.as_os_str(), new.as_os_str(), &members)
        .context("the wheels could not be unpacked")?;
    complete(platform, &new)?;
    let library = new.join("lib").join(platform.trial);
    // A missing library or a wrong glibc shows here, and not after minutes of compiling.
    python::load(library.as_os_str())
        .with_context(|| format!("this machine cannot load {}", library.display()))?;
    Stamp::of(platform, &new)?.write(&new)?;

    put_in_place(&new, folder, part)?;
    // What cannot be removed now is removed by the next set-up.
    let _ = fs::remove_dir_all(part);
    say!(
        "libtorch {VERSION} is in place: {} ({:.0} s)",
        folder.display(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Removes what an interrupted set-up left, except for downloaded wheels.
fn clear_leftovers(part: &Path, wheels: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(part) else {
        return Ok(());
    };
    say!("continuing an interrupted set-up");
    for path in entries.flatten().map(|entry| entry.path()) {
        if path == wheels {
            continue;
        }
        let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        let removed = match is_folder {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.with_context(|| format!("{} could not be removed", path.display()))?;
    }
    Ok(())
}

/// Bytes of the wheels that an interrupted set-up has downloaded.
fn downloaded(wheels: &Path) -> u64 {
    let entries = fs::read_dir(wheels).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

/// pip copies each wheel from a temporary file, so the largest one exists twice for a moment. That
/// copy is gone when the wheels are unpacked.
fn needed(platform: &Platform, downloaded: u64) -> u64 {
    let sizes = || platform.wheels.iter().map(|wheel| wheel.bytes);
    let remaining = sizes().sum::<u64>().saturating_sub(downloaded);
    let copy = sizes().max().unwrap_or(0).min(remaining);
    remaining + copy.max(platform.installed)
}

fn check_space(folder: &Path, needed: u64) -> Result<()> {
    let disk = statvfs(folder)
        .with_context(|| format!("the free space of {} is unknown", folder.display()))?;
    // These types differ between platforms.
    #[allow(clippy::useless_conversion)]
    let free = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size());
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    ensure!(
        free >= needed,
        "the disk of {} has {} MB free; set-up needs {} MB\nwhat to do: free some space on that \
         disk, then run `cargo xtask setup` again",
        folder.display(),
        megabytes(free),
        megabytes(needed)
    );
    Ok(())
}

/// Downloads the wheels with pip, which shows its progress and verifies the hashes.
fn download(platform: &Platform, part: &Path, wheels: &Path) -> Result<()> {
    let requirements = part.join("requirements.txt");
    fs::write(&requirements, platform.requirements())
        .with_context(|| format!("{} cannot be written", requirements.display()))?;
    let total: u64 = platform.wheels.iter().map(|wheel| wheel.bytes).sum();
    say!(
        "downloading {} MB from the Python package index",
        total.div_ceil(1_000_000)
    );
    let status = python::pip()?
        .args(["download", "--no-deps", "--only-binary=:all:", "--no-input"])
        .args(["--disable-pip-version-check", "--require-hashes"])
        // The C++ libraries are the same in the wheels of every Python version. A fixed version
        // gives one wheel with one hash, whichever Python is installed.
        .args(["--python-version", "3.12", "--implementation", "cp"])
        .args(["--abi", "cp312"])
        .args(platform.tags.iter().flat_map(|tag| ["--platform", tag]))
        .arg("--requirement")
        .arg(&requirements)
        .arg("--dest")
        .arg(wheels)
        // The default, /tmp, may be too small; the space on this disk was checked.
        .env("TMPDIR", part)
        .status()
        .context("pip could not be started")?;
    ensure!(
        status.success(),
        "pip could not download libtorch ({status}); its message is above\nwhat to do: check the \
         network and pip's index, proxy and certificates (`python3 -m pip config list`); pip must \
         be 20.3 or later\nwhat to do: then run `cargo xtask setup` again; complete downloads are \
         kept"
    );
    Ok(())
}

/// Adds the files that no wheel has and torch-sys needs.
fn complete(platform: &Platform, new: &Path) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path: PathBuf = new.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    };
    // torch-sys compares it with the version that it was made for.
    write("build-version", &format!("{VERSION}\n"))?;
    if platform.gnu_linker {
        // torch-sys links `torch`, but the wheel's libtorch.so needs libtorch_cuda.so. The linker
        // reads this script instead, which names only the CPU libraries.
        write("lib/libtorch.so", "INPUT(-ltorch_cpu -lc10)\n")?;
        // torch-sys also links `gomp`; a machine that has only clang lacks that name.
        let link = new.join("lib/libgomp.so");
        std::os::unix::fs::symlink("libgomp.so.1", &link)
            .with_context(|| format!("{} cannot be created", link.display()))?;
    }
    Ok(())
}

fn put_in_place(new: &Path, folder: &Path, part: &Path) -> Result<()> {
    if folder.symlink_metadata().is_ok() {
        fs::rename(folder, part.join("old"))
            .with_context(|| format!("{} could not be moved away", folder.display()))?;
    }
    fs::rename(new, folder).with_context(|| format!("{} could not be replaced", folder.display()))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn downloaded_wheels_reduce_the_needed_space() {
        let platform = Platform::here().expect("a platform with libtorch");
        let all: u64 = platform.wheels.iter().map(|wheel| wheel.bytes).sum();
        assert!(needed(platform, 0) >= all + platform.installed);
        assert_eq!(needed(platform, all), platform.installed);
        assert_eq!(needed(platform, all + 1), platform.installed);
    }

    #[test]
    fn an_interrupted_set_up_keeps_its_wheels_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let wheels = folder.path().join("wheels");
        for name in ["wheels", "new/lib"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        fs::write(wheels.join("torch.whl"), "0123456789").expect("a file");
        fs::write(folder.path().join("requirements.txt"), "").expect("a file");
        clear_leftovers(folder.path(), &wheels).expect("cleared");
        assert_eq!(downloaded(&wheels), 10);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn the_second_set_up_waits_for_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let (first, waited) = lock(&path).expect("the lock");
        assert!(!waited);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| lock(&path).expect("the lock").1);
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!second.is_finished());
            drop(first);
            assert!(second.join().expect("no panic"));
        });
    }
}
