//! `crashrate submit --resume`: gives the shards of a job that are not complete to its engine again.

use std::path::Path;

use crashrate_supervisor::jobs::{self, Engine, JobProgress, ShardProgress, ShardState};

use super::args::EngineArguments;
use super::submitted;
use super::words::Words;
use crate::error::{Exit, Failure};
use crate::output::{note, print};

pub(super) fn resume(
    runs: &Path,
    name: &str,
    engine: &EngineArguments,
    words: &Words,
) -> Result<Exit, Failure> {
    refuse_others(words)?;
    let folder = jobs::find(&jobs::jobs_folder(runs), name)?;
    let mut progress = JobProgress::new(folder)?;
    let shards = progress.update()?;
    if let Some(why) = progress.unasked() {
        return Err(Failure::usage(format!(
            "--resume: {} could not be asked which shards still run: {why}",
            progress.job().engine.title()
        )));
    }
    refuse_running(&progress, &shards)?;
    let left = shards
        .iter()
        .filter(|shard| shard.state != ShardState::Complete);
    let left: Vec<u32> = left.map(|shard| shard.index).collect();
    if left.is_empty() {
        note("all shards are complete: there is nothing to resume");
        return Ok(Exit::Passed);
    }
    if engine.dry_run {
        print(&format!(
            "the shards {} would be submitted\n",
            listed(&left)
        ))?;
        return Ok(Exit::Passed);
    }
    let job = jobs::resume(progress.folder(), progress.job().clone(), &left)?;
    note(format_args!("shards {}", listed(&left)));
    print(&submitted(progress.folder(), &job))?;
    Ok(Exit::Passed)
}

/// A job has its plan and its scripts already.
fn refuse_others(words: &Words) -> Result<(), Failure> {
    let mut others = words.plan.iter().chain(&words.run);
    let other = others.find(|word| word.starts_with('-') && !word.starts_with("--resume"));
    match other {
        Some(word) => Err(Failure::usage(format!(
            "{word}: a job is resumed by its own plan and scripts; leave it out"
        ))),
        None => Ok(()),
    }
}

/// A shard that the engine still has would run twice, or would be killed.
fn refuse_running(progress: &JobProgress, shards: &[ShardProgress]) -> Result<(), Failure> {
    let job = progress.job();
    let running = shards.iter().filter(|shard| !shard.has_ended);
    let running: Vec<u32> = running.map(|shard| shard.index).collect();
    let id = job.ids.shards.as_deref().unwrap_or("JOB");
    let (what, cancel) = match (job.engine, progress.pods()) {
        (Engine::Slurm, _) if !running.is_empty() => (
            format!("the shards {} have not ended", listed(&running)),
            format!("scancel {id}"),
        ),
        (Engine::Kubernetes, Some(pods)) if pods.active > 0 => (
            format!("the pods of {id} have not ended: {} left", pods.active),
            format!("kubectl delete job {id}"),
        ),
        _ => return Ok(()),
    };
    Err(Failure::usage(format!(
        "--resume: {what}; wait for them, or cancel them with `{cancel}`"
    )))
}

fn listed(indices: &[u32]) -> String {
    let indices: Vec<String> = indices.iter().map(u32::to_string).collect();
    indices.join(", ")
}
