//! Searches in repositories, and builds of another link order.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crashrate_model::Record;
use crashrate_testkit::repository::RacyRepository;
use serde_json::Value;

use crate::util::{Done, Place, records};

/// Seeds of the repositories that `cargo xtask verify bisect` searches, and of those in every test.
const ALL_SEEDS: std::ops::Range<u64> = 1..21;
const FEW_SEEDS: std::ops::Range<u64> = 1..4;

/// A repository whose program crashes in 4 of 10 rounds from its second commit on.
fn dying(place: &Place) -> PathBuf {
    let folder = place.path().join("repository");
    fs::create_dir(&folder).unwrap();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]);
        git.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.current_dir(&folder).output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    for (tag, limit) in [("good", 0), ("bad", 4), ("later", 4)] {
        let program = format!(
            "#!/bin/sh\n# {tag}\n[ $((CRASHRATE_ROUND * 7 % 10)) -lt {limit} ] && kill -SEGV $$\n\
             exit 0\n"
        );
        place.program("repository/dies", &program);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", tag]);
        git(&["tag", tag]);
    }
    folder
}

#[test]
fn a_relinked_build_has_one_sentence() {
    let place = Place::new();
    let folder = dying(&place);
    let relink = |command: &str| {
        let args = [
            "bisect", "--good", "good", "--build", "true", "--relink", command,
        ];
        let args = [&args[..], &["--evidence", "none", "--", "./dies"]].concat();
        let mut command = in_folder(&place, &folder, &args);
        let Done { stdout, .. } = place.start(&mut command).wait().expect(0);
        assert_eq!(stdout.matches("report  ").count(), 1, "{stdout}");
        assert!(stdout.contains("measured in run "), "{stdout}");
        stdout
    };
    let stdout = relink("sh -c true");
    assert!(
        stdout.contains("relink   the link order alone is not shown to move the rate"),
        "{stdout}"
    );
    let runs = place.runs();
    let ends = records(runs.last().unwrap());
    let ends = ends
        .iter()
        .filter(|record| matches!(record, Record::Ended(_)));
    assert_eq!(ends.count(), 400);
    let stdout = relink("false");
    let failed = "relink   could not be measured: the relinked build of ";
    assert!(stdout.contains(failed), "{stdout}");
    assert!(stdout.contains("build.log"), "{stdout}");
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
        // A few rounds abort for another reason, and could be the most frequent ones by chance.
        "--signature",
        "SIGSEGV",
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
