//! Slurm's commands: what submits, lists and cancels jobs.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::folder::{JobFolder, JobIds};
use super::task::{Queue, Task, TaskState};
use super::{JobError, Overrides};

/// A time limit below this is not announced.
const SHORT_JOB: Duration = Duration::from_secs(5 * 60);

/// Replaces the signal of a script: Slurm does not send one that is due no time before the limit.
const NO_EARLY_SIGNAL: &str = "B:USR2@0";

/// The state of a task that was put back into the queue and is held there.
const REQUEUE_HOLD: &str = "REQUEUE_HOLD";

/// The signal by which Slurm announces the time limit of a shard. Slurm may send it up to a minute
/// too early, so that it would stop a short job at its start. A second SIGINT would kill the rounds
/// of a shard that was stopped before; SIGUSR2 does not.
pub(super) fn early_signal(limit: Option<Duration>) -> Option<&'static str> {
    let is_short = limit.is_some_and(|limit| limit < SHORT_JOB);
    (!is_short).then_some("B:USR2@60")
}

/// What is submitted of the scripts in a folder, and with which options of `sbatch`.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// Of the shards, for example which of them.
    shards: Vec<String>,
    /// Of all parts.
    all: Vec<String>,
}

impl Chosen {
    /// Some of the shards, with options in place of those in the scripts.
    pub(super) fn again(shards: &[u32], overrides: &Overrides) -> Chosen {
        let indices: Vec<String> = shards.iter().map(u32::to_string).collect();
        let mut own = vec![format!("--array={}", indices.join(","))];
        if let Some(time) = overrides.time {
            own.push(format!("--time={}", minutes(time)));
            // The script may have a signal for a longer job.
            let signal = early_signal(Some(time)).unwrap_or(NO_EARLY_SIGNAL);
            own.push(format!("--signal={signal}"));
        }
        own.extend_from_slice(&overrides.sbatch);
        let partition = overrides.partition.iter();
        Chosen {
            shards: own,
            all: partition
                .map(|name| format!("--partition={name}"))
                .collect(),
        }
    }
}

/// Slurm counts time limits in minutes.
pub(super) fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60)
}

/// Submits the scripts in the folder: the watch if there is one, the shards, and the merge after all
/// of them.
///
/// `record` is called with the numbers of the jobs before any shard starts.
///
/// # Errors
/// Slurm is not here, or refuses a job, or `stop` was set meanwhile. Nothing is left in its queue
/// then, unless the error is [`JobError::Left`]. What was recorded may name parts that were cancelled.
pub(super) fn submit(
    folder: &JobFolder,
    chosen: &Chosen,
    stop: &AtomicBool,
    mut record: impl FnMut(&JobIds) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let mut ids = JobIds::default();
    let mut record = |ids: &JobIds| JobError::if_stopped(stop).and_then(|()| record(ids));
    let submitted = submit_parts(folder, chosen, &mut ids, &mut record).and_then(|held| {
        let release = of_cluster(&ids, &["release", &held]);
        call("scontrol", folder.path(), &release)?;
        JobError::if_stopped(stop)
    });
    submitted.map_err(|error| take_back(&ids, error))
}

/// Submits all parts, and notes the number of each as soon as it is known. If this program is killed
/// meanwhile, they can be found and cancelled. Returns those of the parts that are held until all
/// numbers are on record: the watch reads them.
///
/// The watch is the first in the queue: behind the shards it would wait until most of them have
/// ended.
fn submit_parts(
    folder: &JobFolder,
    chosen: &Chosen,
    ids: &mut JobIds,
    record: &mut impl FnMut(&JobIds) -> Result<(), JobError>,
) -> Result<String, JobError> {
    let path = folder.path();
    let submit = |ids: &JobIds, own: &[&str], script| {
        let all = own
            .iter()
            .copied()
            .chain(chosen.all.iter().map(String::as_str));
        let all: Vec<&str> = all.chain([script]).collect();
        sbatch(path, &of_cluster(ids, &all))
    };
    if folder.is_watched() {
        let (watch, cluster) = submit(ids, &["--hold"], "watch.sh")?;
        ids.watch = Some(watch);
        ids.cluster = cluster;
        record(ids)?;
    }
    let own = chosen.shards.iter().map(String::as_str);
    let own: Vec<&str> = ["--hold"].into_iter().chain(own).collect();
    let (shards, cluster) = submit(ids, &own, "shard.sh")?;
    ids.shards = Some(shards.clone());
    ids.cluster = cluster;
    record(ids)?;
    let after = format!("--dependency=afterany:{shards}");
    ids.merge = Some(submit(ids, &[&after], "merge.sh")?.0);
    record(ids)?;
    let watch = ids.watch.as_ref();
    Ok(watch.map_or(shards.clone(), |watch| format!("{watch},{shards}")))
}

/// Cancels what was submitted before an error.
fn take_back(ids: &JobIds, error: JobError) -> JobError {
    let parts = ids.all();
    if parts.is_empty() {
        return error;
    }
    match remove(ids) {
        Ok(()) => error,
        Err(cancel) => JobError::Left {
            error: Box::new(error),
            cancel: Box::new(cancel),
            left: format!(
                "Parts of the job are still in Slurm's queue; remove them: scancel {}",
                of_cluster(ids, &parts).join(" ")
            ),
        },
    }
}

/// Cancels all parts of a job.
///
/// # Errors
/// Slurm is not here, or refuses.
pub(super) fn remove(ids: &JobIds) -> Result<(), JobError> {
    cancel(&of_cluster(ids, &ids.all()))
}

/// The arguments of a command for the cluster of a job.
fn of_cluster<'a>(ids: &'a JobIds, arguments: &[&'a str]) -> Vec<&'a str> {
    let cluster = ids.cluster.as_deref();
    let cluster = cluster.into_iter().flat_map(|name| ["-M", name]);
    cluster.chain(arguments.iter().copied()).collect()
}

/// Submits a script and returns the number of its job and, if there are several clusters, that of
/// the job.
fn sbatch(folder: &Path, arguments: &[&str]) -> Result<(String, Option<String>), JobError> {
    let mut all = vec!["--parsable"];
    all.extend_from_slice(arguments);
    let printed = call("sbatch", folder, &all)?;
    submitted(&printed).ok_or_else(|| JobError::Refused {
        command: format!("sbatch {}", all.join(" ")),
        problem: format!("expected the number of the job, but it printed {:?}", printed.trim()),
        advice: "Slurm may have the job: `squeue --me` lists it, and `scancel NUMBER` removes it. A \
                 wrapper of sbatch has to print what `sbatch --parsable` prints as its last line.",
    })
}

/// The number of a job and its cluster, from what `sbatch --parsable` prints: `NUMBER` or
/// `NUMBER;CLUSTER`. Above it, the site may print a banner.
fn submitted(printed: &str) -> Option<(String, Option<String>)> {
    let mut lines = printed.lines().rev().map(str::trim);
    let line = lines.find(|line| !line.is_empty())?;
    let (number, cluster) = match line.split_once(';') {
        Some((number, cluster)) => (number, Some(cluster.to_owned())),
        None => (line, None),
    };
    let is_number = number.parse::<u64>().is_ok() && number.chars().all(|c| c.is_ascii_digit());
    let is_cluster = cluster.as_ref().is_none_or(|name| !name.is_empty());
    (is_number && is_cluster).then(|| (number.to_owned(), cluster))
}

/// Cancels jobs.
///
/// # Errors
/// Slurm is not here, or refuses.
fn cancel(arguments: &[&str]) -> Result<(), JobError> {
    call("scancel", Path::new("."), arguments).map(drop)
}

/// Ends the shards of a job early. Those that wait never start. Those that run start no more rounds
/// and end those that they have begun: a killed round would be missing. Shards that were stopped
/// before are not changed.
///
/// # Errors
/// Slurm is not here, or refuses.
pub(super) fn stop(ids: &JobIds, id: &str) -> Result<(), JobError> {
    cancel(&of_cluster(ids, &["--state=PENDING", id]))?;
    cancel(&of_cluster(
        ids,
        &["--state=RUNNING", "--signal=USR2", "--batch", id],
    ))
}

/// What Slurm's queue has of a job.
///
/// # Errors
/// Slurm does not answer here.
pub(super) fn queue(ids: &JobIds) -> Result<Queue, JobError> {
    let parts = ids.all().join(",");
    let arguments = [
        "--noheader",
        "--array",
        "--jobs",
        &parts,
        "--format",
        "%F %K %T %r",
    ];
    match call("squeue", Path::new("."), &of_cluster(ids, &arguments)) {
        Ok(text) => Ok(queued(&text, ids)),
        // Slurm forgets jobs some time after their end.
        Err(JobError::Refused { problem, .. }) if problem.contains("Invalid job id") => {
            Ok(Queue::default())
        }
        Err(error) => Err(error),
    }
}

/// Reads lines such as `17 3 PENDING Resources`: the number of a job, the index of its task unless
/// it has none, the state, and the reason.
fn queued(text: &str, ids: &JobIds) -> Queue {
    let mut queue = Queue::default();
    for line in text.lines() {
        let mut words = line.trim().splitn(4, ' ');
        let (Some(job), Some(index), Some(state)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let task = task(state, words.next().unwrap_or_default());
        let is_part = |part: &Option<String>| part.as_deref() == Some(job);
        if let Ok(index) = index.parse() {
            queue.shards.insert(index, task);
        } else if is_part(&ids.merge) {
            queue.merge = Some(task);
        } else if is_part(&ids.watch) {
            queue.watch = Some(task);
        }
    }
    queue
}

fn task(word: &str, reason: &str) -> Task {
    const WAITING: [&str; 4] = ["PENDING", "REQUEUED", REQUEUE_HOLD, "CONFIGURING"];
    let state = match WAITING.contains(&word) {
        true => TaskState::Waiting,
        false => TaskState::Active,
    };
    let reason = Some(reason.trim()).filter(|reason| !["", "None"].contains(reason));
    Task {
        state,
        is_held: reason.is_some_and(is_held) || word == REQUEUE_HOLD,
        reason: reason.map(str::to_owned),
    }
}

/// Whether a task with this reason waits until someone releases it: JobHeldUser, JobHeldAdmin,
/// `launch failed requeued held`, `job requeued in held state`, JobHoldMaxRequeue.
fn is_held(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason.contains("held") || reason.contains("jobhold")
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
        let ids = JobIds {
            shards: Some("17".into()),
            merge: Some("18".into()),
            watch: Some("19".into()),
            cluster: None,
        };
        let text = "17 3 PENDING Resources\n17 4 PENDING launch failed requeued held\n\
                    17 5 RUNNING None\n18 N/A PENDING Dependency\n";
        let queue = queued(text, &ids);
        let of = |state, reason: Option<&str>, is_held| Task {
            state,
            reason: reason.map(str::to_owned),
            is_held,
        };
        let waiting = of(TaskState::Waiting, Some("Resources"), false);
        let reason = "launch failed requeued held";
        let held = of(TaskState::Waiting, Some(reason), true);
        let active = of(TaskState::Active, None, false);
        let shards = [(3, waiting), (4, held), (5, active)];
        assert_eq!(queue.shards, shards.into());
        let merge = of(TaskState::Waiting, Some("Dependency"), false);
        assert_eq!((queue.merge, queue.watch), (Some(merge), None));
        assert_eq!(
            queued("\n18 N/A\n20 N/A RUNNING None\n", &ids),
            Queue::default()
        );
    }

    #[test]
    fn the_number_is_in_the_last_line() {
        let of = |number: &str, cluster: Option<&str>| {
            Some((number.to_owned(), cluster.map(str::to_owned)))
        };
        assert_eq!(submitted("Welcome\n\n101\n\n"), of("101", None));
        assert_eq!(submitted("101;east\n"), of("101", Some("east")));
        for printed in ["", "Submitted batch job 101\n", "101;\n", "+1\n", "1 2\n"] {
            assert_eq!(submitted(printed), None, "{printed:?}");
        }
    }
}
