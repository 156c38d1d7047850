//! Type-checks everything for macOS on Linux, except the worker, which needs libtorch for macOS.
//!
//! That needs macOS's standard library. Cargo can check it from its source (`-Zbuild-std`). Debian
//! packages a compiler for web browsers together with that source and its dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, call};

const TARGET: &str = "aarch64-apple-darwin";

/// Left out; it needs libtorch.
const WORKER: &str = "crashrate-worker";

/// The compiler and the source of its standard library.
const ASKED: [&str; 2] = ["rustc-web", "rust-web-src"];
/// Prefixes of the libraries that they need; the names include versions.
const NEEDED: [&str; 2] = ["libstd-rust-web", "libllvm"];

/// The workspace's `rust-version`.
const NEEDED_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let home = workspace.target()?.join("check-macos");
    let rustc = match compiler(&home)? {
        Ok(rustc) => rustc,
        Err(why) => {
            say!("SKIPPED: the macOS code was not checked: {why}");
            return Ok(());
        }
    };
    say!("checking everything but the worker for {TARGET}");
    let mut cargo =
        workspace.cargo(&["check", "--workspace", "--exclude", WORKER, "--all-targets"]);
    cargo
        .args(["-Zbuild-std=std,panic_unwind", "--target", TARGET])
        .env("RUSTC", &rustc)
        // Allows a stable compiler the unstable options above.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", home.join("target"))
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTFLAGS");
    call(cargo, "cargo check for macOS").context("the macOS code does not type-check")?;
    say!("the macOS code type-checks; it was not run");
    Ok(())
}

/// A replacement for `rustc`, or why there is none. Downloads its packages into `home` unless they
/// are there.
fn compiler(home: &Path) -> Result<Result<PathBuf, String>> {
    let Some(packages) = packages() else {
        let names = ASKED.join(" and ");
        return Ok(Err(format!(
            "the Debian packages {names} are not available here"
        )));
    };
    let version = packages.iter().find_map(|p| p.strip_prefix("rustc-web="));
    let version = version.context("apt names no version of rustc-web")?;
    if is_too_old(version) {
        return Ok(Err(format!(
            "apt has rustc-web {version}, but the workspace needs rustc {NEEDED_VERSION}; run \
             `apt-get update` for a newer one"
        )));
    }
    let folder = home.join(version.replace(['/', ':'], "-"));
    let rustc = folder.join("rustc");
    if rustc.is_file() {
        return Ok(Ok(rustc));
    }
    say!("downloading {} (about 140 MB)", packages.join(" "));
    let downloads = folder.join("packages");
    fs::create_dir_all(&downloads).with_context(|| downloads.display().to_string())?;
    let mut download = Command::new("apt-get");
    // As root, apt-get would warn that its sandbox user cannot write here.
    download.args(["download", "-q", "-o", "APT::Sandbox::User=root"]);
    download.args(&packages).current_dir(&downloads);
    if !download.status().is_ok_and(|status| status.success()) {
        return Ok(Err(
            "the packages could not be downloaded (see above)".to_owned()
        ));
    }
    let root = folder.join("root");
    for package in fs::read_dir(&downloads)?.flatten() {
        let mut unpack = Command::new("dpkg");
        unpack.arg("-x").args([&package.path(), &root]);
        call(unpack, "dpkg")?;
    }
    fs::remove_dir_all(&downloads)?;
    write_wrapper(&root, &rustc)?;
    Ok(Ok(rustc))
}

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
    let usr = root.join("usr");
    let usr = usr.display();
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH=$(echo '{usr}'/lib/*-linux-gnu) exec '{usr}/bin/rustc' \"$@\"\n"
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
