//! `crashrate bisect`: the commit, the version or the item that raised a crash rate.

mod repository;

use std::fs;

use crashrate_model::Record;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::ab::{has_venv, offline, wheels};
use crate::util::{Done, Live, Place, records, skip, until};

/// A program that dies of SIGSEGV in 4 of 10 rounds from item 7 on and in 1 of 10 before it; of
/// SIGABRT in 1 of 10; and skips item 5. Which rounds those are depends on the round alone. It waits
/// while there is a file `wait` beside the list.
const ITEM: &str = r#"#!/bin/sh
item=$(cat item)
while [ "$item" = 6 ] && [ -e ../../../../wait ]; do sleep 0.02; done
[ "$item" = 5 ] && exit 125
limit=1
[ "$item" -ge 7 ] && limit=4
place=$((CRASHRATE_ROUND * 7 % 10))
[ $place -lt $limit ] && kill -SEGV $$
[ $place -eq 9 ] && kill -ABRT $$
exit 0
"#;

/// A place with a list of twelve items, and the program in every item's folder.
fn listed() -> Place {
    let place = Place::new();
    let items: Vec<String> = (1..=12).map(|item| item.to_string()).collect();
    place.write("items", items.join("\n"));
    place.program("dies", ITEM);
    place.program(
        "fetch.sh",
        "#!/bin/sh\n[ $1 = 9 ] && exit 1\necho $1 > item\ncp ../../../../dies .\n",
    );
    place
}

const LISTED: [&str; 7] = [
    "bisect",
    "--list",
    "items",
    "--checkout",
    "./fetch.sh {}",
    "--evidence",
    "none",
];

fn bisect(place: &Place, more: &[&str]) -> Done {
    place.crashrate(&[&LISTED[..], more, &["--", "./dies"]].concat())
}

/// The search of the last run.
fn bisection(place: &Place) -> Value {
    place.json()["bisection"].clone()
}

#[test]
fn an_item_of_a_list_is_found() {
    let place = listed();
    let Done { stdout, .. } = bisect(&place, &[]).expect(0);
    for part in [
        "FOUND  `7` raised the crash rate.",
        "The answer is wrong with a probability of at most 5%.",
        "The signature searched: `SIGSEGV`.",
        "Others, which counted neither way: `SIGABRT`",
    ] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    let found = bisection(&place);
    assert_eq!(found["rise"], serde_json::json!(["7"]), "{found:#}");
    let full = place.full();
    assert!(full.contains("the items that were built or run"), "{full}");
    let page = fs::read_to_string(place.run().join("report.html")).unwrap();
    assert!(page.contains("<figure class=\"commits\">"));
    assert!(page.contains("<code>7</code> raised the crash rate."));
    // A page shows the counts of a search that was not closed, too.
    assert!(
        records(&place.run())
            .iter()
            .any(|record| matches!(record, Record::Bisected(_)))
    );
}

/// Each round is a row of the CSV, and the search is one test case.
#[test]
fn rounds_are_rows_and_the_search_is_one_test() {
    let place = listed();
    bisect(&place, &[]).expect(0);
    let report = |format: &str| {
        place
            .crashrate(&["report", "--format", format])
            .expect(0)
            .stdout
    };
    let rounds = place.json()["totals"]["attempts"].as_u64().unwrap();
    let csv = report("csv");
    assert_eq!(csv.lines().count() as u64, 1 + rounds, "{csv}");
    let mut bad_end = csv.lines().filter(|line| line.contains(",12,dies,"));
    assert!(bad_end.any(|line| line.contains(",SIGSEGV,")), "{csv}");
    let junit = report("junit");
    assert_eq!(junit.matches("<testcase ").count(), 1, "{junit}");
    for part in [
        "<testsuite name=\"bisect\" tests=\"1\" skipped=\"0\" errors=\"0\" failures=\"0\"",
        "`7` raised the crash rate.",
    ] {
        assert!(junit.contains(part), "{part}\n{junit}");
    }
    bisect(&place, &["--good", "8", "--pairs", "10"]).expect(121);
    let junit = report("junit");
    assert!(
        junit.contains("<failure message=\"UNDECIDED: No change shown"),
        "{junit}"
    );
}

#[test]
fn neighbours_that_cannot_be_tested_are_one_group() {
    let place = listed();
    place.program(
        "fetch.sh",
        "#!/bin/sh\n[ $1 = 7 ] && exit 1\necho $1 > item\ncp ../../../../dies .\n",
    );
    let Done { stdout, .. } = bisect(&place, &[]).expect(0);
    assert!(
        stdout.contains("One of 2 items raised the crash rate: `7` to `8`."),
        "{stdout}"
    );
}

#[test]
fn ends_without_a_difference_and_ends_that_cannot_be_tested_are_no_answer() {
    let place = listed();
    let Done { stdout, .. } = bisect(&place, &["--good", "8", "--pairs", "30"]).expect(121);
    assert!(
        stdout.contains("No change shown between the two ends"),
        "{stdout}"
    );
    assert!(stdout.contains("in 12 of 30 rounds") || stdout.contains("of 30 rounds"));
    let Done { stdout, .. } = bisect(&place, &["--good", "5"]).expect(121);
    assert!(
        stdout.contains(
            "`5` is an end of the history and cannot be tested: skipped by exit code 125"
        ),
        "{stdout}"
    );
    let Done { stdout, .. } = bisect(&place, &["--good", "9"]).expect(121);
    assert!(stdout.contains("cannot be tested: "), "{stdout}");
    // Nothing crashes at all.
    place.program("dies", "#!/bin/sh\nexit 0\n");
    let Done { stdout, .. } = bisect(&place, &["--clean", "--pairs", "5"]).expect(121);
    assert!(
        stdout.contains("No change shown between the two ends"),
        "{stdout}"
    );
}

#[test]
fn wrong_histories_are_refused() {
    let place = listed();
    let after = ["--", "./dies"];
    for (args, problem) in [
        (&["bisect", "--good", "a"][..], "not a git repository"),
        (
            &["bisect", "--list", "none", "--checkout", "x {}"],
            "No such file",
        ),
        (
            &[
                "bisect",
                "--list",
                "items",
                "--checkout",
                "x {}",
                "--good",
                "99",
            ],
            "has no line `99`",
        ),
        (
            &[
                "bisect",
                "--list",
                "items",
                "--checkout",
                "x {}",
                "--good",
                "12",
            ],
            "nothing between",
        ),
        (
            &[
                "bisect",
                "--list",
                "items",
                "--checkout",
                "x {}",
                "--good",
                "7",
                "--bad",
                "3",
            ],
            "the good end `7` is line 7, after the bad end `3` in line 3",
        ),
        (
            &["bisect", "--list", "items", "--checkout", "a | b"],
            "no shell reads `|`",
        ),
    ] {
        let Done { stderr, .. } = place.crashrate(&[args, &after].concat()).expect(96);
        assert!(stderr.contains(problem), "{args:?}: {stderr}");
    }
    place.crashrate(&["run", "-n", "1", "--", "true"]).expect(0);
    let Done { stderr, .. } = place.crashrate(&["bisect", "--resume", "1"]).expect(96);
    assert!(stderr.contains("no search for a commit"), "{stderr}");
}

#[test]
fn a_search_whose_end_could_not_be_built_is_resumed() {
    let place = listed();
    place.program(
        "fetch.sh",
        "#!/bin/sh\n[ -e ../../../../mended ] || exit 1\necho $1 > item\ncp ../../../../dies .\n",
    );
    let Done { stdout, .. } = bisect(&place, &[]).expect(121);
    for part in [
        "The build ran in ",
        "`crashrate bisect --resume 1` continues",
    ] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    // Nothing has changed.
    let resume = ["bisect", "--resume", "latest"];
    place.crashrate(&resume).expect(121);
    place.write("mended", "");
    let Done { stdout, .. } = place.crashrate(&resume).expect(0);
    assert!(
        stdout.contains("FOUND  `7` raised the crash rate."),
        "{stdout}"
    );
}

/// Ends a search that waits in item 6, resumes it, and compares it with one that was not ended.
fn ended_and_resumed(end: impl FnOnce(Live)) {
    let place = listed();
    let options = ["--seed", "7", "--build-cost", "20"];
    bisect(&place, &options).expect(0);
    let whole = bisection(&place);
    let flag = place.write("runs/wait", "");
    let args = [&LISTED[..], &options, &["--", "./dies"]].concat();
    let live = place.start(&mut place.command(&args));
    let waits = || {
        let runs = place.runs();
        let journal = runs.get(1).map(|run| run.join("journal.jsonl"));
        let text = journal.and_then(|path| fs::read_to_string(path).ok());
        // Item 6 has index 5.
        text.is_some_and(|text| text.contains(r#""rec":"started","unit":5,"#))
    };
    until("item 6 runs", waits);
    end(live);
    fs::remove_file(flag).unwrap();
    place.crashrate(&["bisect", "--resume", "latest"]).expect(0);
    let resumed = bisection(&place);
    assert_eq!(resumed["rise"], whole["rise"], "{resumed:#}");
    assert_eq!(resumed["signature"], whole["signature"]);
}

#[test]
fn a_search_that_was_interrupted_is_resumed() {
    ended_and_resumed(|live| {
        live.signal(Signal::SIGINT);
        live.signal(Signal::SIGINT);
        let Done { stdout, .. } = live.wait().expect(106);
        assert!(stdout.contains("Searched in"), "{stdout}");
    });
}

#[test]
fn a_search_that_was_killed_is_resumed() {
    ended_and_resumed(|live| {
        live.signal(Signal::SIGKILL);
        live.wait();
    });
}

#[test]
fn a_version_of_a_package_is_found() {
    if !has_venv() {
        return skip("python3 has no venv");
    }
    let place = Place::new();
    let shares = [
        ("1.0", "0.0"),
        ("1.1", "0.0"),
        ("1.2", "0.7"),
        ("1.10", "0.7"),
    ];
    let wheels = wheels(&place, &shares);
    let args = [
        "bisect",
        "--pip",
        "wobbly",
        "--good",
        "1.0",
        "--bad",
        "1.10",
        "--evidence",
        "none",
    ];
    let command = ["--", "python", "-c", "import wobbly; wobbly.go()"];
    let args = [&args[..], &command].concat();
    let Done { stdout, .. } = place
        .start(&mut offline(&place, &wheels, &args))
        .wait()
        .expect(0);
    assert!(
        stdout.contains("FOUND  `1.2` raised the crash rate."),
        "{stdout}"
    );
    assert!(
        stdout.contains("crashrate ab --pip wobbly==1.1 --pip wobbly==1.2 -- python"),
        "{stdout}"
    );
    let args = [
        "bisect", "--pip", "wobbly", "--good", "1.0", "--bad", "9", "--", "true",
    ];
    let Done { stderr, .. } = place
        .start(&mut offline(&place, &wheels, &args))
        .wait()
        .expect(96);
    assert!(
        stderr.contains("there is no wobbly 9; pip lists 1.0, 1.1, 1.2, 1.10"),
        "{stderr}"
    );
}

/// A round of a search belongs to one item. Of the items of a round that was not run, those that
/// crashed are named, the worst first.
#[test]
fn a_round_of_a_search_is_debugged_at_its_item() {
    let place = listed();
    bisect(&place, &[]).expect(0);
    let debug =
        |round: &str| place.crashrate(&["debug", round, "--debugger", "env", "--tries", "1"]);
    let Done { stderr, .. } = debug("latest:1");
    assert!(
        stderr.contains("round 1 of chapter `dies` (variant `"),
        "{stderr}"
    );
    let Done { stderr, .. } = debug("latest:90000").expect(96);
    assert!(
        stderr.contains("round 90000 was run for chapter `dies` (variant `12`)"),
        "{stderr}"
    );
    assert!(stderr.contains(", ... and "), "{stderr}");
    assert!(!stderr.contains("variant `5`"), "{stderr}");
}
