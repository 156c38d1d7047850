//! Slurm's commands: what submits, lists and cancels jobs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::JobError;
use super::folder::{JobFolder, JobIds};

/// A time limit below this is not announced.
const SHORT_JOB: Duration = Duration::from_secs(5 * 60);

/// The signal by which Slurm announces the time limit of a shard. Slurm may send it up to a minute
/// too early, so that it would stop a short job at its start.
pub(super) fn early_signal(limit: Option<Duration>) -> Option<&'static str> {
    let is_short = limit.is_some_and(|limit| limit < SHORT_JOB);
    (!is_short).then_some("B:INT@60")
}

/// Submits the scripts in the folder: the shards, or only some of them, the merge after all of them,
/// and the watch if there is one.
///
/// `record` is called with the numbers of the jobs before any shard starts.
///
/// # Errors
/// Slurm is not here, or refuses a job. Nothing is left in its queue then, unless the error is
/// [`JobError::Left`].
pub(super) fn submit(
    folder: &JobFolder,
    only: Option<&[u32]>,
    record: impl FnOnce(JobIds) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let mut ids = JobIds::default();
    let submitted = submit_parts(folder, only, &mut ids).and_then(|held| {
        record(ids.clone())?;
        call("scontrol", folder.path(), &["release", &held]).map(drop)
    });
    submitted.map_err(|error| take_back(&ids, error))
}

/// Submits all parts, and notes the number of each as soon as it is known. Returns those of the
/// parts that are held until the numbers are on record: the watch reads them.
fn submit_parts(
    folder: &JobFolder,
    only: Option<&[u32]>,
    ids: &mut JobIds,
) -> Result<String, JobError> {
    let path = folder.path();
    let array = only.map(|only| {
        let only: Vec<String> = only.iter().map(u32::to_string).collect();
        format!("--array={}", only.join(","))
    });
    let options = ["--hold"].into_iter().chain(array.as_deref());
    let shards = sbatch(path, &Vec::from_iter(options.chain(["shard.sh"])))?;
    ids.shards = Some(shards.clone());
    let after = format!("--dependency=afterany:{shards}");
    ids.merge = Some(sbatch(path, &[&after, "merge.sh"])?);
    if folder.is_watched() {
        let watch = sbatch(path, &["--hold", "watch.sh"])?;
        ids.watch = Some(watch.clone());
        return Ok(format!("{shards},{watch}"));
    }
    Ok(shards)
}

/// Cancels what was submitted before an error.
fn take_back(ids: &JobIds, error: JobError) -> JobError {
    let parts = [&ids.shards, &ids.merge, &ids.watch];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    if parts.is_empty() {
        return error;
    }
    match cancel(&parts) {
        Ok(()) => error,
        Err(cancel) => JobError::Left {
            error: Box::new(error),
            cancel: Box::new(cancel),
            parts: parts.join(" "),
        },
    }
}

/// Submits a script and returns the number of its job.
fn sbatch(folder: &Path, arguments: &[&str]) -> Result<String, JobError> {
    let mut all = vec!["--parsable"];
    all.extend_from_slice(arguments);
    let printed = call("sbatch", folder, &all)?;
    // On several clusters, the number is followed by the cluster's name.
    let number = printed.trim().split(';').next().unwrap_or_default();
    Ok(number.to_owned())
}

/// Cancels jobs.
///
/// # Errors
/// Slurm is not here, or refuses.
pub(super) fn cancel(ids: &[&str]) -> Result<(), JobError> {
    call("scancel", Path::new("."), ids).map(drop)
}

/// Ends the shards of a job early. Those that wait never start. Those that run start no more rounds
/// and end those that they have begun, as after Ctrl-C: a killed round would be missing.
///
/// # Errors
/// Slurm is not here, or refuses.
pub(super) fn stop(id: &str) -> Result<(), JobError> {
    cancel(&["--state=PENDING", id])?;
    cancel(&["--state=RUNNING", "--signal=INT", "--batch", id])
}

/// The state of each shard in Slurm's queue, by its index. Empty if all have ended.
///
/// # Errors
/// Slurm does not answer here.
pub(super) fn queue(id: &str) -> Result<BTreeMap<u32, String>, JobError> {
    let arguments = ["--noheader", "--array", "--jobs", id, "--format", "%K %T"];
    match call("squeue", Path::new("."), &arguments) {
        Ok(text) => Ok(text.lines().filter_map(shard_state).collect()),
        // Slurm forgets jobs some time after their end.
        Err(JobError::Refused { problem, .. }) if problem.contains("Invalid job id") => {
            Ok(BTreeMap::new())
        }
        Err(error) => Err(error),
    }
}

fn shard_state(line: &str) -> Option<(u32, String)> {
    let (index, state) = line.trim().split_once(' ')?;
    Some((index.parse().ok()?, state.to_owned()))
}

/// Runs a command of Slurm and returns what it prints.
fn call(program: &'static str, directory: &Path, arguments: &[&str]) -> Result<String, JobError> {
    super::program::call("Slurm", program, directory, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_read() {
        assert_eq!(shard_state("3 PENDING"), Some((3, "PENDING".into())));
        assert_eq!(shard_state("N/A PENDING"), None);
    }
}
