//! A wheel from the package index, by pip.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

use super::platform::Wheel;
use super::python::Python;
use super::setup::megabytes;
use super::stamp;

/// How often a line tells how far it is where there is no terminal for pip's own bar.
const TELL: Duration = Duration::from_secs(10);

/// Whether a file is the whole wheel and no other.
pub(super) fn is_right(wheel: &Wheel, file: &Path) -> bool {
    let is_size = fs::metadata(file).is_ok_and(|found| found.len() == wheel.bytes);
    is_size && sha256(file).is_ok_and(|found| found == wheel.sha256)
}

fn sha256(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let hex = |byte: &u8| format!("{byte:02x}");
    Ok(hash.finalize().iter().map(hex).collect())
}

/// Fetches a wheel into `file`, which appears only when it is whole and right.
pub(super) fn wheel(
    python: &Python,
    wheel: &Wheel,
    tags: &[&str],
    part: &Path,
    file: &Path,
) -> Result<()> {
    // A folder of this call alone, gone at its end: the pip of a set-up that was killed may still be
    // running, and must not write into ours.
    let own = tempfile::Builder::new()
        .prefix("fetch-")
        .tempdir_in(part)
        .with_context(|| format!("no folder could be made in {}", part.display()))?;
    let folder = own.path();
    let requirements = folder.join("requirements.txt");
    let line = format!(
        "{}=={} --hash=sha256:{}\n",
        wheel.package, wheel.version, wheel.sha256
    );
    fs::write(&requirements, line)
        .with_context(|| format!("{} could not be written", requirements.display()))?;

    let mut pip = python.pip();
    pip.args(["download", "--no-deps", "--only-binary=:all:", "--no-input"])
        .args(["--disable-pip-version-check", "--require-hashes"])
        // Of the wheels for different Pythons the C++ libraries are the same; this makes it one wheel
        // with one checksum, whatever Python the user has.
        .args(["--python-version", "3.12", "--implementation", "cp"])
        .args(["--abi", "cp312"])
        .args(tags.iter().flat_map(|tag| ["--platform", tag]))
        .arg("--requirement")
        .arg(&requirements)
        .arg("--dest")
        .arg(folder)
        // pip's temporary copy goes to the disk whose room was checked, not to a small /tmp.
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let bar = io::stdout().is_terminal();
    if !bar {
        pip.arg("--quiet");
    }
    let mut child = pip.spawn().context("pip could not be started")?;
    let errors = tee_errors(&mut child);
    let status = wait(&mut child, wheel, (!bar).then_some(folder))?;
    let said = errors.join().unwrap_or_default();
    if !status.success() {
        bail!(explain(&said, wheel, status));
    }
    let fetched = only_wheel(folder)?;
    fs::rename(&fetched, file)
        .with_context(|| format!("{} could not be moved", fetched.display()))?;
    if !is_right(wheel, file) {
        let _ = fs::remove_file(file);
        bail!(
            "what pip fetched for {} {} is not the file with the checksum sha256:{}\n\
             what to do: call `cargo xtask setup` again; if it stays so, the package index changes files",
            wheel.package,
            wheel.version,
            wheel.sha256
        );
    }
    Ok(())
}

/// Shows what pip says, and keeps it.
fn tee_errors(child: &mut Child) -> thread::JoinHandle<String> {
    let errors = child.stderr.take();
    thread::spawn(move || {
        let mut said = String::new();
        let mut traceback = false;
        let lines = errors
            .into_iter()
            .flat_map(|pipe| BufReader::new(pipe).split(b'\n'));
        for line in lines.map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            // Of a Python traceback only the last line tells a user something.
            let is_inside = traceback && line.starts_with(' ');
            traceback = is_inside || line.trim_start().starts_with("Traceback (most recent");
            if !traceback {
                eprintln!("    {line}");
            }
            said.push_str(&line);
            said.push('\n');
        }
        said
    })
}

/// Waits for pip; with a folder, tells now and then how much is in it.
fn wait(child: &mut Child, wheel: &Wheel, told: Option<&Path>) -> Result<ExitStatus> {
    let Some(folder) = told else {
        return child.wait().context("pip could not be waited for");
    };
    let mut next = Instant::now() + TELL;
    loop {
        if let Some(status) = child.try_wait().context("pip could not be waited for")? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(100));
        if Instant::now() >= next {
            next += TELL;
            // While pip copies its temporary file there is more than the wheel.
            let bytes = stamp::sum(folder).unwrap_or(0).min(wheel.bytes);
            say!("    {} of {}", megabytes(bytes), megabytes(wheel.bytes));
        }
    }
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| anyhow!("pip ended well, but left no wheel in {}", folder.display()))
}

/// From what pip said to what happened and what to do about it.
fn explain(said: &str, wheel: &Wheel, status: ExitStatus) -> String {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let (what, remedy) = if has(&["No space left on device", "Disk quota exceeded"]) {
        (
            "the disk is full",
            "free some space on the disk of this checkout (and of pip's cache, `python3 -m pip cache dir`)",
        )
    } else if has(&["DO NOT MATCH THE HASHES"]) {
        (
            "the file that came has another checksum",
            "a broken transfer mends itself with another try; if it stays so, empty pip's cache (`python3 -m pip cache purge`) and look at which package index pip is set to",
        )
    } else if has(&[
        "Retrying (Retry",
        "Max retries exceeded",
        "Failed to establish",
        "timed out",
        "Connection broken",
        "NameResolutionError",
        "ProxyError",
        "SSLError",
        "IncompleteRead",
        "IncompleteDownload",
        "ConnectionResetError",
    ]) {
        (
            "the package index was not reached, or the connection broke",
            "look at the network, and at the index, proxy and certificates pip is set to (`python3 -m pip config list`)",
        )
    } else if has(&["No matching distribution", "Could not find a version"]) {
        (
            "the package index that pip is set to does not have it",
            "look at which index pip is set to (`python3 -m pip config list`, PIP_INDEX_URL, PIP_NO_INDEX)",
        )
    } else if has(&["no such option", "unrecognized arguments"]) {
        (
            "this pip is too old",
            "bring pip up to date (20.3 or later)",
        )
    } else {
        ("pip's own words are above", "mend what pip complains of")
    };
    format!(
        "{} {} could not be fetched with pip ({status}): {what}\n\
         what to do: {remedy}; then call `cargo xtask setup` again. What was fetched whole is not fetched twice",
        wheel.package, wheel.version
    )
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::libtorch::platform::Platform;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn what_pip_says_is_explained() {
        let wheel = &Platform::here().expect("a platform with libtorch").wheels[0];
        let tell = |said| explain(said, wheel, ExitStatus::from_raw(256));
        // A dead index shows as "no matching distribution" too; the network is what to look at.
        let dead = "WARNING: Retrying (Retry(total=0, ...)) after connection broken by ...\n\
                    ERROR: No matching distribution found for torch==2.11.0";
        assert!(tell(dead).contains("not reached"));
        assert!(tell("ERROR: No matching distribution found").contains("does not have it"));
        assert!(tell("OSError: [Errno 28] No space left on device").contains("disk is full"));
        assert!(tell("THESE PACKAGES DO NOT MATCH THE HASHES").contains("another checksum"));
        assert!(tell("Segmentation fault").contains("above"));
    }

    #[test]
    fn only_the_whole_file_is_right() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("abc");
        let wheel = Wheel {
            package: "abc",
            version: "1",
            bytes: 3,
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            takes: &[],
        };
        assert!(!is_right(&wheel, &file));
        for (content, right) in [("abc", true), ("ab", false), ("abd", false)] {
            fs::write(&file, content).expect("written");
            assert_eq!(is_right(&wheel, &file), right);
        }
    }
}
