//! The files of a job: its scripts or manifests, made of templates.

use std::path::PathBuf;
use std::time::Duration;

use super::folder::JobFolder;
use super::template::{Settings, Syntax, shell_line};
use super::{Engine, JobError, Resources, TemplateError, Templates, slurm};

/// The folder of a job in the containers of Kubernetes.
const MOUNTED: &str = "/job";

/// A job as the user asks for it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Where it runs.
    pub engine: Engine,
    /// Its name for the engine.
    pub name: String,
    /// The number of shards.
    pub shards: u32,
    /// The path of crashrate on all machines.
    pub crashrate: PathBuf,
    /// The directory in which the shards run.
    pub directory: PathBuf,
    /// The words that `plan-file` and `run` are given: the suite or command, and the options that
    /// make the plan.
    pub plan_words: Vec<String>,
    /// The options of `run` that say how a machine runs its shard.
    pub run_words: Vec<String>,
    /// Whether the run has a stopping rule, so that it is watched.
    pub stops_early: bool,
    /// What it asks the engine for.
    pub resources: Resources,
    /// The time limit of a shard.
    pub time: Option<Duration>,
    /// The templates.
    pub templates: Templates,
}

/// A file that is made of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// Its name.
    pub name: &'static str,
    /// Its content.
    pub text: String,
}

/// The name of a template, its text, and the name of the file that is made of it.
type Source = (&'static str, &'static str, &'static str);

const SLURM_SHARD: Source = (
    "slurm-shard.sh",
    include_str!("../../engines/slurm-shard.sh"),
    "shard.sh",
);
const SLURM_MERGE: Source = (
    "slurm-merge.sh",
    include_str!("../../engines/slurm-merge.sh"),
    "merge.sh",
);
const SLURM_WATCH: Source = (
    "slurm-watch.sh",
    include_str!("../../engines/slurm-watch.sh"),
    "watch.sh",
);
const KUBERNETES: Source = (
    "kubernetes.yaml",
    include_str!("../../engines/kubernetes.yaml"),
    "shards.yaml",
);
const KUBERNETES_MERGE: Source = (
    "kubernetes-merge.yaml",
    include_str!("../../engines/kubernetes-merge.yaml"),
    "merge.yaml",
);
const GITHUB: Source = (
    "github.yml",
    include_str!("../../engines/github.yml"),
    "crashrate.yml",
);
const BUILDKITE: Source = (
    "buildkite.yml",
    include_str!("../../engines/buildkite.yml"),
    "crashrate.yml",
);

impl Submission {
    /// The files of the job. Those of Slurm name files in `folder`.
    ///
    /// # Errors
    /// An option is missing or wrong for the engine, or a template cannot be used.
    pub fn files(&self, folder: &JobFolder) -> Result<Vec<JobFile>, JobError> {
        let (sources, settings, syntax) = match self.engine {
            Engine::Slurm if self.stops_early => (
                vec![SLURM_SHARD, SLURM_MERGE, SLURM_WATCH],
                self.slurm(folder),
                Syntax::Shell,
            ),
            Engine::Slurm => (
                vec![SLURM_SHARD, SLURM_MERGE],
                self.slurm(folder),
                Syntax::Shell,
            ),
            Engine::Kubernetes => (
                vec![KUBERNETES, KUBERNETES_MERGE],
                self.kubernetes()?,
                Syntax::Kubernetes,
            ),
            Engine::GitHub => (vec![GITHUB], self.github()?, Syntax::GitHub),
            Engine::Buildkite => (vec![BUILDKITE], self.buildkite()?, Syntax::Buildkite),
        };
        let file = |(template, own, name): Source| {
            let (text, shown) = self.templates.text(template, own)?;
            let text = settings.fill(&shown, &text, syntax)?;
            Ok(JobFile { name, text })
        };
        sources.into_iter().map(file).collect()
    }

    fn common(&self) -> Settings {
        Settings::default()
            .text("name", &*self.name)
            .number("shards", u64::from(self.shards))
            .words("plan-options", &self.plan_words)
            .words("run-options", &self.run_words)
    }

    /// Slurm counts time limits in minutes.
    fn minutes(&self) -> Option<u64> {
        self.time.map(|time| time.as_secs().div_ceil(60))
    }

    fn slurm(&self, folder: &JobFolder) -> Settings {
        let Resources {
            partition,
            account,
            sbatch,
            cpus,
            memory,
            gpus,
            ..
        } = &self.resources;
        self.common()
            .path("job", folder.path())
            .path("plan", &folder.plan())
            .path("runs", &folder.runs())
            .path("merged", &folder.merged())
            .path("directory", &self.directory)
            .path("crashrate", &self.crashrate)
            .option("partition", partition.as_deref())
            .option("account", account.as_deref())
            .texts("sbatch", sbatch)
            .number("time", self.minutes())
            .option("signal", slurm::early_signal(self.time))
            .number("cpus", cpus.map(u64::from))
            .option("memory", memory.as_deref())
            .option("gpus", gpus.as_deref())
    }

    fn kubernetes(&self) -> Result<Settings, JobError> {
        let Resources {
            image,
            volume,
            namespace,
            workdir,
            ..
        } = &self.resources;
        let missing = |option, what| JobError::Missing {
            engine: "kubernetes",
            option,
            what,
        };
        let needs_image = || {
            missing(
                "--image",
                "the container image with crashrate and the suite",
            )
        };
        let image = image.as_deref().ok_or_else(needs_image)?;
        let needs_volume = || {
            missing(
                "--volume",
                "the persistent volume claim on which the shards write their runs",
            )
        };
        let volume = volume.as_deref().ok_or_else(needs_volume)?;
        let own = [
            "crashrate",
            "run",
            "--plan-file",
            &format!("{MOUNTED}/plan.json"),
            "--shard",
            "auto",
            "--continue",
            "--report-only",
            "--quiet",
            "--runs-dir",
            &format!("{MOUNTED}/runs"),
        ];
        let mut command: Vec<String> = own.map(str::to_owned).into();
        command.extend_from_slice(&self.run_words);
        command.extend_from_slice(&self.plan_words);
        Ok(self
            .common()
            .text("image", image)
            .text("volume", volume)
            .option("namespace", namespace.as_deref())
            .option("workdir", workdir.as_deref())
            .number("seconds", self.time.map(|time| time.as_secs()))
            .list("command", &command)
            .yaml("limits", self.limits()?))
    }

    /// The resources of a pod, as a map of YAML.
    fn limits(&self) -> Result<Option<String>, JobError> {
        let Resources {
            cpus, memory, gpus, ..
        } = &self.resources;
        let mut limits = Vec::new();
        if let Some(cpus) = cpus {
            limits.push(format!("cpu: {cpus}"));
        }
        if let Some(memory) = memory {
            let is_plain = memory
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.');
            if !is_plain || !memory.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(JobError::Value {
                    option: "--memory",
                    value: memory.clone(),
                    problem: "expected a quantity of Kubernetes, such as 4Gi",
                });
            }
            limits.push(format!("memory: {memory}"));
        }
        if let Some(gpus) = gpus {
            let count: u32 = gpus.parse().map_err(|_| JobError::Value {
                option: "--gpus",
                value: gpus.clone(),
                problem: "expected the number of GPUs of a shard",
            })?;
            limits.push(format!("nvidia.com/gpu: {count}"));
        }
        Ok((!limits.is_empty()).then(|| format!("{{{}}}", limits.join(", "))))
    }

    fn github(&self) -> Result<Settings, JobError> {
        let Resources {
            runner,
            install,
            build,
            ..
        } = &self.resources;
        let indices: Vec<String> = (1..=self.shards).map(|index| index.to_string()).collect();
        if self.shards > GITHUB_MOST {
            return Err(JobError::Value {
                option: "--shards",
                value: self.shards.to_string(),
                problem: "a matrix of GitHub has at most 256 jobs",
            });
        }
        Ok(self
            .common()
            .text("runner", runner.as_deref().unwrap_or("ubuntu-latest"))
            .text("install", install.as_deref().unwrap_or(GITHUB_INSTALL))
            .option("build", build.as_deref())
            .number("minutes", self.minutes())
            .yaml("shard-list", format!("[{}]", indices.join(", "))))
    }

    fn buildkite(&self) -> Result<Settings, JobError> {
        let Resources { runner, build, .. } = &self.resources;
        let line = |own: &[&str], more: &[String]| {
            let own = own.iter().map(|word| (*word).to_owned());
            let words: Vec<String> = own.chain(more.iter().cloned()).collect();
            shell_line(&words).ok_or(TemplateError::Value {
                file: BUILDKITE.0.to_owned(),
                line: 1,
                name: "plan-options".to_owned(),
            })
        };
        let plan = line(
            &["crashrate", "plan-file", "-o", "plan.json"],
            &self.plan_words,
        )?;
        let shard = format!(
            "crashrate run plan.json --shard auto --report-only --runs-dir \
             \"shards/$BUILDKITE_PARALLEL_JOB\" {}",
            line(&[], &self.run_words)?
        );
        Ok(self
            .common()
            .text("key", &*self.name)
            .option("queue", runner.as_deref())
            .option("build", build.as_deref())
            .number("minutes", self.minutes())
            .text("plan-command", plan)
            .text("run-command", shard.trim_end()))
    }
}

/// Jobs of a matrix of GitHub.
const GITHUB_MOST: u32 = 256;
/// Installs crashrate where the user does not say how.
const GITHUB_INSTALL: &str = "pip install crashrate";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn submission(engine: Engine) -> Submission {
        Submission {
            engine,
            name: "crashrate-story-1".into(),
            shards: 3,
            crashrate: "/opt/crash rate".into(),
            directory: "/work".into(),
            plan_words: ["story.toml", "--gate", "crashed < 1%"]
                .map(str::to_owned)
                .into(),
            run_words: vec![],
            stops_early: true,
            resources: Resources::default(),
            time: Some(Duration::from_secs(5400)),
            templates: Templates::default(),
        }
    }

    fn files(submission: &Submission) -> Vec<JobFile> {
        let folder = JobFolder::planned(Path::new("/jobs/1-story").to_owned());
        submission.files(&folder).unwrap()
    }

    #[test]
    fn slurm_is_given_what_is_set() {
        let mut submission = submission(Engine::Slurm);
        submission.resources.sbatch = vec!["--exclusive".into(), "--constraint=a b".into()];
        let files = files(&submission);
        let names: Vec<&str> = files.iter().map(|file| file.name).collect();
        assert_eq!(names, ["shard.sh", "merge.sh", "watch.sh"]);
        let text = &files[0].text;
        for line in [
            "#SBATCH --array=1-3",
            "#SBATCH --time=90",
            "#SBATCH --exclusive",
            "#SBATCH '--constraint=a b'",
            "cd /work || exit",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}: {text}");
        }
        assert!(!text.contains("--partition"), "{text}");
        let run = "exec '/opt/crash rate' run /jobs/1-story/plan.json --shard";
        assert!(text.contains(run), "{text}");
    }

    #[test]
    fn kubernetes_needs_an_image_and_a_volume() {
        let mut submission = submission(Engine::Kubernetes);
        let folder = JobFolder::planned(Path::new("/jobs/1-story").to_owned());
        let error = submission.files(&folder).unwrap_err().to_string();
        assert!(error.contains("--image"), "{error}");
        submission.resources.image = Some("registry/crashrate:1".into());
        submission.resources.volume = Some("runs".into());
        submission.resources.gpus = Some("2".into());
        submission.resources.memory = Some("4Gi".into());
        let text = &files(&submission)[0].text;
        assert!(
            text.contains("limits: {memory: 4Gi, nvidia.com/gpu: 2}"),
            "{text}"
        );
        assert!(text.contains("activeDeadlineSeconds: 5400"), "{text}");
        submission.resources.gpus = Some("many".into());
        let error = submission.files(&folder).unwrap_err().to_string();
        assert!(
            error.starts_with("--gpus many: expected the number"),
            "{error}"
        );
    }

    #[test]
    fn continuous_integration_runs_the_plan() {
        let text = &files(&submission(Engine::GitHub))[0].text;
        assert!(text.contains("shard: [1, 2, 3]"), "{text}");
        assert!(
            text.contains("plan-file -o plan.json story.toml --gate 'crashed < 1%'"),
            "{text}"
        );
        assert!(!text.contains("Build"), "{text}");
        let text = &files(&submission(Engine::Buildkite))[0].text;
        assert!(text.contains("parallelism: 3"), "{text}");
        assert!(text.contains("$$BUILDKITE_PARALLEL_JOB"), "{text}");
    }
}
