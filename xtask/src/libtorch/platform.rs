//! The platforms of `platforms.toml`.

use std::env::consts;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::VERSION;

const PLATFORMS: &str = include_str!("platforms.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Platform {
    os: String,
    arch: String,
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    pub(super) trial: String,
    pub(super) unpacked: u64,
    #[serde(rename = "wheel")]
    pub(super) wheels: Vec<Wheel>,
}

/// A wheel of the package index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wheel {
    package: String,
    version: String,
    bytes: u64,
    sha256: String,
    pub(super) members: Vec<String>,
}

#[derive(Deserialize)]
struct Platforms {
    platform: Vec<Platform>,
}

impl Platform {
    fn all() -> Result<Vec<Self>> {
        let Platforms { platform } = toml::from_str(PLATFORMS).context("platforms.toml")?;
        Ok(platform)
    }

    /// The platform that this program, and thus the worker, is compiled for.
    pub(super) fn here() -> Result<Self> {
        Self::of(consts::OS, consts::ARCH, cfg!(target_env = "musl"))
    }

    fn of(os: &str, arch: &str, musl: bool) -> Result<Self> {
        let mut platforms = Self::all()?;
        let found = platforms
            .iter()
            .position(|platform| platform.os == os && platform.arch == arch && !musl);
        if let Some(index) = found {
            return Ok(platforms.swap_remove(index));
        }
        let names = Vec::from_iter(platforms.iter().map(|platform| platform.name.as_str()));
        let musl = if musl { " with musl" } else { "" };
        bail!(
            "the Python package index has no libtorch {VERSION} for {os} on {arch}{musl}, only for \
             {}\nwhat to do: set LIBTORCH to the folder of a libtorch {VERSION} for this platform",
            names.join(", ")
        )
    }

    /// Bytes of all wheels.
    pub(super) fn download(&self) -> u64 {
        self.wheels.iter().map(|wheel| wheel.bytes).sum()
    }

    /// Name, version and hash of each wheel.
    pub(super) fn fingerprints(&self) -> Vec<String> {
        let fingerprint = |wheel: &Wheel| {
            let (package, version, sha256) = (&wheel.package, &wheel.version, &wheel.sha256);
            format!("{package}=={version} sha256:{sha256}")
        };
        self.wheels.iter().map(fingerprint).collect()
    }

    /// The requirements file for pip.
    pub(super) fn requirements(&self) -> String {
        self.fingerprints()
            .join("\n")
            .replace(" sha256:", " --hash=sha256:")
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn known_platforms_are_found_and_others_are_errors() {
        for platform in &Platform::all().expect("the file is valid") {
            let found = Platform::of(&platform.os, &platform.arch, false).expect("known");
            assert_eq!(found.name, platform.name);
        }
        for (os, arch, musl) in [
            ("macos", "x86_64", false),
            ("windows", "x86_64", false),
            ("linux", "x86_64", true),
        ] {
            let error = Platform::of(os, arch, musl).expect_err("unknown");
            let error = error.to_string();
            assert!(error.contains(os) && error.contains("LIBTORCH"), "{error}");
        }
    }

    #[test]
    fn every_platform_has_headers_and_a_trial_library() {
        for platform in &Platform::all().expect("the file is valid") {
            let members = || platform.wheels.iter().flat_map(|wheel| &wheel.members);
            assert!(
                members().any(|name| name == "torch/include/"),
                "{}",
                platform.name
            );
            let trial = format!("torch/lib/{}", platform.trial);
            assert!(members().any(|name| *name == trial), "{}", platform.name);
            assert!(platform.wheels.iter().any(|wheel| wheel.version == VERSION));
        }
    }

    #[test]
    fn checksums_have_the_form_of_sha256() {
        let platforms = Platform::all().expect("the file is valid");
        for wheel in platforms.iter().flat_map(|platform| &platform.wheels) {
            let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(
                wheel.sha256.len() == 64 && is_hex(&wheel.sha256),
                "{wheel:?}"
            );
        }
    }
}
