//! `run --round N` repeats one round with the same seed and order. The report says that it is not a
//! sample.

use std::fs;

use serde_json::Value;

use crate::util::{Journal, Place};

/// Each attempt logs its seed. `unlucky` crashes depending on its seed, as a race would.
const SUITE: &str = r#"
[[chapter]]
id = "unlucky"
rounds = 40
command = ["sh", "-c", "echo $CRASHRATE_CHAPTER $CRASHRATE_ROUND $CRASHRATE_SEED >> seeds; [ $((CRASHRATE_SEED % 5)) != 0 ] || kill -SEGV $$"]
[[chapter]]
id = "short"
rounds = 2
command = ["sh", "-c", "echo $CRASHRATE_CHAPTER $CRASHRATE_ROUND $CRASHRATE_SEED >> seeds"]
[[chapter]]
id = "long"
rounds = 40
command = ["sh", "-c", "echo $CRASHRATE_CHAPTER $CRASHRATE_ROUND $CRASHRATE_SEED >> seeds"]
"#;

fn seeds(place: &Place) -> Vec<String> {
    let path = place.path().join("seeds");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_round_runs_alone_with_its_seed_and_in_its_order() {
    let place = Place::new();
    place.suite(SUITE);
    let run = ["run", "suite.toml", "--seed", "7", "--report-only"];
    place.crashrate(&run).expect(0);
    let all = seeds(&place);
    for round in ["1", "2", "17", "40"] {
        let alone = [&run[..], &["--round", round]].concat();
        place.crashrate(&alone).expect(0);
        let of_round = |line: &&String| line.split(' ').nth(1) == Some(round);
        let expected: Vec<_> = all.iter().filter(of_round).cloned().collect();
        assert_eq!(seeds(&place), expected, "round {round}");
        let json = place.json();
        assert_eq!(json["run"]["only_round"], round.parse::<u32>().unwrap());
        assert_eq!(json["run"]["complete"], true);
        let planned = if round.len() == 2 { 2 } else { 3 };
        assert_eq!(json["totals"]["planned"], planned);
        let report = place.full();
        let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = format!("Only round {round} was run, to repeat it");
        assert!(words.contains(&said), "{report}");
    }
    let done = place
        .crashrate(&["run", "suite.toml", "--round", "41"])
        .expect(96);
    assert!(
        done.stderr.contains("there is no round 41"),
        "{}",
        done.stderr
    );
    // Runs with `--round` are not part of the history.
    let history = ["history", &place.name, "--format", "json"];
    let history = place.crashrate(&history).expect(0).stdout;
    let history: Value = serde_json::from_str(&history).unwrap();
    assert_eq!(
        history["histories"][0]["runs"].as_array().unwrap().len(),
        1,
        "{history}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_repeat_command_of_a_signature_reproduces_its_crash() {
    let place = Place::new();
    place.suite(SUITE);
    place
        .crashrate(&["run", "suite.toml", "--until", "first-crash"])
        .expect(100);
    let before = place.json();
    let crash = &before["crashes"][0];
    let again = crash["repeat"].as_str().unwrap().to_owned();
    let args: Vec<_> = again.split(' ').skip(1).collect();
    place.crashrate(&args).expect(100);
    let after = place.json();
    assert_eq!(after["crashes"][0]["signature"], crash["signature"]);
    let first = &crash["places"][0]["first_round"];
    assert_eq!(&after["crashes"][0]["places"][0]["first_round"], first);
    // The repeated run suggests the same command.
    assert_eq!(after["crashes"][0]["repeat"], *again);
    let listed = place.crashrate(&["crashes"]).expect(0).stdout;
    assert!(listed.contains(&format!("again: {again}")), "{listed}");
}

#[test]
fn a_stopped_repetition_is_resumed() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"a\"\nrounds = 9\ncommand = [\"sleep\", \"0.1\"]\n\
         [[chapter]]\nid = \"b\"\nrounds = 9\ncommand = [\"false\"]\n\
         [[chapter]]\nid = \"c\"\nrounds = 9\ncommand = [\"false\"]\n",
    );
    let run = ["run", "suite.toml", "--round", "8", "--fail-fast"];
    place.crashrate(&run);
    place
        .crashrate(&["run", "--resume", "latest", "--report-only"])
        .expect(0);
    let journal = Journal::read(&place.run());
    let rounds: Vec<_> = journal.ended.iter().map(|e| e.round).collect();
    assert_eq!(rounds, [8; 3]);
}

#[test]
#[cfg(target_os = "linux")]
fn options_before_the_subcommand_are_repeated() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"a\"\nrounds = 1\ncommand = [\"sh\", \"-c\", \"kill -SEGV $$\"]\n",
    );
    let runs = place.runs_dir().display().to_string();
    let run = [
        "--runs-dir",
        &runs,
        "--color=never",
        "run",
        "suite.toml",
        "--seed=7",
    ];
    place.crashrate(&run).expect(100);
    let json = place.json();
    let expected =
        format!("crashrate run --runs-dir {runs} --color=never suite.toml --seed=7 --round 1");
    assert_eq!(json["crashes"][0]["repeat"], expected);
}
