//! Jobs after their shards have run: how their rounds are repeated, and how their runs are found.

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
    let suite = place.write("sub/suite.toml", CRASHES_AT_4);
    std::fs::create_dir(place.path().join(".git")).unwrap();
    for (engine, file, entered) in [
        (
            "github",
            ".github/workflows/crashrate-suite.yml",
            "working-directory: sub",
        ),
        ("buildkite", ".buildkite/crashrate-suite.yml", "cd sub"),
    ] {
        let args = ["submit", "suite.toml", "--on", engine, "--shards", "2"];
        let mut command = place.command(&args);
        command.current_dir(suite.parent().unwrap());
        let done = place.start(&mut command).wait().expect(0);
        assert!(
            done.stdout.contains(&format!("wrote ../{file}")),
            "{}",
            done.stdout
        );
        let text = std::fs::read_to_string(place.path().join(file)).unwrap();
        assert_eq!(text.matches(entered).count(), 2, "{text}");
    }
}
