//! `crashrate bisect`: the commit, the version or the item that raised a crash rate.

use std::fs;
use std::path::Path;
use std::process::Command;

use crashrate_model::Record;
use crashrate_testkit::repository::RacyRepository;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::ab::{has_venv, offline, wheels};
use crate::util::{Done, Live, Place, records, skip, until};

/// Seeds of the repositories that `cargo xtask verify bisect` searches, and of those in every test.
const ALL_SEEDS: std::ops::Range<u64> = 1..21;
const FEW_SEEDS: std::ops::Range<u64> = 1..4;

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
    assert!(
        full.contains("the commits that were built or run"),
        "{full}"
    );
    let page = fs::read_to_string(place.run().join("report.html")).unwrap();
    assert!(page.contains("<figure class=\"commits\">"));
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
        stdout.contains("One of 2 commits raised the crash rate: `7` to `8`."),
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

/// A search in a repository with a real race.
struct Searched {
    repository: RacyRepository,
    found: Value,
    rounds: u64,
}

fn search(place: &Place, seed: u64) -> Searched {
    let folder = place.path().join(format!("repository-{seed}"));
    fs::create_dir(&folder).unwrap();
    let repository = RacyRepository::make(&folder, seed);
    let first = repository.commits[0].clone();
    let args = [
        "bisect",
        "--good",
        &first,
        "--build",
        "make",
        "--evidence",
        "none",
        "--",
        "./race",
    ];
    let mut command = in_folder(place, &repository.folder, &args);
    let done = place.start(&mut command).wait();
    assert!(
        [0, 121].contains(&done.code()),
        "{}{}",
        done.stdout,
        done.stderr
    );
    let json = place.json();
    Searched {
        repository,
        found: json["bisection"].clone(),
        rounds: json["totals"]["attempts"].as_u64().unwrap_or_default(),
    }
}

fn in_folder(place: &Place, folder: &Path, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.current_dir(folder);
    command
}

impl Searched {
    /// Whether it named the right commit, and only that.
    fn is_right(&self) -> bool {
        let culprit = &self.repository.commits[self.repository.culprit];
        self.found["rise"] == serde_json::json!([culprit])
    }

    fn row(&self, seed: u64) -> String {
        let builds = &self.found["builds"];
        let (culprit, rounds) = (self.repository.culprit, self.rounds);
        format!("{seed}\t{culprit}\t{}\t{rounds}\t{builds}", self.is_right())
    }
}

/// Every answer is checked by its own error: at most 5% are wrong. A race also depends on the load,
/// so that one of three may stay without an answer.
#[test]
fn the_commit_that_widened_a_race_is_found() {
    let place = Place::new();
    let all: Vec<Searched> = FEW_SEEDS.map(|seed| search(&place, seed)).collect();
    let right = all.iter().filter(|one| one.is_right()).count();
    let rows: Vec<String> = FEW_SEEDS
        .zip(&all)
        .map(|(seed, one)| one.row(seed))
        .collect();
    assert!(
        right >= 2,
        "seed, commit, right, rounds, builds:\n{}",
        rows.join("\n")
    );
    for one in &all {
        let tree = one.repository.git(&["status", "--porcelain"]);
        assert_eq!(tree, "");
    }
}

/// A build by another command, here one that leaves no time without a pointer, has another rate.
#[test]
fn a_rate_that_the_link_order_moves_is_latent() {
    let place = Place::new();
    let folder = place.path().join("repository");
    fs::create_dir(&folder).unwrap();
    let repository = RacyRepository::make(&folder, 1);
    let commit = |index: usize| repository.commits[index].clone();
    let relink = "sh -c 'echo \"#define WINDOW 0\n#define COMMIT 0\" > window.h; make'";
    let (good, bad) = (
        commit(repository.culprit - 1),
        commit(repository.culprit + 1),
    );
    let args = [
        "bisect",
        "--good",
        &good,
        "--bad",
        &bad,
        "--build",
        "make",
        "--relink",
        relink,
        "--evidence",
        "none",
        "--",
        "./race",
    ];
    let mut command = in_folder(&place, &repository.folder, &args);
    let Done { stdout, .. } = place.start(&mut command).wait().expect(0);
    assert!(
        stdout.contains("relink   latent: the link order alone moves the rate"),
        "{stdout}"
    );
}

/// As `cargo xtask verify bisect`.
#[test]
#[ignore = "minutes; run by `cargo xtask verify bisect`"]
fn in_twenty_repositories() {
    let place = Place::new();
    println!("seed\tcommit\tright\trounds\tbuilds");
    let mut rows = Vec::new();
    let mut right = 0;
    for seed in ALL_SEEDS {
        let searched = search(&place, seed);
        right += usize::from(searched.is_right());
        rows.push(searched.row(seed));
        println!("{}", rows.last().unwrap());
    }
    println!("{right} of {} right", ALL_SEEDS.end - ALL_SEEDS.start);
    assert!(right >= 19, "{}", rows.join("\n"));
}
