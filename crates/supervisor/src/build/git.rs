//! Revisions of a git repository.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Origin, SourceError, Step};

/// Variables by which git would use another repository than that of the folder.
pub(super) const GIT_VARIABLES: [&str; 5] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
];

/// A repository of git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its top folder.
    pub top: PathBuf,
    /// The folder from which it was found, relative to the top folder.
    pub inside: PathBuf,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub hash: String,
    /// The author date, RFC 3339.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
}

/// Which commits of a history with merges are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichCommits {
    /// Those of the branch itself: of a merge only the first parent.
    FirstParent,
    /// All that the bad end has and the good end has not, in topological order.
    All,
}

impl Repository {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// There is none, or git cannot be run.
    pub fn find(folder: &Path) -> Result<Repository, SourceError> {
        let top = output(folder, ["rev-parse", "--show-toplevel"])?;
        let inside = output(folder, ["rev-parse", "--show-prefix"])?;
        Ok(Repository {
            top: top.into(),
            inside: inside.into(),
        })
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// There is no such revision.
    pub fn commit(&self, revision: &str) -> Result<Commit, SourceError> {
        // A revision that begins with a dash would be an option.
        let named = format!("{revision}^{{commit}}");
        let found = output(
            &self.top,
            [
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &named,
            ],
        );
        let hash = found.map_err(|_| {
            SourceError::Git(format!(
                "there is no revision `{revision}` in {}",
                self.top.display()
            ))
        })?;
        let commits = self.log(&["-1", &hash])?;
        let found = commits.into_iter().next();
        found.ok_or_else(|| SourceError::Git(format!("there is no commit {hash}")))
    }

    /// The commits from `good` to `bad`, both included, the oldest first.
    ///
    /// # Errors
    /// A revision is unknown, or the bad one does not follow the good one.
    pub fn history(
        &self,
        good: &str,
        bad: &str,
        which: WhichCommits,
    ) -> Result<Vec<Commit>, SourceError> {
        let ends = [self.commit(good)?, self.commit(bad)?];
        let [from, to] = ends.each_ref().map(|end| end.hash.as_str());
        let ancestor = output(&self.top, ["merge-base", from, to]);
        if from == to || !ancestor.is_ok_and(|base| base == from) {
            let problem = match from == to {
                true => "are the same commit",
                false => "have another order: the good one must be an ancestor of the bad one",
            };
            return Err(SourceError::Git(format!("`{good}` and `{bad}` {problem}")));
        }
        let range = format!("{from}..{to}");
        let mut arguments = vec!["--reverse", "--topo-order"];
        arguments.extend((which == WhichCommits::FirstParent).then_some("--first-parent"));
        arguments.push(&range);
        let mut commits = vec![ends[0].clone()];
        commits.extend(self.log(&arguments)?);
        Ok(commits)
    }

    /// A commit of it, built in the folder from which the repository was found.
    pub fn origin(&self, commit: &Commit, build: Vec<String>) -> Origin {
        Origin::Revision {
            repository: self.top.clone(),
            commit: commit.hash.clone(),
            inside: self.inside.clone(),
            build,
            env: BTreeMap::new(),
        }
    }

    fn log(&self, arguments: &[&str]) -> Result<Vec<Commit>, SourceError> {
        let format = ["log", "--no-show-signature", "--format=%H%x09%aI%x09%s"];
        let all = format.iter().chain(arguments).chain(&["--"]);
        let text = output(&self.top, all)?;
        let commit = |line: &str| {
            let mut fields = line.splitn(3, '\t').map(str::to_owned);
            Some(Commit {
                hash: fields.next()?,
                date: fields.next()?,
                subject: fields.next().unwrap_or_default(),
            })
        };
        Ok(text.lines().filter_map(commit).collect())
    }
}

/// The commands that check a commit out in a new worktree, with its submodules.
pub(super) fn checkout(repository: &Path, commit: &str, tree: &Path) -> Vec<Step> {
    let git = |directory: &Path, arguments: &[&OsStr]| {
        // Hooks are made for the user's own checkouts.
        let own = [
            "git",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "advice.detachedHead=false",
        ];
        Step {
            argv: own
                .iter()
                .map(OsString::from)
                .chain(arguments.iter().map(OsString::from))
                .collect(),
            directory: directory.to_owned(),
        }
    };
    let add = ["worktree", "add", "--force", "--detach"].map(OsStr::new);
    let add: Vec<&OsStr> = [&add[..], &[tree.as_os_str(), OsStr::new(commit)]].concat();
    let submodules = ["submodule", "update", "--init", "--recursive"].map(OsStr::new);
    vec![git(repository, &add), git(tree, &submodules)]
}

/// Removes the records of worktrees whose folders are gone.
pub(super) fn prune(repository: &Path) {
    let _ = output(repository, ["worktree", "prune"]);
}

fn output<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<String, SourceError> {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null());
    for name in GIT_VARIABLES {
        command.env_remove(name);
    }
    let output = command
        .output()
        .map_err(|error| SourceError::Git(format!("git cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(SourceError::Git(format!(
        "{}: {}",
        folder.display(),
        said.trim().lines().next().unwrap_or("git failed")
    )))
}
