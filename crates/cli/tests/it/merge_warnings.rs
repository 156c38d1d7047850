//! `crashrate merge` of runs that cannot be read, are still running, or were merged before.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::merge::{report, run_shard, shards};
use crate::util::{Place, until};

#[test]
fn runs_that_cannot_be_read_are_named() {
    let place = Place::new();
    let runs = shards(&place);
    let folder = place.runs_dir().display().to_string();
    let journal = Path::new(&runs[1]).join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replacen("\"round\":5", "\"round\":8", 1)).unwrap();
    let merge = ["merge", &folder, "-o", "m", "--quiet"];
    let error = place.crashrate(&merge).expect(96).stderr;
    let hint = "to merge the other runs without this one, name each of them";
    assert!(error.contains(hint), "{error}");
    for is_removed in [false, true] {
        match is_removed {
            true => fs::remove_file(&journal).unwrap(),
            false => fs::write(&journal, "").unwrap(),
        }
        let error = place.crashrate(&merge).expect(106).stderr;
        let left_out = "has no journal with a record and is left out";
        assert!(error.contains(left_out), "{error}");
    }
    let error = place.crashrate(&["merge", "suite.toml"]).expect(96).stderr;
    assert!(error.contains("suite.toml: not a journal"), "{error}");
    place
        .crashrate(&["merge", &folder, "--number", "0"])
        .expect(96);
}

#[test]
fn a_plan_that_is_merged_again_is_once_in_the_history() {
    let place = Place::new();
    let runs = shards(&place);
    let suite = place.name.clone();
    for number in ["7", "8", "9"] {
        let args = ["merge", "--number", number, "--quiet"];
        let runs = runs.iter().map(String::as_str);
        let args: Vec<&str> = args.into_iter().chain(runs).collect();
        place.crashrate(&args).expect(100);
    }
    let history = ["history", &suite, "--format", "json"];
    let text = place.crashrate(&history).expect(0).stdout;
    let json: Value = serde_json::from_str(&text).unwrap();
    let points = json["histories"][0]["trends"][0]["points"]
        .as_array()
        .unwrap();
    assert_eq!(points.len(), 1, "{text}");
    assert_eq!(points[0]["number"], 9);
}

#[test]
fn an_attempt_that_runs_is_not_said_to_be_dead() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"sh\", \"-c\", \
         \"while [ $CRASHRATE_ROUND = 2 ] && [ ! -e go ]; do sleep 0.02; done\"]\n",
    );
    let live = place.start(&mut place.command(&["run", "suite.toml", "--quiet"]));
    until("round 2 runs", || {
        let journal = place.journal_so_far();
        (journal.started.last()).is_some_and(|started| started.round == 2)
    });
    let done = place.crashrate(&["merge", "latest", "-o", "part"]);
    place.write("go", "");
    live.wait().expect(0);
    let done = done.expect(106);
    assert!(!done.stdout.contains("died"), "{}", done.stdout);
    assert!(
        done.stderr.contains(" is still running; "),
        "{}",
        done.stderr
    );
    let json: Value = serde_json::from_str(&report(&place, "part")).unwrap();
    let reason = json["chapters"][0]["reasons"][0]["text"].as_str().unwrap();
    assert_eq!(reason, "it was still running when the runs were merged");
}

#[test]
fn runs_with_the_same_rounds_are_not_compared() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\nrounds = 4\ncommand = [\"true\"]\n");
    let run = ["run", "suite.toml", "--seed", "7", "--quiet", "--shard"];
    for shard in ["1/2", "2/2", "2/2"] {
        place.crashrate(&[&run[..], &[shard]].concat()).expect(0);
    }
    let suite = ["history", &place.name];
    let error = place.crashrate(&suite).expect(96).stderr;
    assert!(
        error.contains("join them first with `crashrate merge 1 2 3`"),
        "{error}"
    );
    for (runs, number) in [(["1", "2"], "4"), (["1", "3"], "5"), (["1", "2"], "6")] {
        let merge = ["merge", runs[0], runs[1], "--quiet", "--number", number];
        place.crashrate(&merge).expect(0);
    }
    for runs in [
        &["4", "5"][..],
        &["4", "6"],
        &["1", "4"],
        &["2", "3", "4", "--by", "mode"],
    ] {
        let error = place
            .crashrate(&[&["compare"], runs].concat())
            .expect(96)
            .stderr;
        assert!(error.contains("could count twice"), "{runs:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let same = place.crashrate(&["compare", "4", "5", "4", "--by", "variant"]);
    assert!(same.expect(96).stderr.contains("could count twice"));
    let same = place
        .crashrate(&["compare", "6", "latest"])
        .expect(96)
        .stderr;
    assert!(same.contains("6 and latest are the same run"), "{same}");
    // The same shard, run twice.
    place.crashrate(&["compare", "2", "3"]).expect(0);
}

#[test]
fn a_shard_that_was_run_several_times_is_named() {
    let place = Place::new();
    let runs = shards(&place);
    let again = run_shard(&place, "2/3").display().to_string();
    let merge = |more: &[&str]| {
        let folder = place.path().join("m").display().to_string();
        let args = [&["merge", &*runs[0], &*runs[2], "-o", &*folder], more].concat();
        place.crashrate(&args)
    };
    let once = merge(&[&runs[1]]);
    assert!(!once.stderr.contains("several times"), "{}", once.stderr);
    // It was given an absolute path.
    let page = place.path().join("m/report.html").display().to_string();
    assert!(once.stdout.contains(&page), "{}", once.stdout);
    let done = merge(&[&runs[1], "4"]);
    let name = |run: &str| Path::new(run).file_name().unwrap().display().to_string();
    let (first, second) = (name(&runs[1]), name(&again));
    let said = format!(
        "shard 2 was run several times; the results of {first} count, those of {second} for the \
         same rounds are left out"
    );
    assert!(done.stderr.contains(&said), "{}", done.stderr);
}
