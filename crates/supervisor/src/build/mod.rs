//! What a variant measures where it is not what lies in the suite's folder: a revision that is
//! built, packages that pip installs, or what a script provides.
//!
//! Each has a folder that is kept and used again. Nothing is built in the user's own tree.

mod builds;
mod git;
mod kept;
mod pip;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_with::serde_as;
use thiserror::Error;

use crate::hash;
use crate::suite::PathText;

pub(crate) use builds::{BuildEnd, Builds};
pub use git::{Commit, Repository, WhichCommits};
pub use kept::{KeptBuilds, MAX_BYTES};
pub use pip::versions;

/// The exit code with which a build or a test says that nothing can be told here, as in
/// `git bisect run`.
pub const SKIP: i32 = 125;
/// Hexadecimal digits of a folder's name: 64 bits.
const DIGITS: usize = 16;
/// Stands for the item in the command of [`Origin::Script`].
const ITEM: &str = "{}";

/// Something that is built once and then measured.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What it is built from.
    pub origin: Origin,
    /// The folder that keeps it, absolute.
    #[serde_as(as = "PathText")]
    pub folder: PathBuf,
}

/// What a build is made from.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A revision of a git repository, in a worktree.
    Revision {
        /// The top folder of the repository.
        #[serde_as(as = "PathText")]
        repository: PathBuf,
        /// The hash of the commit.
        commit: String,
        /// The folder in which it is built, relative to the top folder.
        #[serde_as(as = "PathText")]
        inside: PathBuf,
        /// The program that builds it, with its arguments; empty if nothing has to be built.
        build: Vec<String>,
        /// Variables added to the environment of the build.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
    },
    /// Python packages in a virtual environment.
    Packages {
        /// Requirements as pip reads them, such as `torch==2.11.0`.
        requirements: Vec<String>,
    },
    /// An item of a list, provided by a script that runs in an empty folder.
    Script {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// A source that cannot be named or listed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SourceError {
    /// git cannot be run, or refuses.
    #[error("{0}")]
    Git(String),
    /// pip cannot be run, or refuses.
    #[error("{0}")]
    Pip(String),
}

/// A command of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) argv: Vec<OsString>,
    /// Where it runs.
    pub(crate) directory: PathBuf,
}

impl Source {
    /// The build of this origin in the folder of all kept builds.
    pub fn new(origin: Origin, builds: &Path) -> Source {
        let text = serde_json::to_string(&origin).expect("an origin has string keys");
        let mut key = hash::of_bytes(text.as_bytes());
        key.truncate(DIGITS);
        Source {
            folder: builds.join(key),
            origin,
        }
    }

    /// The worktree, the virtual environment, or the folder of the script.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// The file with the output of the build.
    pub fn log(&self) -> PathBuf {
        self.folder.join("build.log")
    }

    /// Where a unit runs whose suite says `directory`.
    pub(crate) fn directory(&self, directory: &Path) -> PathBuf {
        match &self.origin {
            Origin::Revision { repository, .. } => {
                // git tells the folder without symbolic links.
                let real = directory.canonicalize();
                let real = real.as_deref().unwrap_or(directory);
                match real.strip_prefix(repository) {
                    Ok(inside) => self.tree().join(inside),
                    Err(_) => directory.to_owned(),
                }
            }
            Origin::Packages { .. } => directory.to_owned(),
            Origin::Script { .. } => self.tree(),
        }
    }

    /// Variables that a unit needs to find what was built.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let Origin::Packages { .. } = &self.origin else {
            return Vec::new();
        };
        let tree = self.tree();
        let path = env::var("PATH").unwrap_or_default();
        vec![
            (
                "PATH".into(),
                format!("{}:{path}", tree.join("bin").display()),
            ),
            ("VIRTUAL_ENV".into(), tree.display().to_string()),
        ]
    }

    /// Variables that its build needs.
    fn build_env(&self) -> BTreeMap<String, String> {
        match &self.origin {
            Origin::Revision { env, .. } => env.clone(),
            Origin::Packages { .. } | Origin::Script { .. } => BTreeMap::new(),
        }
    }

    /// The commands that build it, in order. The folder exists; the tree does not.
    fn steps(&self) -> Vec<Step> {
        let tree = self.tree();
        let words = |words: &[String]| words.iter().map(OsString::from).collect();
        match &self.origin {
            Origin::Revision {
                repository,
                commit,
                inside,
                build,
                ..
            } => {
                let mut steps = git::checkout(repository, commit, &tree);
                if !build.is_empty() {
                    steps.push(Step {
                        argv: words(build),
                        directory: tree.join(inside),
                    });
                }
                steps
            }
            Origin::Packages { requirements } => pip::install(requirements, &tree),
            Origin::Script { command } => vec![Step {
                argv: words(command),
                directory: tree,
            }],
        }
    }

    /// Says that a folder in which a step runs is missing.
    fn without_folder(&self, directory: &Path) -> String {
        match &self.origin {
            Origin::Revision { commit, inside, .. } => {
                let (commit, inside) = (short(commit), inside.display());
                format!("commit {commit} has no folder `{inside}`")
            }
            Origin::Packages { .. } | Origin::Script { .. } => {
                format!("there is no folder {}", directory.display())
            }
        }
    }

    /// Whether its first step needs the tree as an empty folder.
    fn starts_with_folder(&self) -> bool {
        matches!(self.origin, Origin::Script { .. })
    }

    /// How it is made, for people: `make -j2`.
    pub fn how(&self) -> String {
        match &self.origin {
            Origin::Revision { commit, build, .. } if build.is_empty() => {
                format!("git worktree add {}", short(commit))
            }
            Origin::Revision { build, .. } => line(build),
            Origin::Packages { requirements } => format!("pip install {}", line(requirements)),
            Origin::Script { command } => line(command),
        }
    }
}

impl Origin {
    /// An item of a list: `{}` in the command stands for it.
    pub fn of_item(command: &[String], item: &str) -> Origin {
        Origin::Script {
            command: command
                .iter()
                .map(|word| word.replace(ITEM, item))
                .collect(),
        }
    }
}

/// The first digits of a commit's hash.
pub fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn line(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(commit: &str, build: &[&str]) -> Origin {
        Origin::Revision {
            repository: "/repo".into(),
            commit: commit.into(),
            inside: "sub".into(),
            build: build.iter().map(|word| (*word).to_owned()).collect(),
            env: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_built_differently_has_another_folder() {
        let folder = |origin| Source::new(origin, Path::new("/runs/.builds")).folder;
        let plain = folder(revision("abc", &["make"]));
        assert_eq!(folder(revision("abc", &["make"])), plain);
        for other in [
            revision("abd", &["make"]),
            revision("abc", &["make", "-j2"]),
        ] {
            assert_ne!(folder(other), plain);
        }
    }

    #[test]
    fn directories_of_the_repository_are_those_of_the_worktree() {
        let source = Source::new(revision("abc", &[]), Path::new("/runs/.builds"));
        let tree = source.tree();
        assert_eq!(source.directory(Path::new("/repo/a/b")), tree.join("a/b"));
        assert_eq!(source.directory(Path::new("/repo")), tree);
        assert_eq!(source.directory(Path::new("/other")), Path::new("/other"));
    }

    #[test]
    fn the_item_takes_the_place_of_braces() {
        let command = ["get".to_owned(), "v{}.tar".to_owned()];
        let Origin::Script { command } = Origin::of_item(&command, "1.2") else {
            unreachable!()
        };
        assert_eq!(command, ["get", "v1.2.tar"]);
    }
}
