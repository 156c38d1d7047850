//! Jobs of programs in place of the commands of Slurm, and the shards that such jobs start.

use nix::sys::signal::Signal;

use crate::engines::{BAD_AT_4, SUITE, place, submit};
use crate::util::{Done, Place, until};

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
        ("sbatch", "watch.sh", ""),
        ("sbatch", "shard.sh", "scancel 19\n"),
        ("sbatch", "merge.sh", "scancel 19 17\n"),
        ("scontrol", "19,17", "scancel 19 17 18\n"),
    ] {
        let place = place();
        let done = submit_refused(&place, program, last, &[]);
        assert!(done.stderr.contains("set --partition"), "{}", done.stderr);
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
    let done = submit_refused(&place, "sbatch", "merge.sh", &[fails]);
    for words in ["no controller", "still in Slurm's queue", "scancel 19 17"] {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    let job = place.path().join("crashrate-jobs/1-suite");
    assert!(job.join("merge.sh").is_file());
}

#[test]
fn a_submission_that_is_stopped_takes_the_parts_back() {
    let place = place();
    let waits = format!(
        "case $* in *merge.sh) touch {0}/at-merge; while [ ! -e {0}/go ]; do sleep 0.02; done;; esac; \
         {SUBMITTED}",
        place.path().display()
    );
    let path = commands_of_slurm(&place, &[("sbatch", &waits)]);
    let line = "submit suite.toml --on slurm --shards 2";
    let mut command = place.command(&Vec::from_iter(line.split(' ')));
    let submitting = place.start(command.env("PATH", path));
    let at_merge = place.path().join("at-merge");
    until("the merge is submitted", || at_merge.exists());
    submitting.signal(Signal::SIGINT);
    place.write("go", "");
    let done = submitting.wait().expect(106);
    assert_eq!(
        done.stderr,
        "error: stopped; the engine has no part of the job\n"
    );
    let called = called(&place);
    assert!(called.ends_with("merge.sh\nscancel 17 18\n"), "{called}");
    let jobs = place.path().join("crashrate-jobs");
    assert_eq!(jobs.read_dir().unwrap().count(), 0);
}

#[test]
fn the_status_counts_rounds_and_stops_what_is_decided() {
    let place = Place::new();
    place.suite(BAD_AT_4);
    const SHARDS: &str = "17 1 RUNNING None\n17 2 PENDING Resources\n17 3 PENDING Resources\n";
    place.write("queue", SHARDS);
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
        watch.starts_with("sbatch --parsable --hold watch.sh\nsbatch --parsable --hold shard.sh\n")
            && watch.ends_with("merge.sh\nscontrol release 19,17\n"),
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
        status.contains("4 of 12 rounds have a result, 0 bad"),
        "{status}"
    );
    assert!(status.contains("the watch has ended; "), "{status}");
    let with_watch = format!("{SHARDS}19 N/A RUNNING None\n");
    place.write("queue", with_watch);
    let status = crashrate("status job").expect(0).stdout;
    assert!(!status.contains("the watch has ended"), "{status}");
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
        stopped.stderr.contains("found a bad round in "),
        "{}",
        stopped.stderr
    );
    let cancelled = "scancel --state=PENDING 17\n\
                     scancel --state=RUNNING --signal=USR2 --batch 17\n";
    assert!(called(&place).contains(cancelled), "{}", called(&place));
    // Slurm no longer has the third shard.
    place.write("queue", "18 N/A PENDING Dependency\n");
    let over = crashrate("status job --watch").expect(0).stdout;
    assert_eq!(row(&over, 3)[..2], ["3", "missing"], "{over}");
    let merge = "the merge, job 18, is waiting in the queue\n";
    assert!(over.contains(merge), "{over}");
    assert!(!over.contains("crashrate merge"), "{over}");
    place.write("queue", "");
    let over = crashrate("status job").expect(0).stdout;
    assert!(over.contains("merge   crashrate merge "), "{over}");
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
