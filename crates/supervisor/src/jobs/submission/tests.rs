//! Tests of the files of jobs.

use std::path::Path;

use super::*;

fn submission(engine: Engine) -> Submission {
    Submission {
        engine,
        name: "crashrate-story-1".into(),
        shards: 3,
        crashrate: "/opt/crash rate".into(),
        directory: PathBuf::new(),
        volume_folder: "story".into(),
        plan_words: ["story.toml", "--gate", "crashed < 1%"]
            .map(str::to_owned)
            .into(),
        run_words: vec![],
        stops_early: true,
        resources: Resources {
            install: Some("./install".to_owned()).filter(|_| engine == Engine::GitHub),
            ..Resources::default()
        },
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
    submission.directory = "/work".into();
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
    // The others need no node, GPU or time of a shard.
    for other in &files[1..] {
        for line in ["--exclusive", "--constraint", "--time"] {
            assert!(
                !other.text.contains(&format!("#SBATCH {line}")),
                "{}",
                other.text
            );
        }
    }
    let run = "exec '/opt/crash rate' run /jobs/1-story/plan.json --shard";
    assert!(text.contains(run), "{text}");
}

#[test]
fn all_parts_have_the_partition_and_the_account() {
    let mut submission = submission(Engine::Slurm);
    submission.resources.partition = Some("gpu".into());
    submission.resources.account = Some("team".into());
    for file in files(&submission) {
        for line in ["#SBATCH --partition=gpu", "#SBATCH --account=team"] {
            assert!(
                file.text.lines().any(|l| l == line),
                "{line}: {}",
                file.text
            );
        }
    }
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
    assert!(text.contains("subPath: story\n"), "{text}");
    assert!(text.contains("fieldPath: spec.nodeName"), "{text}");
    assert!(
        text.contains("limits: {memory: 4Gi, nvidia.com/gpu: 2}"),
        "{text}"
    );
    // Of the pod: one of the job would count the time that shards wait for a node.
    let (job, pod) = text.split_once("  template:\n").unwrap();
    assert!(!job.contains("activeDeadlineSeconds"), "{text}");
    assert!(pod.contains("      activeDeadlineSeconds: 5400"), "{text}");
    submission.resources.gpus = Some("many".into());
    let error = submission.files(&folder).unwrap_err().to_string();
    assert!(
        error.starts_with("--gpus many: expected the number"),
        "{error}"
    );
}

/// What Kubernetes makes of a word of a command: `$$` is one `$`, and `$(A)` is a variable.
fn expanded(word: &str) -> String {
    let mut expanded = String::new();
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('$', Some('(')) => expanded += "VALUE",
            ('$', Some('$')) => expanded.extend(chars.next()),
            _ => expanded.push(c),
        }
    }
    expanded
}

#[test]
fn kubernetes_expands_nothing_in_the_command() {
    let mut submission = submission(Engine::Kubernetes);
    submission.resources.image = Some("registry/crashrate:1".into());
    submission.resources.volume = Some("runs".into());
    let given = ["--", "sh", "-c", "kill $$; a $(A) $$(B) $C ${D} $$$", "$"].map(str::to_owned);
    submission.plan_words = given.to_vec();
    let text = &files(&submission)[0].text;
    let mut lines = text.lines().map(str::trim_start);
    let command = lines.find_map(|line| line.strip_prefix("command: "));
    // A list of JSON is also one of YAML.
    let words: Vec<String> = serde_json::from_str(command.unwrap()).unwrap();
    let words: Vec<String> = words.iter().map(|word| expanded(word)).collect();
    assert!(words.ends_with(&given), "{text}");
}

#[test]
fn continuous_integration_runs_the_plan() {
    let text = &files(&submission(Engine::GitHub))[0].text;
    assert!(text.contains("shard: [1, 2, 3]"), "{text}");
    // --install may build crashrate from the checkout.
    let installs = text.matches("name: Install crashrate").count();
    assert_eq!(
        text.matches("uses: actions/checkout").count(),
        installs,
        "{text}"
    );
    assert!(
        text.contains("plan-file -o plan.json story.toml --gate 'crashed < 1%'"),
        "{text}"
    );
    assert!(!text.contains("Build"), "{text}");
    assert!(!text.contains("working-directory"), "{text}");
    let text = &files(&submission(Engine::Buildkite))[0].text;
    assert!(text.contains("parallelism: 3"), "{text}");
    assert!(text.contains("$$BUILDKITE_PARALLEL_JOB"), "{text}");
}

#[test]
fn a_subfolder_of_the_repository_is_entered() {
    let mut submission = submission(Engine::GitHub);
    submission.directory = "a/b c".into();
    let text = &files(&submission)[0].text;
    for line in [
        "    defaults: {run: {working-directory: \"a/b c\"}}",
        "        with: {name: plan, path: \"a/b c/plan.json\", overwrite: true}",
        "        with: {name: plan, path: \"a/b c\"}",
        "          path: \"a/b c/shard\"",
        "        working-directory: \"a/b c\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    submission.engine = Engine::Buildkite;
    let text = &files(&submission)[0].text;
    for line in [
        "      - \"cd 'a/b c'\"",
        "      - \"buildkite-agent artifact download 'a/b c/plan.json' .\"",
        "    artifact_paths: \"a/b c/shards/**/*\"",
        "      - \"crashrate merge 'a/b c/shards/'* --output merged\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
}

#[test]
fn a_word_that_a_pipeline_cannot_have_is_named_by_its_setting() {
    let problem = |change: fn(&mut Submission)| {
        let mut submission = submission(Engine::Buildkite);
        change(&mut submission);
        let folder = JobFolder::planned(Path::new("/jobs/1-story").to_owned());
        submission.files(&folder).unwrap_err().to_string()
    };
    for (change, setting) in [
        (
            (|to| to.plan_words.push("a\nb".into())) as fn(&mut Submission),
            "plan-options",
        ),
        (|to| to.run_words.push("a\nb".into()), "run-options"),
        (|to| to.directory = "a\nb".into(), "cd-command"),
    ] {
        let begin = format!("buildkite.yml: the value of @{setting}@ has a line end");
        let problem = problem(change);
        assert!(problem.starts_with(&begin), "{problem}");
    }
}
