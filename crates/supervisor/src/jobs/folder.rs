//! Job folders: created with a number, found by path, number, name or `latest`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Engine, JobError};
use crate::safe_file;

const FILE: &str = "job.toml";

/// What `job.toml` says about a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name for the engine.
    pub name: String,
    /// The engine.
    pub engine: Engine,
    /// The suite's name, or the command.
    pub suite: String,
    /// The number of shards.
    pub shards: u32,
    /// When it was submitted.
    pub submitted: String,
    /// Whether the engine has it. Without `kubectl`, the user applies the manifests.
    pub is_started: bool,
    /// Where it was submitted, for Slurm: the scripts have this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// The namespace, for Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where its shards write, for Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<JobVolume>,
    /// The engine's names of its parts.
    #[serde(default)]
    pub ids: JobIds,
}

/// The folder of a job on a volume of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobVolume {
    /// The persistent volume claim.
    pub claim: String,
    /// The name of the folder in the volume.
    pub folder: String,
}

/// The engine's names of a job's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobIds {
    /// Of the shards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<String>,
    /// Of the merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
    /// Of the cluster that has them, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Of the watch that cancels the shards when the answer is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<String>,
}

impl JobIds {
    /// The numbers of all parts.
    pub(super) fn all(&self) -> Vec<&str> {
        let parts = [&self.watch, &self.shards, &self.merge];
        parts.into_iter().flatten().map(String::as_str).collect()
    }

    /// The option that a command of Slurm needs for these parts, with a space after it; empty if
    /// there is one cluster.
    pub fn cluster_option(&self) -> String {
        let cluster = self.cluster.as_ref();
        cluster.map_or_else(String::new, |name| format!("-M {name} "))
    }
}

/// The folder of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFolder {
    path: PathBuf,
}

impl JobFolder {
    /// Creates the folder of a new job.
    ///
    /// # Errors
    /// It exists, or it cannot be created.
    pub fn create(path: &Path) -> Result<JobFolder, JobError> {
        let JobFolder { path } = JobFolder::planned(path.to_owned());
        let failed = || JobError::unwritten(&path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed())?;
        }
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(JobError::Exists {
                path,
                instead: "choose another folder with --job",
            }),
            Err(error) => Err(failed()(error)),
            Ok(()) => {
                let folder = JobFolder { path };
                folder.make("runs")?;
                folder.make("logs")?;
                Ok(folder)
            }
        }
    }

    /// Creates the folder of a new job with the next number.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create_next(jobs: &Path, suite: &str) -> Result<JobFolder, JobError> {
        fs::create_dir_all(jobs).map_err(JobError::unwritten(jobs))?;
        // Two jobs that are submitted at the same time must not take the same number. Not every
        // shared disk can lock a folder: there at least the names differ.
        let _numbering = fs::File::open(jobs).and_then(|folder| folder.lock().map(|()| folder));
        loop {
            match JobFolder::create(&JobFolder::next(jobs, suite)?) {
                // Another `submit` was faster.
                Err(JobError::Exists { .. }) => {}
                created => return created,
            }
        }
    }

    /// The folder that a new job would have.
    ///
    /// # Errors
    /// The folder of all jobs cannot be read.
    pub fn next(jobs: &Path, suite: &str) -> Result<PathBuf, JobError> {
        // Also of those that have no `job.toml` yet.
        let last = folders(jobs)?.iter().map(JobFolder::number).max();
        let number = last.unwrap_or(0) + 1;
        let suite = safe_file::readable_name(suite);
        let path = jobs.join(format!("{number}-{suite}"));
        Ok(std::path::absolute(&path).unwrap_or(path))
    }

    /// A folder that need not exist, for a dry run.
    pub fn planned(path: PathBuf) -> JobFolder {
        let path = std::path::absolute(&path).unwrap_or(path);
        JobFolder { path }
    }

    fn make(&self, name: &str) -> Result<(), JobError> {
        let path = self.path.join(name);
        fs::create_dir(&path).map_err(JobError::unwritten(&path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number with which its name begins; 0 if it has none.
    pub fn number(&self) -> u32 {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.split('-').next().and_then(|n| n.parse().ok());
        number.unwrap_or(0)
    }

    /// The runs of its shards.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Its plan.
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.json")
    }

    /// What the script of a shard has printed, on Slurm.
    pub fn log(&self, shard: u32) -> PathBuf {
        self.path.join("logs").join(format!("shard-{shard}.out"))
    }

    /// The output of the merge.
    pub fn merge_log(&self) -> PathBuf {
        self.path.join("logs/merge.out")
    }

    /// The output of the watch.
    pub fn watch_log(&self) -> PathBuf {
        self.path.join("logs/watch.out")
    }

    /// The run that its shards are merged into.
    pub fn merged(&self) -> PathBuf {
        self.path.join("merged")
    }

    /// Whether a watch stops the job early.
    pub(super) fn is_watched(&self) -> bool {
        self.path.join("watch.sh").exists()
    }

    /// Removes it, with all that is in it: nothing has been submitted.
    pub fn discard(self) {
        // What is left is only in the way of a folder of the same name.
        let _ = fs::remove_dir_all(&self.path);
    }

    /// Writes one of its files.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), JobError> {
        let written = safe_file::write(&self.path, name, text.as_bytes());
        written.map_err(JobError::unwritten(self.path.join(name)))
    }

    /// Writes `job.toml`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_job(&self, job: &Job) -> Result<(), JobError> {
        let text = toml::to_string_pretty(job).map_err(io::Error::other);
        let text = text.map_err(JobError::unwritten(self.path.join(FILE)))?;
        self.write(FILE, &text)
    }

    /// Reads `job.toml`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn job(&self) -> Result<Job, JobError> {
        let path = self.path.join(FILE);
        let bytes = safe_file::read(&self.path, FILE);
        let bytes = bytes.map_err(JobError::unreadable(&path))?;
        toml::from_slice(&bytes).map_err(|error| {
            let begin = error.span().map_or(0, |span| span.start);
            let before = bytes.iter().take(begin);
            JobError::Damaged {
                path,
                line: 1 + before.filter(|byte| **byte == b'\n').count(),
                problem: error.message().to_owned(),
            }
        })
    }
}

/// The folder of all jobs, beside that of all runs.
pub fn jobs_folder(runs: &Path) -> PathBuf {
    runs.with_file_name("crashrate-jobs")
}

fn list(jobs: &Path) -> Result<Vec<JobFolder>, JobError> {
    let mut folders = folders(jobs)?;
    folders.retain(|folder| folder.path.join(FILE).is_file());
    folders.sort_by_key(|folder| (folder.number(), folder.path.clone()));
    Ok(folders)
}

fn folders(jobs: &Path) -> Result<Vec<JobFolder>, JobError> {
    let entries = match fs::read_dir(jobs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(JobError::unreadable(jobs))?,
    };
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.map(|path| JobFolder { path }).collect())
}

/// Finds a job by its folder, its number, its folder's name, or `latest`.
///
/// # Errors
/// There is no such job.
pub fn find(jobs: &Path, name: &str) -> Result<JobFolder, JobError> {
    let path = Path::new(name);
    if path.join(FILE).is_file() {
        return Ok(JobFolder::planned(path.to_owned()));
    }
    let folders = list(jobs)?;
    let matches = |folder: &&JobFolder| {
        let own = folder.path.file_name().unwrap_or_default();
        own == name
            || name
                .parse()
                .is_ok_and(|number: u32| number == folder.number())
    };
    let found = match name {
        "latest" => folders.last(),
        _ => folders.iter().rev().find(matches),
    };
    found.cloned().ok_or_else(|| match path.is_dir() {
        true => JobError::NoJobFile(path.to_owned()),
        false => JobError::NotFound {
            name: name.to_owned(),
            jobs: jobs.to_owned(),
            known: match (folders.first(), folders.last()) {
                (Some(first), Some(last)) => {
                    format!("it has the jobs {} to {}", first.number(), last.number())
                }
                _ => "it has no jobs yet; name the job's folder".to_owned(),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_numbered_and_found() {
        let place = tempfile::tempdir().unwrap();
        let jobs = jobs_folder(&place.path().join("runs"));
        let job = Job {
            name: "crashrate-story-1".into(),
            engine: Engine::Slurm,
            suite: "story".into(),
            shards: 4,
            submitted: "2026-01-01T00:00:00Z".into(),
            folder: None,
            is_started: true,
            namespace: None,
            volume: None,
            ids: JobIds {
                shards: Some("17".into()),
                ..JobIds::default()
            },
        };
        for number in 1..=2 {
            let next = JobFolder::next(&jobs, "story").unwrap();
            let folder = JobFolder::create(&next).unwrap();
            folder.write_job(&job).unwrap();
            assert_eq!(folder.number(), number);
        }
        for name in ["2", "latest", "2-story"] {
            let found = find(&jobs, name).unwrap();
            assert_eq!((found.number(), found.job().unwrap()), (2, job.clone()));
            let path = found.path().to_str().unwrap();
            assert_eq!(find(&jobs, path).unwrap(), found);
        }
        let error = find(&jobs, "7").unwrap_err().to_string();
        assert!(error.ends_with("it has the jobs 1 to 2"), "{error}");
        let plain = place.path().to_str().unwrap();
        let error = find(&jobs, plain).unwrap_err().to_string();
        let says = format!("{plain} has no job.toml, so it is not");
        assert!(error.starts_with(&says), "{error}");
        let again = JobFolder::create(&jobs.join("2-story"));
        assert!(matches!(again, Err(JobError::Exists { .. })), "{again:?}");
    }

    #[test]
    fn a_damaged_file_is_named_with_its_line() {
        let place = tempfile::tempdir().unwrap();
        let folder = JobFolder::planned(place.path().to_owned());
        folder.write(FILE, "name = \"a\"\n\nx\n").unwrap();
        let error = folder.job().unwrap_err().to_string();
        assert!(error.contains("job.toml:3: "), "{error}");
        assert!(error.contains("crashrate merge "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
