//! Kubernetes' command: what starts, counts and deletes the pods of a job.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::task::{Queue, Task, TaskState};
use super::{Job, JobError, JobFolder, program};

/// The manifest of a job's shards, in its folder.
const MANIFEST: &str = "shards.yaml";

/// What is read of a Job: numbers, and the names of its conditions.
const COUNTS: &str = "jsonpath={.status.active}/{.status.ready}/{.status.succeeded}/\
                      {.status.failed}/{.status.conditions[*].type}";

/// The pods of a job, as Kubernetes counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Pods that run or wait for a node.
    pub active: u32,
    /// Those of them that run.
    pub ready: u32,
    /// Pods that have succeeded.
    pub succeeded: u32,
    /// Pods that have failed. Others may have been started in their place.
    pub failed: u32,
    /// Whether no more pods are started.
    pub have_ended: bool,
}

impl Pods {
    /// Without text there is no such job.
    fn of(text: &str, is_started: bool) -> Pods {
        let parts: Vec<&str> = text.trim().split('/').collect();
        let [active, ready, succeeded, failed, conditions] = parts[..] else {
            return Pods {
                have_ended: is_started,
                ..Pods::default()
            };
        };
        // A number that is zero may be absent.
        let number = |text: &str| text.parse().unwrap_or(0);
        let is_end = |condition: &str| ["Complete", "Failed"].contains(&condition);
        Pods {
            active: number(active),
            ready: number(ready),
            succeeded: number(succeeded),
            failed: number(failed),
            have_ended: conditions.split_whitespace().any(is_end),
        }
    }

    /// Whether a pod has run a program.
    pub(super) fn have_run(&self) -> bool {
        self.have_ended || self.ready + self.succeeded + self.failed > 0
    }

    /// The shards that Kubernetes still has. It does not say what each of them does.
    pub(super) fn queue(&self, shards: u32) -> Queue {
        let left = if self.have_ended { 0 } else { shards };
        let task = Task {
            state: TaskState::Active,
            reason: None,
            is_held: false,
        };
        Queue {
            shards: (1..=left).map(|index| (index, task.clone())).collect(),
            ..Queue::default()
        }
    }
}

/// Asks for the pods of a job.
///
/// # Errors
/// `kubectl` is not here, or the cluster does not answer.
pub(super) fn pods(job: &Job) -> Result<Pods, JobError> {
    let get = [
        "get",
        "--ignore-not-found",
        "--request-timeout=10s",
        "--output",
        COUNTS,
    ];
    let text = of_job(Path::new("."), &get, job)?;
    Ok(Pods::of(&text, job.is_started))
}

/// Starts the shards in the manifest of a job's folder.
///
/// # Errors
/// `kubectl` is not here, or refuses. The cluster has no such job then, unless the error is
/// [`JobError::Left`].
pub(super) fn start(folder: &JobFolder, stop: &AtomicBool) -> Result<(), JobError> {
    // `apply` would change a job of the same name.
    let created = call(folder.path(), &["create", "--filename", MANIFEST]);
    let created = created.and_then(|_| JobError::if_stopped(stop));
    created.map_err(|error| take_back(folder, error))
}

/// Deletes a job that the cluster may have although `kubectl` reported an error.
fn take_back(folder: &JobFolder, error: JobError) -> JobError {
    // What was certainly not created. A job that exists already belongs to another submission.
    const REFUSALS: [&str; 5] = [
        "AlreadyExists",
        "Forbidden",
        "connection refused",
        "is invalid",
        "no matches for kind",
    ];
    if let JobError::Refused { problem, .. } = &error
        && REFUSALS.iter().any(|refusal| problem.contains(refusal))
    {
        return error;
    }
    let delete = [
        "delete",
        "--ignore-not-found",
        // Its pods write to the folder that the caller removes.
        "--cascade=foreground",
        "--timeout=60s",
        "--filename",
        MANIFEST,
    ];
    match call(folder.path(), &delete) {
        Ok(_) => error,
        Err(cancel) => JobError::Left {
            error: Box::new(error),
            cancel: Box::new(cancel),
            left: format!(
                "Kubernetes may have the job; delete it: kubectl delete --ignore-not-found \
                 --filename {}",
                folder.path().join(MANIFEST).display()
            ),
        },
    }
}

/// Deletes what is left of the shards, and starts them again.
///
/// # Errors
/// `kubectl` is not here, or refuses.
pub(super) fn start_again(folder: &JobFolder) -> Result<(), JobError> {
    let replace = ["replace", "--force", "--filename", MANIFEST];
    call(folder.path(), &replace).map(drop)
}

/// Deletes the shards of a job.
///
/// # Errors
/// `kubectl` is not here, or refuses.
pub(super) fn delete(folder: &JobFolder, job: &Job) -> Result<(), JobError> {
    of_job(folder.path(), &["delete"], job).map(drop)
}

fn of_job(directory: &Path, arguments: &[&str], job: &Job) -> Result<String, JobError> {
    let mut all = arguments.to_vec();
    all.extend(["job", &job.name]);
    if let Some(namespace) = &job.namespace {
        all.extend(["--namespace", namespace]);
    }
    call(directory, &all)
}

fn call(directory: &Path, arguments: &[&str]) -> Result<String, JobError> {
    program::call("Kubernetes", "kubectl", directory, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_numbers_are_zero_and_an_absent_job_has_ended() {
        let pods = Pods::of("3/1//2/FailureTarget", true);
        assert_eq!(
            (pods.active, pods.ready, pods.succeeded, pods.failed),
            (3, 1, 0, 2)
        );
        assert!(!pods.have_ended && pods.have_run());
        assert!(Pods::of("//4//SuccessCriteriaMet Complete", true).have_ended);
        assert!(Pods::of("", true).have_ended);
        let not_applied = Pods::of("", false);
        assert!(!not_applied.have_ended && !not_applied.have_run());
        assert_eq!(not_applied.queue(2).shards.len(), 2);
    }
}
