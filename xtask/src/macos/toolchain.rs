//! Downloads a compiler with the source of its standard library from Debian's packages.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The compiler and the source of its standard library.
const ASKED: [&str; 2] = ["rustc-web", "rust-web-src"];
/// Prefixes of the libraries that they need; the names include versions.
const NEEDED: [&str; 2] = ["libstd-rust-web", "libllvm"];

pub(super) enum Found {
    /// A replacement for `rustc`.
    Compiler(PathBuf),
    /// Why there is none.
    Nothing(String),
}

/// Downloads the packages into `home` unless they are there.
pub(super) fn provide(home: &Path) -> Result<Found> {
    let Some(packages) = packages() else {
        let why = format!(
            "the Debian packages {} are not available here",
            ASKED.join(" and ")
        );
        return Ok(Found::Nothing(why));
    };
    let version = packages.iter().find_map(|p| p.strip_prefix("rustc-web="));
    if let Some(version) = version.filter(|version| is_too_old(version)) {
        return Ok(Found::Nothing(format!(
            "apt has rustc-web {version}, but the workspace needs rustc {NEEDED_VERSION}; run \
             `apt-get update` for a newer one"
        )));
    }
    let folder = home.join(version.unwrap_or("any").replace(['/', ':'], "-"));
    let rustc = folder.join("rustc");
    if rustc.is_file() {
        return Ok(Found::Compiler(rustc));
    }
    say!("downloading {} (about 140 MB)", packages.join(" "));
    let downloads = folder.join("packages");
    fs::create_dir_all(&downloads).with_context(|| downloads.display().to_string())?;
    let mut download = Command::new("apt-get");
    download
        .arg("download")
        .args(&packages)
        .current_dir(&downloads);
    // As root, apt-get would warn that its sandbox user cannot write here.
    download.args(["-q", "-o", "APT::Sandbox::User=root"]);
    if !download.status().is_ok_and(|status| status.success()) {
        let why = "the packages could not be downloaded (see above)".to_owned();
        return Ok(Found::Nothing(why));
    }
    let root = folder.join("root");
    for package in fs::read_dir(&downloads)?.flatten() {
        let unpacked = Command::new("dpkg")
            .arg("-x")
            .arg(package.path())
            .arg(&root)
            .status();
        let unpacked = unpacked.context("dpkg could not be started")?;
        ensure!(
            unpacked.success(),
            "{} could not be unpacked",
            package.path().display()
        );
    }
    fs::remove_dir_all(&downloads)?;
    write_wrapper(&root, &rustc)?;
    Ok(Found::Compiler(rustc))
}

/// The workspace's `rust-version`.
const NEEDED_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Whether a Debian version such as `1.85.0+dfsg3-1` is older than the workspace's `rust-version`.
fn is_too_old(version: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        let parts = text.split(|c: char| !c.is_ascii_digit());
        parts.take(2).filter_map(|part| part.parse().ok()).collect()
    };
    numbers(version) < numbers(NEEDED_VERSION)
}

/// The packages as `name=version`; `None` if one is not available.
fn packages() -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut wanted: Vec<String> = ASKED.map(str::to_owned).to_vec();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let record = newest_record(&name)?;
        let field = |key: &str| record.lines().find_map(|line| line.strip_prefix(key));
        found.push(format!("{name}={}", field("Version:")?.trim()));
        let depends = field("Depends:").unwrap_or_default();
        wanted.extend(
            (depends.split([',', '|']))
                .filter_map(|dependency| dependency.split_whitespace().next())
                .filter(|name| NEEDED.iter().any(|needed| name.starts_with(needed)))
                .map(str::to_owned),
        );
    }
    Some(found)
}

/// apt's record of the newest version of a package.
fn newest_record(name: &str) -> Option<String> {
    let asked = Command::new("apt-cache")
        .args(["show", "--no-all-versions", name])
        .stderr(Stdio::null())
        .output();
    let output = asked.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (!text.trim().is_empty()).then_some(text)
}

/// Only this compiler should see its LD_LIBRARY_PATH, so a wrapper sets it.
fn write_wrapper(root: &Path, wrapper: &Path) -> Result<()> {
    let libraries = fs::read_dir(root.join("usr/lib"))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| folder.to_string_lossy().ends_with("-linux-gnu"))
        .map(|folder| folder.display().to_string())
        .collect::<Vec<_>>();
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        libraries.join(":"),
        root.join("usr/bin/rustc").display()
    );
    // The wrapper marks a complete download, so it is renamed into place last.
    let draft = wrapper.with_extension("draft");
    fs::write(&draft, script)?;
    fs::set_permissions(&draft, PermissionsExt::from_mode(0o755))?;
    fs::rename(&draft, wrapper)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_compilers_are_recognized_by_their_package_version() {
        assert!(is_too_old("1.85.0+dfsg3-1~deb12u3"));
        assert!(!is_too_old("1.96.0+dfsg1-1~deb12u2"));
        assert!(!is_too_old("2.0.0"));
    }
}
