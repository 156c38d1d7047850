//! `crashrate submit`: gives the shards of a run to an engine.

mod args;
mod local_check;
mod printed;
mod resume;
mod words;
mod workflow;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser};
use crashrate_model::Stopping;
use crashrate_supervisor::jobs::{
    self, Engine, Job, JobError, JobFolder, JobIds, JobVolume, Resources, Submission, Templates,
};

use crashrate_supervisor::plan_file::PlanFile;

use crate::args::{Arguments, Command};
use crate::commands::plan_file::PlanFileArguments;
use crate::environment::this_program;
use crate::error::{Exit, Failure};
use crate::measure::places;
use crate::output::{note, print};
use crate::run_folder::find;
use crate::signals::noted_end;
use crate::suite_file::find_suite;
use args::EngineArguments;
pub(crate) use args::SubmitArguments;
use printed::{shown, submitted};
use words::{Commands, Words, divide};
use workflow::write_workflow;

impl From<JobError> for Failure {
    fn from(error: JobError) -> Failure {
        let first = match &error {
            JobError::Left { error, .. } => error,
            error => error,
        };
        let exit = match first {
            JobError::Unwritten { .. } => Exit::Journal,
            JobError::Stopped => Exit::Incomplete,
            _ => Exit::Usage,
        };
        Failure {
            // What an engine's program printed may have several lines.
            has_lines: matches!(error, JobError::Refused { .. } | JobError::Left { .. }),
            ..Failure::new(exit, error)
        }
    }
}

pub(crate) fn submit(runs: &Path, arguments: &SubmitArguments) -> Result<Exit, Failure> {
    let engine = &arguments.engine;
    check(arguments)?;
    let mut words = given_words(engine.on())?;
    if let Some(job) = &arguments.measure.how.resume {
        return resume::resume(runs, job, engine, &words);
    }
    resolve_runs(runs, arguments, &mut words)?;
    if arguments.measure.suite.is_none() && arguments.measure.argv.is_empty() {
        words.plan.push(find_suite()?.display().to_string());
    }
    let suite = suite_name(arguments, &words);
    if engine.on() != Engine::Slurm {
        let plan = parsed(&words.plan, None)?;
        local_check::check(runs, engine.on(), engine.shards(), &plan)?;
    }
    match engine.on() {
        Engine::Slurm | Engine::Kubernetes => submit_job(runs, arguments, words, &suite),
        Engine::GitHub | Engine::Buildkite => write_workflow(arguments, words, &suite),
    }
}

/// Refuses options that make no sense for a job.
fn check(arguments: &SubmitArguments) -> Result<(), Failure> {
    let engine = &arguments.engine;
    if let Some(option) = engine.foreign() {
        return Err(Failure::usage(format!(
            "{option} does not exist for --on {}: see `crashrate submit --help`",
            engine.on()
        )));
    }
    let how = &arguments.measure.how;
    match how.number {
        Some(_) => Err(Failure::usage(
            "--number is an option of `crashrate run`: a job cannot have it",
        )),
        None => Ok(()),
    }
}

/// Makes sure that the shards find the runs that options name: their own folder of runs is another.
fn resolve_runs(
    runs: &Path,
    arguments: &SubmitArguments,
    words: &mut Words,
) -> Result<(), Failure> {
    let engine = arguments.engine.on();
    let measure = &arguments.measure;
    let places = measure.how.places.as_ref();
    if engine == Engine::Slurm {
        // The plan, which is made here, has the order.
        return match places {
            Some(name) => {
                let run = find(runs, name)?;
                let run = std::path::absolute(&run).unwrap_or(run);
                words.replace_value("--places", &run.display().to_string());
                Ok(())
            }
            None => Ok(()),
        };
    }
    let order = measure.order.as_ref().map(|(run, _)| ("--order", run));
    match order.or(places.map(|run| ("--places", run))) {
        Some((option, run)) => Err(Failure::usage(format!(
            "{option}: run {run} is on this machine, and the shards of --on {engine} run elsewhere; \
             leave {option} out"
        ))),
        None => Ok(()),
    }
}

/// What plans the run, and what only says how a shard runs.
fn given_words(engine: Engine) -> Result<Words, Failure> {
    let given: Result<Vec<String>, OsString> = std::env::args_os()
        .skip(1)
        .map(OsString::into_string)
        .collect();
    let given = given.map_err(|word| {
        Failure::usage(format!(
            "{} is not UTF-8, so it cannot be written into a script",
            word.display()
        ))
    })?;
    let all = Arguments::command();
    let own = EngineArguments::augment_args(clap::Command::new("submit"));
    let plan = all
        .find_subcommand("plan-file")
        .cloned()
        .unwrap_or_default();
    let use_of_words = match engine {
        Engine::Kubernetes => Commands::Run,
        Engine::Slurm | Engine::GitHub | Engine::Buildkite => Commands::PlanAndRun,
    };
    Ok(divide(&given, &all, &own, &plan, use_of_words))
}

/// A name for the job: the suite's, or the program.
fn suite_name(arguments: &SubmitArguments, words: &Words) -> String {
    let measure = &arguments.measure;
    let named = measure.name.clone();
    let stem = |path: &Path| Some(path.file_stem()?.to_string_lossy().into_owned());
    let of_file = |path: &Path| name_in(path).or_else(|| stem(path));
    let suite = || measure.suite.as_deref().and_then(of_file);
    let program = || stem(Path::new(measure.argv.first()?));
    let found = || of_file(Path::new(words.plan.last()?));
    let name = named.or_else(suite).or_else(program).or_else(found);
    name.unwrap_or_else(|| "run".to_owned())
}

/// The name that a suite file gives its suite, if the file is here.
fn name_in(suite: &Path) -> Option<String> {
    let suite: toml::Table = fs::read_to_string(suite).ok()?.parse().ok()?;
    Some(suite.get("suite")?.get("name")?.as_str()?.to_owned())
}

/// The name for the engine: of lower-case letters, digits and `-`, and short enough for a pod.
fn engine_name(suite: &str, suffix: Option<&str>) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    let suite: String = suite.chars().take(20).map(plain).collect();
    let suite = suite.trim_matches('-');
    match suffix {
        Some(suffix) => format!("crashrate-{suite}-{suffix}"),
        None => format!("crashrate-{suite}"),
    }
}

fn current_directory() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::usage(format!("the current directory cannot be used: {error}")))
}

fn submission(
    engine: &EngineArguments,
    words: Words,
    name: String,
    directory: PathBuf,
) -> Result<Submission, Failure> {
    // Jobs from other machines share the volume, and may have the same number.
    let given = engine.job.as_deref().and_then(Path::file_name);
    let volume_folder =
        given.map_or_else(|| name.clone(), |own| own.to_string_lossy().into_owned());
    let crashrate = match &engine.program {
        Some(path) => {
            note_absent(engine, path);
            // The parts of the job run in different directories.
            std::path::absolute(path).unwrap_or_else(|_| path.clone())
        }
        None => this_program()?.0,
    };
    Ok(Submission {
        engine: engine.on(),
        name,
        shards: engine.shards(),
        crashrate,
        directory,
        volume_folder,
        plan_words: words.plan,
        run_words: words.run,
        stops_early: false,
        resources: engine.resources(),
        time: engine.time,
        templates: Templates {
            folder: engine.templates.clone(),
        },
    })
}

fn submit_job(
    runs: &Path,
    arguments: &SubmitArguments,
    words: Words,
    suite: &str,
) -> Result<Exit, Failure> {
    let engine = &arguments.engine;
    let jobs = jobs::jobs_folder(runs);
    // The image has the suite of a job of Kubernetes; its first shard makes the plan.
    let plan = match engine.on() {
        Engine::Slurm => Some(planned_run(runs, &words.plan, arguments)?),
        _ => None,
    };
    let path = match &engine.job {
        Some(path) => path.clone(),
        None => JobFolder::next(&jobs, suite)?,
    };
    let planned = JobFolder::planned(path);
    let name = job_name(engine.on(), suite, &planned);
    let mut submission = Submission {
        stops_early: plan.as_ref().is_some_and(|(_, stops_early)| *stops_early),
        ..submission(engine, words, name, current_directory()?)?
    };
    let files = submission.files(&planned)?;
    if engine.dry_run {
        print(&shown(&files))?;
        return Ok(Exit::Passed);
    }
    jobs::check_program(engine.on())?;
    let folder = match &engine.job {
        Some(path) => JobFolder::create(path)?,
        None => JobFolder::create_next(&jobs, suite)?,
    };
    if engine.on() == Engine::Slurm {
        // Another job may have taken the planned number.
        submission.name = job_name(engine.on(), suite, &folder);
    }
    match start(&folder, plan.map(|(text, _)| text), &submission, suite) {
        Ok(job) => {
            print(&submitted(runs, &folder, &job, job.shards))?;
            Ok(Exit::Passed)
        }
        // Scripts that Slurm still has would start in the folder.
        Err(error @ JobError::Left { .. }) => Err(error.into()),
        Err(error) => {
            folder.discard();
            Err(error.into())
        }
    }
}

/// The name of a job for its engine.
fn job_name(engine: Engine, suite: &str, folder: &JobFolder) -> String {
    match (engine, folder.number()) {
        // Jobs from other machines share the namespace.
        (Engine::Kubernetes, _) => engine_name(suite, Some(&jobs::time_stamp())),
        (_, 0) => engine_name(suite, None),
        (_, number) => engine_name(suite, Some(&number.to_string())),
    }
}

/// What `job.toml` says before the engine has the job.
fn job_of(submission: &Submission, suite: &str) -> Job {
    let Resources {
        namespace, volume, ..
    } = &submission.resources;
    let in_volume = |claim: &String| JobVolume {
        claim: claim.clone(),
        folder: submission.volume_folder.clone(),
    };
    Job {
        name: submission.name.clone(),
        engine: submission.engine,
        suite: suite.to_owned(),
        shards: submission.shards,
        submitted: jobs::now(),
        folder: None,
        is_started: false,
        namespace: namespace.clone(),
        volume: volume.as_ref().map(in_volume),
        ids: JobIds::default(),
    }
}

/// Writes the files of a job and gives it to its engine.
fn start(
    folder: &JobFolder,
    plan: Option<String>,
    submission: &Submission,
    suite: &str,
) -> Result<Job, JobError> {
    if let Some(plan) = plan {
        folder.write("plan.json", &plan)?;
    }
    for file in submission.files(folder)? {
        folder.write(file.name, &file.text)?;
    }
    jobs::submit(folder, job_of(submission, suite), &noted_end())
}

/// Says if the program is not here. The machines of Slurm may have other folders.
fn note_absent(engine: &EngineArguments, program: &Path) {
    // A name without a folder is searched there.
    let has_folder = program.components().count() > 1;
    if engine.on() == Engine::Slurm && has_folder && !program.is_file() {
        note(format_args!(
            "warning: --program {}: there is no such program on this machine; the machines of Slurm \
             need it",
            program.display()
        ));
    }
}

/// The arguments of `crashrate plan-file`.
fn parsed(words: &[String], output: Option<&Path>) -> Result<PlanFileArguments, Failure> {
    let head = ["crashrate", "plan-file", "--quiet"].map(OsString::from);
    let output = output.map(|path| ["--output".into(), path.as_os_str().to_owned()]);
    let all = head.into_iter().chain(output.into_iter().flatten());
    let all = all.chain(words.iter().map(OsString::from));
    let parsed = Arguments::try_parse_from(all).map_err(Failure::usage)?;
    match parsed.command {
        Command::PlanFile(arguments) => Ok(*arguments),
        _ => Err(Failure::usage("the plan has no words")),
    }
}

/// The plan file that `crashrate plan-file` makes, and whether its run has a stopping rule.
fn planned_run(
    runs: &Path,
    words: &[String],
    arguments: &SubmitArguments,
) -> Result<(String, bool), Failure> {
    let failed = |error: io::Error| {
        Failure::new(
            Exit::Journal,
            format!("the plan cannot be written: {error}"),
        )
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let path = folder.path().join("plan.json");
    crate::commands::plan_file::plan_file(runs, &parsed(words, Some(&path))?)?;
    let text = fs::read_to_string(&path).map_err(failed)?;
    let file = PlanFile::read(&path)?;
    local_check::note_idle(arguments.engine.shards(), &file.request);
    local_check::note_absent_probe(&file.request);
    // Each shard would refuse them.
    places(runs, &file.request.plan, &arguments.measure.how)?;
    Ok((text, file.request.stopping != Stopping::FixedRounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_accept_the_names() {
        assert_eq!(
            engine_name("My suite_2", Some("3")),
            "crashrate-my-suite-2-3"
        );
        assert_eq!(engine_name("--x--", None), "crashrate-x");
    }
}
