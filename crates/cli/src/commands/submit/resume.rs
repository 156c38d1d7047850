//! `crashrate submit --resume`: gives the shards of a job that are not complete to its engine again.

use std::path::Path;

use crashrate_supervisor::jobs::{
    self, Engine, Job, JobProgress, Overrides, ShardProgress, ShardState,
};

use super::args::EngineArguments;
use super::submitted;
use super::words::Words;
use crate::error::{Exit, Failure};
use crate::output::{note, print};
use crate::signals::noted_end;

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
    refuse_overrides(progress.job(), engine)?;
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
        print(&format!("{} would be submitted\n", shards_listed(&left)))?;
        return Ok(Exit::Passed);
    }
    let job = jobs::resume(
        progress.folder(),
        progress.job().clone(),
        &left,
        &engine.overrides(),
        &noted_end(),
    )?;
    note(shards_listed(&left));
    let shards = match job.engine {
        Engine::Slurm => left.len() as u32,
        _ => job.shards,
    };
    print(&submitted(runs, progress.folder(), &job, shards))?;
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

/// The manifests of other engines have their options.
fn refuse_overrides(job: &Job, engine: &EngineArguments) -> Result<(), Failure> {
    match job.engine {
        Engine::Slurm => Ok(()),
        _ if engine.overrides() == Overrides::default() => Ok(()),
        engine => Err(Failure::usage(format!(
            "--time, --partition and --sbatch: a job of --on {engine} is resumed as it is; leave \
             them out, or change its files"
        ))),
    }
}

/// A shard that the engine still has would run twice, or would be killed.
fn refuse_running(progress: &JobProgress, shards: &[ShardProgress]) -> Result<(), Failure> {
    let job = progress.job();
    let running = shards.iter().filter(|shard| !shard.has_ended);
    let running: Vec<u32> = running.map(|shard| shard.index).collect();
    if let Some(held) = shards.iter().find(|shard| shard.is_held) {
        return Err(Failure::usage(format!(
            "--resume: Slurm holds tasks of this job, such as that of shard {}: `crashrate status` \
             says how to release them",
            held.index
        )));
    }
    let id = job.ids.shards.as_deref().unwrap_or("JOB");
    let (what, cancel) = match (job.engine, progress.pods()) {
        (Engine::Slurm, _) if !running.is_empty() => {
            let has = if running.len() == 1 { "has" } else { "have" };
            (
                format!("{} {has} not ended", shards_listed(&running)),
                format!("scancel {}{id}", job.ids.cluster_option()),
            )
        }
        (Engine::Kubernetes, Some(pods)) if pods.active > 0 => (
            format!("pods of {id} have not ended: {} left", pods.active),
            match &job.namespace {
                Some(name) => format!("kubectl delete job {id} --namespace {name}"),
                None => format!("kubectl delete job {id}"),
            },
        ),
        _ => return Ok(()),
    };
    Err(Failure::usage(format!(
        "--resume: {what}; wait, or cancel the job with `{cancel}`"
    )))
}

/// `shard 2`, `shards 2, 5`.
fn shards_listed(indices: &[u32]) -> String {
    let word = if indices.len() == 1 {
        "shard"
    } else {
        "shards"
    };
    let indices: Vec<String> = indices.iter().map(u32::to_string).collect();
    format!("{word} {}", indices.join(", "))
}
