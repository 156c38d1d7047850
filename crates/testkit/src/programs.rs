//! Finds this crate's programs. Cargo gives other crates' tests no paths to them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The paths of the programs.
#[derive(Clone, Debug)]
pub struct Programs {
    pub misbehave: PathBuf,
    pub sequence_runner: PathBuf,
}

/// Returns the programs next to the running test, in the same profile. Builds them if they are
/// missing or older than their source.
///
/// # Panics
/// The build fails: no test that needs them can run.
pub fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let folder = profile_folder();
        let programs = Programs {
            misbehave: folder.join("misbehave"),
            sequence_runner: folder.join("sequence-runner"),
        };
        if !programs.are_current() {
            build(&folder);
        }
        programs
    })
}

impl Programs {
    fn are_current(&self) -> bool {
        let source = newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        [&self.misbehave, &self.sequence_runner]
            .into_iter()
            .all(|program| modified(program).is_some_and(|built| Some(built) >= source))
    }
}

/// The running test is `<target>[/<triple>]/<profile>/deps/<name>-<hash>`; an example is in
/// `examples` instead of `deps`.
pub(crate) fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its program");
    let folder = test.parent().expect("a program is in a folder");
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("deps" | "examples") => folder.parent().expect("`deps` is in a folder").to_owned(),
        _ => folder.to_owned(),
    }
}

/// Builds the programs into this folder. Cargo's lock prevents concurrent builds.
fn build(profile_folder: &Path) {
    let mut target = profile_folder.parent().expect("a profile is in a folder");
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(other) => other,
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME")])
        .args(["--bins", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let triple = env!("CRASHRATE_TESTKIT_TARGET");
    if target.file_name().is_some_and(|name| name == triple) {
        cargo.args(["--target", triple]);
        target = target.parent().expect("a target is in a folder");
    }
    let status = cargo.arg("--target-dir").arg(target).status();
    assert!(
        status.as_ref().is_ok_and(|s| s.success()),
        "the programs of the testkit cannot be built: {cargo:?}: {status:?}"
    );
}

/// The newest modification time under this folder.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            if path.is_dir() {
                newest(&path)
            } else {
                modified(&path)
            }
        })
        .max()
}

pub(crate) fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
