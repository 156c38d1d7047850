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

/// What is submitted of a job.
pub(super) struct Parts<'a> {
    /// Only these shards; `None`: all.
    pub(super) only: Option<&'a [u32]>,
    /// Whether the job has a watch that stops it early.
    pub(super) stops_early: bool,
}

/// Submits the scripts in the folder: the shards, the merge after all of them, and the watch.
///
/// `record` is called with the numbers of the jobs before any shard starts.
///
/// # Errors
/// Slurm is not here, or refuses a job. Nothing is left in its queue then.
pub(super) fn submit(
    folder: &JobFolder,
    parts: &Parts<'_>,
    record: impl FnOnce(JobIds) -> Result<(), JobError>,
) -> Result<(), JobError> {
    // Held until all parts are submitted and on record: the watch reads their numbers.
    let array = parts.only.map(|only| {
        let only: Vec<String> = only.iter().map(u32::to_string).collect();
        format!("--array={}", only.join(","))
    });
    let options = ["--hold"].into_iter().chain(array.as_deref());
    let shards = sbatch(folder.path(), &Vec::from_iter(options.chain(["shard.sh"])))?;
    let submitted = submit_rest(folder, parts.stops_early, &shards).and_then(|ids| {
        record(ids)?;
        call("scontrol", folder.path(), &["release", &shards]).map(drop)
    });
    if submitted.is_err() {
        // The first error is the one to report.
        let _ = cancel(&[&shards]);
    }
    submitted
}

fn submit_rest(folder: &JobFolder, stops_early: bool, shards: &str) -> Result<JobIds, JobError> {
    let after = format!("--dependency=afterany:{shards}");
    let merge = sbatch(folder.path(), &[&after, "merge.sh"])?;
    let watch = match stops_early {
        true => Some(sbatch(folder.path(), &["watch.sh"])?),
        false => None,
    };
    Ok(JobIds {
        shards: Some(shards.to_owned()),
        merge: Some(merge),
        watch,
    })
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
