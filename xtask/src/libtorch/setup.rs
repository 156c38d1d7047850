//! From nothing to a libtorch folder in place.
//!
//! Set-up works in `libtorch.part` beside the final folder and renames the finished folder into
//! place last. An interrupted set-up therefore leaves either no libtorch or a complete one.
//! Downloaded wheels stay in `libtorch.part/wheels` until then; pip checks their hashes and does
//! not download them again.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};

use super::platform::Platform;
use super::{VERSION, python, script};

const UNPACK: &str = include_str!("unpack.py");

/// In the libtorch folder; names the wheels that it was made from. Written last.
const STAMP: &str = "setup.json";

/// Makes sure that `folder` holds a complete libtorch.
pub(super) fn ensure(folder: &Path, force: bool) -> Result<()> {
    let platform = Platform::here()?;
    let part = folder.with_extension("part");
    // A leftover of set-up means that one is running or was interrupted.
    if force || part.exists() || !is_in_place(folder, &platform) {
        let parent = folder.parent().context("target has no parent folder")?;
        fs::create_dir_all(parent)
            .with_context(|| format!("the folder {} cannot be created", parent.display()))?;
        let _lock = lock(&folder.with_extension("lock"))?;
        if force || !is_in_place(folder, &platform) {
            install(folder, &part, &platform)?;
        }
        // What cannot be removed now is removed by the next set-up.
        let _ = fs::remove_dir_all(part);
    }
    say!("libtorch {VERSION} is in place: {}", folder.display());
    Ok(())
}

/// Whether the folder is a complete libtorch as this set-up makes it.
fn is_in_place(folder: &Path, platform: &Platform) -> bool {
    let stamp = fs::read_to_string(folder.join(STAMP)).unwrap_or_default();
    let stamp: Value = serde_json::from_str(&stamp).unwrap_or_default();
    stamp["wheels"] == json!(platform.fingerprints())
        && folder.join("lib").join(&platform.trial).is_file()
}

/// Takes the lock of set-up. The kernel releases it when the process ends.
fn lock(path: &Path) -> Result<File> {
    let failed = || format!("the lock {} could not be taken", path.display());
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true);
    let file = options.open(path).with_context(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let path = path.display();
            say!("waiting for another set-up in this checkout (lock: {path})");
            file.lock().with_context(failed)?;
            Ok(file)
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
    let (name, place) = (&platform.name, folder.display());
    say!("setting up libtorch {VERSION} for {name} in {place}");
    check_space(part, needed(platform, downloaded(&wheels)))?;
    download(platform, part, &wheels)?;

    say!("unpacking");
    let mut arguments: Vec<&OsStr> = vec!["-I".as_ref(), "-c".as_ref(), UNPACK.as_ref()];
    arguments.extend([wheels.as_os_str(), new.as_os_str()]);
    arguments.extend([VERSION, &platform.trial].map(OsStr::new));
    let members = platform.wheels.iter().flat_map(|wheel| &wheel.members);
    arguments.extend(members.map(OsStr::new));
    script(&arguments).context("the wheels could not be unpacked")?;
    let stamp = json!({ "wheels": platform.fingerprints() });
    fs::write(new.join(STAMP), stamp.to_string()).context("the stamp cannot be written")?;

    if folder.exists() {
        say!("replacing the libtorch in {place}");
        fs::rename(folder, part.join("old"))
            .with_context(|| format!("{place} could not be moved away"))?;
    }
    fs::rename(new, folder).with_context(|| format!("{place} could not be replaced"))?;
    say!("done in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Removes what an interrupted set-up left, except for downloaded wheels.
fn clear_leftovers(part: &Path, wheels: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(part) else {
        return Ok(());
    };
    say!("continuing an interrupted set-up");
    for entry in entries.flatten().filter(|entry| entry.path() != wheels) {
        let path = entry.path();
        let removed = match entry.file_type()?.is_dir() {
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

fn needed(platform: &Platform, downloaded: u64) -> u64 {
    platform.download().saturating_sub(downloaded) + platform.unpacked
}

fn check_space(folder: &Path, needed: u64) -> Result<()> {
    let place = folder.display();
    let disk = statvfs(folder).with_context(|| format!("the free space of {place} is unknown"))?;
    // These types differ between platforms.
    #[allow(clippy::useless_conversion)]
    let free = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size());
    ensure!(
        free >= needed,
        "the disk of {place} has {} MB free; set-up needs {} MB\nwhat to do: free some space on \
         that disk, then run `cargo xtask setup` again",
        free / 1_000_000,
        needed.div_ceil(1_000_000)
    );
    Ok(())
}

/// Downloads the wheels with pip, which shows its progress and verifies the hashes.
fn download(platform: &Platform, part: &Path, wheels: &Path) -> Result<()> {
    let requirements = part.join("requirements.txt");
    fs::write(&requirements, platform.requirements())
        .with_context(|| format!("{} cannot be written", requirements.display()))?;
    say!(
        "downloading {} MB from the Python package index",
        platform.download().div_ceil(1_000_000)
    );
    let downloaded = python()
        .args(["-m", "pip", "download", "--no-deps", "--no-input"])
        .args(["--only-binary=:all:", "--disable-pip-version-check"])
        // A fixed Python version gives one wheel with one hash, whichever Python is installed.
        .args(["--python-version", "3.12", "--implementation", "cp"])
        .args(["--abi", "cp312"])
        .args(platform.tags.iter().flat_map(|tag| ["--platform", tag]))
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements)
        .arg("--dest")
        .arg(wheels)
        // The default, /tmp, may be too small; the space on this disk was checked.
        .env("TMPDIR", part)
        .stdin(Stdio::null())
        .status();
    ensure!(
        downloaded.is_ok_and(|status| status.success()),
        "pip could not download libtorch; its message is above\nwhat to do: if pip is missing, \
         install python3 with pip 20.3 or later (Debian, Ubuntu: apt-get install python3 \
         python3-pip; macOS: xcode-select --install), or set LIBTORCH to the folder of your own \
         libtorch\nwhat to do: otherwise check the network and pip's index, proxy and certificates \
         (`python3 -m pip config list`), then run `cargo xtask setup` again; complete downloads \
         are kept"
    );
    Ok(())
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn downloaded_wheels_reduce_the_needed_space() {
        let platform = Platform::here().expect("libtorch supports this platform");
        let all = platform.download();
        assert!(needed(&platform, 0) >= all + platform.unpacked);
        assert_eq!(needed(&platform, all), platform.unpacked);
        assert_eq!(needed(&platform, all + 1), platform.unpacked);
    }

    #[test]
    fn an_interrupted_set_up_keeps_only_its_wheels() {
        let folder = tempfile::tempdir().expect("a folder can be created");
        let wheels = folder.path().join("wheels");
        for name in ["wheels", "new/lib"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder can be created");
        }
        fs::write(wheels.join("torch.whl"), "0123456789").expect("a file can be written");
        fs::write(folder.path().join("requirements.txt"), "").expect("a file can be written");
        clear_leftovers(folder.path(), &wheels).expect("cleared");
        assert_eq!(downloaded(&wheels), 10);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn the_second_set_up_waits_for_the_first() {
        let folder = tempfile::tempdir().expect("a folder can be created");
        let path = folder.path().join("lock");
        let first = lock(&path).expect("the lock can be taken");
        std::thread::scope(|scope| {
            let second = scope.spawn(|| lock(&path).expect("the lock can be taken"));
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!second.is_finished());
            drop(first);
            second.join().expect("the thread does not panic");
        });
    }

    #[test]
    fn a_set_up_folder_needs_a_stamp_and_a_library() {
        let folder = tempfile::tempdir().expect("a folder can be created");
        let platform = Platform::here().expect("libtorch supports this platform");
        fs::create_dir(folder.path().join("lib")).expect("a folder can be created");
        fs::write(folder.path().join("lib").join(&platform.trial), "")
            .expect("a file can be written");
        assert!(!is_in_place(folder.path(), &platform));
        let stamp = json!({ "wheels": platform.fingerprints() }).to_string();
        fs::write(folder.path().join(STAMP), stamp).expect("a file can be written");
        assert!(is_in_place(folder.path(), &platform));
        fs::write(folder.path().join(STAMP), r#"{"wheels":["torch==9.9.9"]}"#)
            .expect("a file can be written");
        assert!(!is_in_place(folder.path(), &platform));
    }
}
