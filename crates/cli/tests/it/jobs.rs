//! Jobs after their shards have run: how their rounds are repeated, and how their runs are found.

use crate::slurm_commands::{called, commands_of_slurm};
use crate::util::Place;

/// The fourth round crashes. It belongs to the second of two shards.
const CRASHES_AT_4: &str = r#"
[[chapter]]
id = "x"
command = ["sh", "-c", "test $CRASHRATE_ROUND != 4 || kill -SEGV $$"]
"#;

fn crashrate(place: &Place, line: &str) -> crate::util::Done {
    place.crashrate(&Vec::from_iter(line.split(' ')))
}

/// Both shards of a job of six rounds, run as the scripts of an engine do.
fn shards_of_a_job() -> Place {
    let place = Place::new();
    place.suite(CRASHES_AT_4);
    crashrate(&place, "plan-file suite.toml -n 6 -o plan.json").expect(0);
    for shard in ["1/2", "2/2"] {
        let options = "--continue --report-only --quiet --runs-dir job/runs";
        let line = format!("run plan.json --shard {shard} {options}");
        crashrate(&place, &line).expect(0);
    }
    place
}

#[test]
fn a_repeated_round_leaves_the_job_alone() {
    let place = shards_of_a_job();
    crashrate(&place, "merge job/runs --output job/merged").expect(100);
    let json = crashrate(&place, "report job/merged --format json")
        .expect(0)
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let repeat = json["crashes"][0]["repeat"].as_str().unwrap();
    assert_eq!(repeat, "crashrate run plan.json --round 4");
    let words = repeat.strip_prefix("crashrate ").unwrap();
    crashrate(&place, words).expect(100);
    // Also where someone writes it into the folder of the shards.
    crashrate(&place, &format!("{words} --runs-dir job/runs")).expect(100);
    let merged = crashrate(&place, "merge job/runs --output job/merged").expect(100);
    let warning = "repeats a round of another run, and is left out";
    assert!(merged.stderr.contains(warning), "{}", merged.stderr);
    assert!(merged.stdout.contains("6 rounds"), "{}", merged.stdout);
}

#[test]
fn suggested_commands_find_the_run() {
    let place = shards_of_a_job();
    for (line, run) in [
        ("merge job/runs --output all", "all"),
        ("report all", "all"),
        ("--runs-dir job/runs merge job/runs", "job/runs/"),
    ] {
        let text = crashrate(&place, line);
        for (head, tail) in [
            ("crashrate report ", " --full"),
            ("crashrate crashes ", " 1"),
        ] {
            let (_, rest) = text
                .stdout
                .split_once(head)
                .unwrap_or_else(|| panic!("{text:?}"));
            let (named, _) = rest.split_once(tail).unwrap();
            assert!(named.starts_with(run), "{line}: {named}");
            crashrate(
                &place,
                &format!("{head}{named}{tail}")["crashrate ".len()..],
            )
            .expect(0);
        }
    }
    // A number is enough in the folder that commands use anyway.
    let merged = crashrate(&place, "merge job/runs").expect(100).stdout;
    let (_, named) = merged.split_once("crashrate report ").unwrap();
    assert!(named.starts_with(|c: char| c.is_ascii_digit()), "{named}");
}

#[test]
fn workflows_are_written_into_the_root_of_the_repository() {
    let place = Place::new();
    let suite = place.write(
        "sub/suite.toml",
        format!("[suite]\nname = \"suite\"\n{CRASHES_AT_4}"),
    );
    std::fs::create_dir(place.path().join(".git")).unwrap();
    for (engine, file, entered, times) in [
        (
            "github --install true",
            ".github/workflows/crashrate-suite.yml",
            "working-directory: sub",
            3,
        ),
        ("buildkite", ".buildkite/crashrate-suite.yml", "cd sub", 2),
    ] {
        let args = format!("submit suite.toml --on {engine} --shards 2");
        let mut command = place.command(&Vec::from_iter(args.split(' ')));
        command.current_dir(suite.parent().unwrap());
        let done = place.start(&mut command).wait().expect(0);
        assert!(
            done.stdout.contains(&format!("wrote ../{file}")),
            "{}",
            done.stdout
        );
        let text = std::fs::read_to_string(place.path().join(file)).unwrap();
        assert_eq!(text.matches(entered).count(), times, "{text}");
    }
}

#[test]
fn a_cancelled_job_is_named_so_and_is_resumed() {
    let place = shards_of_a_job();
    let queue = format!("cat {}", place.path().join("queue").display());
    let path = commands_of_slurm(&place, &[("squeue", &queue)]);
    let crashrate = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        place.start(place.command(&args).env("PATH", &path)).wait()
    };
    place.write("queue", "");
    let line = "submit suite.toml --on slurm --shards 2 -n 6 --job slurm";
    crashrate(line).expect(0);
    let shard = "run slurm/plan.json --continue --report-only --runs-dir slurm/runs --shard";
    crashrate(&format!("{shard} 1/2")).expect(0);
    let status = crashrate("status slurm").expect(0).stdout;
    for line in [
        "3 of 6 rounds have a result",
        "the job has ended; 1 shard lacks results",
        "resume  crashrate submit --resume ",
        "the shards are not merged yet",
    ] {
        assert!(status.contains(line), "{line}: {status}");
    }
    crashrate("merge slurm/runs --output slurm/merged").expect(106);
    let merged = crashrate("status slurm").expect(0).stdout;
    assert!(merged.contains("slurm/merged --full"), "{merged}");
    // Slurm still has the second shard.
    place.write("queue", "17 2 PENDING Resources\n");
    let running = crashrate("submit --resume slurm").expect(96).stderr;
    assert!(running.contains("shard 2 has not ended"), "{running}");
    place.write("queue", "");
    let resumed = crashrate("submit --resume slurm").expect(0).stdout;
    assert!(resumed.contains("job 17 with 1 shard,"), "{resumed}");
    let submitted = "sbatch --parsable --hold --array=2 shard.sh\n\
                     sbatch --parsable --dependency=afterany:17 merge.sh\n";
    assert!(called(&place).contains(submitted), "{}", called(&place));
    crashrate(&format!("{shard} 2/2")).expect(0);
    crashrate("merge slurm/runs --output slurm/merged").expect(100);
    let over = crashrate("status slurm --watch").expect(0).stdout;
    assert!(over.contains("FAIL"), "{over}");
    assert!(!over.contains("--resume"), "{over}");
    let nothing = crashrate("submit --resume slurm").expect(0).stderr;
    assert!(nothing.contains("nothing to resume"), "{nothing}");
    crashrate("submit --resume slurm -n 7").expect(96);
}

#[test]
fn a_silent_slurm_is_named() {
    let place = shards_of_a_job();
    let refuses = "echo 'Unable to contact slurm controller' >&2; exit 1";
    let path = commands_of_slurm(&place, &[("squeue", refuses)]);
    let crashrate = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        place.start(place.command(&args).env("PATH", &path)).wait()
    };
    crashrate("submit suite.toml --on slurm --shards 2 --job slurm").expect(0);
    let status = crashrate("status slurm").expect(0);
    for words in [
        "Slurm could not be asked",
        "Unable to contact slurm controller",
    ] {
        assert!(status.stderr.contains(words), "{}", status.stderr);
    }
    crashrate("submit --resume slurm").expect(96);
    let every = crashrate("status slurm --every 5s").expect(96).stderr;
    assert!(every.contains("--watch"), "{every}");
}

#[test]
fn mistakes_are_found_before_an_engine_reads_them() {
    let place = shards_of_a_job();
    std::fs::create_dir(place.path().join("empty")).unwrap();
    let kubernetes = "submit suite.toml --on kubernetes --shards 2 --image x --volume v --dry-run";
    for (line, problem) in [
        (
            format!("{kubernetes} --until decided"),
            "nothing to compare",
        ),
        (
            format!("{kubernetes} --namespace Bad_NS"),
            "--namespace Bad_NS: expected",
        ),
        (format!("{kubernetes} --memory 4X"), "--memory 4X: expected"),
        (
            "submit nope.toml --on github --install true --shards 2 --dry-run".into(),
            "nope.toml: no such file",
        ),
        (
            "submit plan.json --on slurm --shards 2 --dry-run".into(),
            "plan.json: this is a plan file",
        ),
        (
            "plan-file plan.json".into(),
            "plan.json: this is a plan file",
        ),
        ("list plan.json".into(), "plan.json: this is a plan file"),
        (
            format!("{kubernetes} --templates nope"),
            "--templates nope: no such folder; expected some of kubernetes.yaml",
        ),
        (
            format!("{kubernetes} --templates empty"),
            "--templates empty: it has no template for this engine",
        ),
    ] {
        let done = crashrate(&place, &line).expect(96);
        assert!(done.stderr.contains(problem), "{line}: {}", done.stderr);
    }
    let elsewhere = kubernetes.replace("suite.toml", "nope.toml");
    let done = crashrate(&place, &elsewhere).expect(0);
    assert!(
        done.stderr.contains("nope.toml is not here"),
        "{}",
        done.stderr
    );
    let command = kubernetes.replace(" suite.toml", "") + " -- ./only-in-the-image";
    let done = crashrate(&place, &command).expect(0);
    assert!(
        done.stderr.contains("there is no program"),
        "{}",
        done.stderr
    );
    let program = "submit suite.toml --on slurm --shards 2 --dry-run --program /nonexist";
    let done = crashrate(&place, program).expect(0);
    assert!(
        done.stderr.contains("--program /nonexist: there is no"),
        "{}",
        done.stderr
    );
}

#[test]
fn help_has_only_options_that_work() {
    let place = Place::new();
    let help = crashrate(&place, "plan-file --help").expect(0).stdout;
    for option in [
        "--resume",
        "--number",
        "--for <",
        "--devices",
        "or a plan file",
    ] {
        assert!(!help.contains(option), "{option}: {help}");
    }
    let help = crashrate(&place, "submit --help").expect(0).stdout;
    assert!(help.contains("--resume <JOB>"), "{help}");
    assert!(!help.contains("--number"), "{help}");
}

#[test]
fn a_folder_that_is_no_job_is_named() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("adir")).unwrap();
    let error = crashrate(&place, "status adir").expect(96).stderr;
    assert!(error.contains("adir has no job.toml"), "{error}");
    place.write("adir/job.toml", "name = \"a\"\n\nx\n");
    let error = crashrate(&place, "status adir").expect(96).stderr;
    assert!(error.contains("job.toml:3: "), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}
