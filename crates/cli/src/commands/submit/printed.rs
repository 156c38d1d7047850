//! What is printed of the files of a job, and after its shards were submitted.

use std::path::Path;

use crashrate_report::plural;
use crashrate_supervisor::jobs::{self, Engine, Job, JobFile, JobFolder};

use crate::measure::quoted;
use crate::run_folder::is_default;

/// All files, each under its name.
pub(super) fn shown(files: &[JobFile]) -> String {
    let file = |file: &JobFile| format!("# ---- {}\n{}", file.name, file.text);
    let files: Vec<String> = files.iter().map(file).collect();
    files.join("\n")
}

/// What was submitted, and the commands for it. `runs` is the folder of runs, beside that of the
/// jobs.
pub(super) fn submitted(runs: &Path, folder: &JobFolder, job: &Job, shards: u32) -> String {
    let path = folder.path();
    let shards = plural(shards, "shard");
    let mut text = match job.engine {
        Engine::Slurm => with_ids(job, &shards),
        _ => {
            let name = &job.name;
            let manifest = |name: &str| quoted(path.join(name).as_os_str());
            let done = match job.is_started {
                true => format!("applied {name} with {shards}\n"),
                false => format!(
                    "wrote {name} with {shards}; to start it: kubectl apply -f {}\n",
                    manifest("shards.yaml")
                ),
            };
            let merge = manifest("merge.yaml");
            format!("{done}merge   kubectl apply -f {merge}, when they have ended\n")
        }
    };
    let jobs = jobs::jobs_folder(runs);
    let is_numbered =
        is_default(runs) && path.parent() == std::path::absolute(jobs).ok().as_deref();
    let name = match folder.number() {
        number @ 1.. if is_numbered => number.to_string(),
        _ => quoted(path.as_os_str()),
    };
    text += &format!(
        "folder  {}\nmore    crashrate status {name} --watch\n",
        path.display()
    );
    text
}

fn with_ids(job: &Job, shards: &str) -> String {
    let ids = &job.ids;
    let id = |id: &Option<String>| id.clone().unwrap_or_default();
    let watch = ids.watch.as_ref();
    let watch = watch.map_or_else(String::new, |watch| format!(", watch {watch}"));
    let cluster = ids.cluster.as_ref();
    let cluster = cluster.map_or_else(String::new, |name| format!(" on cluster {name}"));
    format!(
        "submitted job {} with {shards}, merge {}{watch}{cluster}\n",
        id(&ids.shards),
        id(&ids.merge),
    )
}
