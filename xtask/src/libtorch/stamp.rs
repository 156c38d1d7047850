//! `setup.json` in the libtorch folder records what set-up put there; a later set-up compares.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::VERSION;
use super::platform::Platform;

const FILE: &str = "setup.json";

/// Written last: a folder with a stamp was complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    libtorch: String,
    /// Name, version and hash of each wheel.
    wheels: Vec<String>,
    /// Size of each file; the thousands of headers are one entry with their sum.
    sizes: BTreeMap<String, u64>,
}

impl Stamp {
    /// The stamp of this version of set-up, without sizes.
    pub(super) fn expected(platform: &Platform) -> Self {
        let name = |wheel: &super::platform::Wheel| {
            format!(
                "{}=={} sha256:{}",
                wheel.package, wheel.version, wheel.sha256
            )
        };
        Self {
            libtorch: VERSION.to_owned(),
            wheels: platform.wheels.iter().map(name).collect(),
            sizes: BTreeMap::new(),
        }
    }

    /// The stamp for a finished folder.
    pub(super) fn of(platform: &Platform, folder: &Path) -> Result<Self> {
        let sizes = sizes(folder)?;
        Ok(Self {
            sizes,
            ..Self::expected(platform)
        })
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let text = match fs::read(folder.join(FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("it has no {FILE}"),
            read => read.with_context(|| format!("{FILE} could not be read"))?,
        };
        serde_json::from_slice(&text).with_context(|| format!("{FILE} is damaged"))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&path, text).with_context(|| format!("{} could not be written", path.display()))
    }

    /// Describes the first difference.
    pub(super) fn differs(&self, expected: &Self, folder: &Path) -> Option<String> {
        if self.libtorch != expected.libtorch {
            return Some(format!("it is libtorch {}", self.libtorch));
        }
        if self.wheels != expected.wheels {
            return Some("its wheels differ".to_owned());
        }
        let now = match sizes(folder) {
            Ok(now) => now,
            Err(error) => return Some(format!("{error:#}")),
        };
        self.sizes
            .iter()
            .find_map(|(name, size)| match now.get(name) {
                None => Some(format!("{name} is missing")),
                Some(found) if found != size => {
                    Some(format!("{name} has {found} bytes instead of {size}"))
                }
                Some(_) => None,
            })
    }
}

fn sizes(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut sizes = BTreeMap::new();
    let unreadable = |path: &Path| format!("{} could not be read", path.display());
    for place in ["", "lib"] {
        let path = folder.join(place);
        for entry in fs::read_dir(&path).with_context(|| unreadable(&path))? {
            let entry = entry.with_context(|| unreadable(&path))?;
            // Follows links.
            let found = fs::metadata(entry.path()).with_context(|| unreadable(&entry.path()))?;
            let name = Path::new(place).join(entry.file_name());
            if found.is_file() && entry.file_name() != FILE {
                sizes.insert(name.to_string_lossy().into_owned(), found.len());
            }
        }
    }
    let include = folder.join("include");
    let sum = sum(&include).with_context(|| unreadable(&include))?;
    sizes.insert("include/".to_owned(), sum);
    Ok(sizes)
}

fn sum(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            sum(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod test {
    use super::*;

    fn stamped() -> (tempfile::TempDir, Stamp) {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["lib", "include/torch"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        for name in ["build-version", "lib/libc10.so", "include/torch/all.h"] {
            fs::write(folder.path().join(name), "0123456789").expect("a file");
        }
        let stamp = Stamp {
            libtorch: VERSION.to_owned(),
            wheels: vec!["torch".to_owned()],
            sizes: sizes(folder.path()).expect("sizes"),
        };
        stamp.write(folder.path()).expect("written");
        (folder, stamp)
    }

    #[test]
    fn a_folder_as_it_was_made_is_in_place() {
        let (folder, stamp) = stamped();
        let read = Stamp::read(folder.path()).expect("read");
        assert_eq!(read, stamp);
        assert_eq!(read.differs(&stamp, folder.path()), None);
    }

    #[test]
    fn a_missing_or_cut_file_and_another_version_are_differences() {
        let (folder, stamp) = stamped();
        let differs = |expected: &Stamp| {
            stamp
                .differs(expected, folder.path())
                .expect("a difference")
        };

        let newer = Stamp {
            libtorch: "9.9.9".to_owned(),
            ..stamp.clone()
        };
        assert_eq!(differs(&newer), format!("it is libtorch {VERSION}"));
        fs::write(folder.path().join("include/torch/all.h"), "0").expect("cut");
        assert_eq!(differs(&stamp), "include/ has 1 bytes instead of 10");
        fs::remove_file(folder.path().join("lib/libc10.so")).expect("removed");
        fs::write(folder.path().join("include/torch/all.h"), "0123456789").expect("mended");
        assert_eq!(differs(&stamp), "lib/libc10.so is missing");
    }

    #[test]
    fn a_damaged_stamp_is_an_error() {
        let (folder, _) = stamped();
        fs::write(folder.path().join(FILE), "{\"libtorch\":").expect("cut");
        assert!(Stamp::read(folder.path()).is_err());
    }
}
