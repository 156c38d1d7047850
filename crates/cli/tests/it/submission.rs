//! `crashrate submit` with programs in place of Slurm's, and what `status` says of such jobs.

use crate::engines::named;
use crate::slurm_commands::{called, commands_of_slurm};
use crate::util::{Done, Place};

const SUITE: &str = "[[chapter]]\nid = \"x\"\ncommand = [\"true\"]\n";

/// A place with a suite, and with programs in place of Slurm's commands.
struct Site {
    place: Place,
    path: String,
}

impl Site {
    /// `special` has scripts for some of the commands. `squeue` prints the file `queue`.
    fn new(special: &[(&str, &str)]) -> Site {
        let place = Place::new();
        place.write("suite.toml", named("suite", SUITE));
        place.write("queue", "");
        let queue = format!("cat {}", place.path().join("queue").display());
        let path = commands_of_slurm(&place, &[special, &[("squeue", &queue)]].concat());
        Site { place, path }
    }

    fn crashrate(&self, line: &str) -> Done {
        self.words(&Vec::from_iter(line.split(' ')))
    }

    fn words(&self, words: &[&str]) -> Done {
        let mut command = self.place.command(words);
        self.place.start(command.env("PATH", &self.path)).wait()
    }

    /// Submits a job of two shards and four rounds into the folder `job`.
    fn submit(&self) -> Done {
        let line = "submit suite.toml --on slurm --shards 2 -n 4 --job job";
        self.crashrate(line).expect(0)
    }

    fn run_shard(&self, shard: &str, more: &str) -> Done {
        let run = "run job/plan.json --continue --report-only --runs-dir job/runs --shard";
        self.crashrate(format!("{run} {shard} {more}").trim_end())
    }
}

#[test]
fn a_job_whose_tasks_are_held_has_not_ended() {
    let site = Site::new(&[]);
    site.submit();
    site.run_shard("1/2", "").expect(0);
    site.run_shard("2/2", "").expect(0);
    site.place
        .write("queue", "17 1 PENDING launch failed requeued held\n");
    let status = site.crashrate("status job").expect(0).stdout;
    for words in [
        "held: launch failed requeued held",
        "Slurm holds 1 task; the merge waits for it",
        "release scontrol release 17_1\n",
    ] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert!(!status.contains("crashrate merge"), "{status}");
    let resumed = site.crashrate("submit --resume job").expect(96).stderr;
    assert!(resumed.contains("Slurm holds tasks"), "{resumed}");
    site.place.write("queue", "17 1 PENDING Resources\n");
    let status = site.crashrate("status job --watch").expect(0).stdout;
    assert!(status.contains("not merged yet"), "{status}");
}

#[test]
fn jobs_that_are_submitted_at_once_have_different_numbers() {
    let site = Site::new(&[]);
    // Another `submit` has not written its job yet.
    std::fs::create_dir_all(site.place.path().join("crashrate-jobs/1-other")).unwrap();
    let line = "submit suite.toml --on slurm --shards 2";
    let submit = || {
        let mut command = site.place.command(&Vec::from_iter(line.split(' ')));
        site.place.start(command.env("PATH", &site.path))
    };
    let submitted: Vec<_> = (0..5).map(|_| submit()).collect();
    for done in submitted {
        done.wait().expect(0);
    }
    for number in 2..=6 {
        let job = format!("crashrate-jobs/{number}-suite/shard.sh");
        let script = std::fs::read_to_string(site.place.path().join(&job)).unwrap();
        let name = format!("--job-name=crashrate-suite-{number}\n");
        assert!(script.contains(&name), "{script}");
        let plan = format!("{number}-suite/plan.json");
        assert!(script.contains(&plan), "{script}");
    }
}

#[test]
fn the_number_of_a_job_is_below_the_banner_of_the_site() {
    let banner = "echo Welcome to the cluster; echo; case $* in *merge.sh) echo '18;east';; *) \
                  echo '17;east';; esac";
    let site = Site::new(&[("sbatch", banner)]);
    let done = site.submit();
    assert!(
        done.stdout
            .starts_with("submitted job 17 with 2 shards, merge 18 on cluster east\n"),
        "{}",
        done.stdout
    );
    site.crashrate("status job").expect(0);
    let called = called(&site.place);
    for line in [
        "sbatch --parsable -M east --dependency=afterany:17 merge.sh\n",
        "scontrol -M east release 17\n",
        "squeue -M east --noheader --array --jobs 17,18 ",
    ] {
        assert!(called.contains(line), "{line}: {called}");
    }
}

#[test]
fn what_is_no_number_of_a_job_is_refused() {
    let prints = "case $* in *merge.sh) echo Submitted batch job 18;; *) echo 17;; esac";
    let site = Site::new(&[("sbatch", prints)]);
    let line = "submit suite.toml --on slurm --shards 2 --job job";
    let done = site.crashrate(line).expect(96);
    let problem = "expected the number of the job, but it printed \"Submitted batch job 18\"";
    assert!(done.stderr.contains(problem), "{}", done.stderr);
    let called = called(&site.place);
    assert!(called.ends_with("scancel 17\n"), "{called}");
    assert!(!site.place.path().join("job").exists());
}

#[test]
fn commands_to_paste_are_quoted() {
    let site = Site::new(&[]);
    let submit = ["submit", "suite.toml", "--on", "slurm", "--shards", "2"];
    let done = site
        .words(&[&submit[..], &["--job", "my job ä"]].concat())
        .expect(0);
    let folder = site.place.path().canonicalize().unwrap().join("my job ä");
    let more = format!("crashrate status '{}' --watch\n", folder.display());
    assert!(done.stdout.contains(&more), "{}", done.stdout);
    let done = site
        .words(&["plan-file", "suite.toml", "-o", "p p.json"])
        .expect(0);
    let run = "crashrate run 'p p.json' --shard I/N";
    assert!(done.stderr.contains(run), "{}", done.stderr);
    // Its number is that of another folder.
    let done = site
        .words(&[&submit[..], &["--job", "7-job"]].concat())
        .expect(0);
    assert!(!done.stdout.contains("status 7 "), "{}", done.stdout);
}

#[test]
fn options_of_the_scripts_are_refused() {
    let site = Site::new(&[]);
    for option in ["--array=1-3", "-d", "--hold", "-Jx", "exclusive"] {
        let line = format!("submit suite.toml --on slurm --shards 2 --sbatch={option}");
        let done = site.crashrate(&line).expect(96);
        let problem = format!("--sbatch {option}: ");
        assert!(done.stderr.contains(&problem), "{}", done.stderr);
    }
    assert_eq!(called(&site.place), "");
}

#[test]
fn a_suite_has_a_path_in_the_checkout() {
    let site = Site::new(&[]);
    let root = site.place.path().canonicalize().unwrap();
    let suite = site
        .place
        .write("repository/a/queue.toml", named("named", SUITE));
    std::fs::create_dir_all(root.join("repository/.git")).unwrap();
    std::fs::create_dir_all(root.join("repository/b")).unwrap();
    let submit_with = |more: &[&str], suite: &str, folder: &str| {
        let words = [
            "submit",
            suite,
            "--on",
            "github",
            "--install",
            "true",
            "--shards",
            "2",
            "--dry-run",
        ];
        let mut command = site.place.command(&[&words[..], more].concat());
        site.place
            .start(command.current_dir(root.join(folder)))
            .wait()
    };
    let submit = |suite: &str, folder: &str| submit_with(&[], suite, folder);
    for (folder, path) in [
        ("repository", "a/queue.toml"),
        ("repository/a", "queue.toml"),
        ("repository/b", "../a/queue.toml"),
    ] {
        let text = submit(suite.to_str().unwrap(), folder).expect(0).stdout;
        let plan = format!("plan-file -o plan.json {path}\n");
        assert!(text.contains(&plan), "{plan}: {text}");
        assert!(text.contains("name: crashrate-named\n"), "{text}");
    }
    let outside = root.join("suite.toml");
    for suite in [outside.to_str().unwrap(), "../suite.toml"] {
        let done = submit(suite, "repository").expect(96);
        assert!(done.stderr.contains("is outside of"), "{}", done.stderr);
    }
    let probe = format!("--probe={}", root.join("repository/a/queue.toml").display());
    let done = submit_with(&[&probe], "queue.toml", "repository/a").expect(96);
    let says = format!("error: {probe}: the shards run in another checkout of ");
    assert!(done.stderr.starts_with(&says), "{}", done.stderr);
    let done = submit_with(&["--probe=/bin/true"], "queue.toml", "repository/a");
    done.expect(0);
}

#[test]
fn a_job_is_resumed_with_more_time() {
    let site = Site::new(&[]);
    site.submit();
    site.run_shard("1/2", "").expect(0);
    let line = "submit --resume job --time 8h --partition long --sbatch=--exclusive";
    site.crashrate(line).expect(0);
    let expected = "sbatch --parsable --hold --array=2 --time=480 --signal=B:USR2@60 --exclusive \
                    --partition=long shard.sh\n\
                    sbatch --parsable --dependency=afterany:17 --partition=long merge.sh\n";
    let called = called(&site.place);
    assert!(called.contains(expected), "{called}");
    // The script's signal would come at the start of a short job.
    site.crashrate("submit --resume job --time 2m").expect(0);
    let short = "sbatch --parsable --hold --array=2 --time=2 --signal=B:USR2@0 shard.sh\n";
    let called = self::called(&site.place);
    assert!(called.contains(short), "{called}");
    let refused = site
        .crashrate("submit --resume job --sbatch=--array=1")
        .expect(96);
    assert!(refused.stderr.contains("--sbatch --array=1: "));
    site.crashrate("submit --resume job --gpus 1").expect(96);
    let jobs = ["job", "copy"].map(|name| site.place.path().join(name));
    std::fs::rename(&jobs[0], &jobs[1]).unwrap();
    let moved = site.crashrate("submit --resume copy").expect(96).stderr;
    assert!(
        moved.contains("copy: the scripts of this job are for "),
        "{moved}"
    );
}

#[test]
fn a_refused_resumption_can_be_repeated() {
    // In the job's folder.
    let script = "case $* in *shard.sh) [ ! -e ../refuse ] || exit 1;; esac; echo 17";
    let site = Site::new(&[("sbatch", script)]);
    let line = "submit suite.toml --on slurm --shards 2 -n 4 --until first-crash --job job";
    site.crashrate(line).expect(0);
    site.run_shard("1/2", "").expect(0);
    site.place.write("refuse", "");
    site.crashrate("submit --resume job").expect(96);
    std::fs::remove_file(site.place.path().join("refuse")).unwrap();
    let resumed = site.crashrate("submit --resume job").expect(0).stdout;
    assert!(resumed.contains("with 1 shard,"), "{resumed}");
}

#[test]
fn a_job_has_the_name_of_its_suite() {
    let site = Site::new(&[]);
    site.place.write("file.toml", named("rates", SUITE));
    let line = "submit file.toml --on slurm --shards 2 -n 1";
    let done = site.crashrate(line).expect(0);
    assert!(
        done.stderr
            .contains("--shards 2: the run has only 1 block, so 1 shard has nothing to run"),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("/1-rates\n"), "{}", done.stdout);
    let status = site.crashrate("status 1").expect(0).stdout;
    assert!(status.starts_with("rates · slurm"), "{status}");
}

#[test]
fn the_limit_of_arrays_is_named() {
    let refuses = "echo 'Batch job submission failed: Invalid job array specification' >&2; exit 1";
    let site = Site::new(&[("sbatch", refuses)]);
    let line = "submit suite.toml --on slurm --shards 2000 -n 2000";
    let done = site.crashrate(line).expect(96);
    assert!(done.stderr.contains("MaxArraySize"), "{}", done.stderr);
}

#[test]
fn the_end_of_a_shard_is_explained() {
    let site = Site::new(&[]);
    let slow = SUITE.replace("\"true\"", "\"sleep\", \"0.1\"");
    site.place.write("suite.toml", named("suite", &slow));
    site.submit();
    for shard in ["1", "2"] {
        let log = format!("job/logs/shard-{shard}.out");
        site.place.write(&log, "error: no such program\n");
    }
    let status = site.crashrate("status job").expect(0).stdout;
    for words in [
        "2 shards lack results: failed at the start (see the log)",
        "job/logs/shard-1.out\n",
        "there is nothing to merge",
    ] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert!(!status.contains("crashrate merge"), "{status}");
    site.run_shard("1/2", "").expect(0);
    site.run_shard("2/2", "--for 10ms");
    let status = site.crashrate("status job").expect(0).stdout;
    let words = "1 shard lacks results: over the time budget (--for)";
    assert!(status.contains(words), "{status}");
}

#[test]
fn the_help_of_submit_has_its_own_options_last() {
    let site = Site::new(&[]);
    let help = site.crashrate("submit --help").expect(0).stdout;
    let place = |words: &str| {
        let found = help.find(words);
        found.unwrap_or_else(|| panic!("{words}: {help}"))
    };
    assert!(place("\nArguments:") < place("\nOptions:"), "{help}");
    assert!(place("--rounds") < place("\nJob:"), "{help}");
    assert!(place("\nJob:") < place("--shards <"), "{help}");
    let help = site.crashrate("plan-file --help").expect(0).stdout;
    assert!(!help.contains("resumed run"), "{help}");
    assert!(!help.contains("of the report"), "{help}");
}

#[test]
fn a_job_that_only_its_engine_can_start_is_no_wrong_file() {
    let site = Site::new(&[]);
    let job = "name = \"n\"\nengine = \"github\"\nsuite = \"s\"\nshards = 2\n\
               submitted = \"2026-01-01T00:00:00Z\"\nis_started = true\n";
    site.place.write("own/job.toml", job);
    let done = site.crashrate("submit --resume own").expect(96);
    let problem = "a job of GitHub cannot be changed from here: start it on the page of GitHub";
    assert!(done.stderr.contains(problem), "{}", done.stderr);
    assert!(!done.stderr.contains("job.toml"), "{}", done.stderr);
}

#[test]
fn what_each_shard_would_refuse_is_not_submitted() {
    let site = Site::new(&[]);
    let submit = "submit suite.toml --on slurm --shards 2 -n 4 --dry-run";
    let run = "run suite.toml -n 1";
    site.crashrate(run).expect(0);
    let error = site.crashrate(&format!("{submit} --places 1")).expect(96);
    let says = "--places: only an ambush uses places";
    assert!(error.stderr.contains(says), "{}", error.stderr);
    let several = [
        &*Vec::from_iter(submit.split(' ')),
        &["--sbatch", "--exclusive --mem=1G"],
    ];
    let error = site.words(&several.concat()).expect(96).stderr;
    assert!(error.contains("give each with an --sbatch"), "{error}");
    let probe = format!("{submit} --device cuda:0 --probe ./nosuch");
    let done = site.crashrate(&probe).expect(0).stderr;
    assert!(done.contains("nosuch: there is no such program"), "{done}");
}
