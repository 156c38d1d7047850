//! `crashrate merge` after one that died, beside other crashrates, and of many shards.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crashrate_model::{Opened, Outcome, Record, Shard};

use crate::made_journal::{Made, alone};
use crate::util::{Place, journal_of, until};

/// Writes the journals of all shards of a run of one chapter, and returns their paths.
fn journals(place: &Place, count: u32, rounds: u32) -> Vec<PathBuf> {
    let shards = (1..=count).map(|index| {
        let shard = Shard { index, count };
        let mut made = Made::new(vec![alone("soak", "default", rounds)]);
        for round in (1..=rounds).filter(|round| shard.has(*round)) {
            made.start(0, round);
            made.end(0, round, Outcome::Passed);
        }
        made.close(crashrate_model::StopReason::Done);
        if let Record::Opened(opened) = &mut made.records[0] {
            let Opened { run, .. } = &mut **opened;
            run.id = format!("{index}-made");
            run.plan = Some("0123456789abcdef".into());
            run.shard = Some(shard);
        }
        place.write(&format!("{index}.jsonl"), journal_of(&made.records))
    });
    shards.collect()
}

fn merge(place: &Place, journals: &[PathBuf], output: &[&str]) -> Command {
    let journals = journals.iter().map(|path| path.to_str().unwrap());
    let args = ["merge", "--quiet"]
        .into_iter()
        .chain(output.iter().copied());
    place.command(&args.chain(journals).collect::<Vec<_>>())
}

/// The same command in a shell that limits it first.
fn limited(place: &Place, limit: &str, command: &Command) -> Command {
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    let mut limited = place.command_of("sh", &["-c", &script]);
    limited.arg(command.get_program()).args(command.get_args());
    limited
}

#[test]
fn a_merge_that_died_can_be_repeated() {
    let place = Place::new();
    let journals = journals(&place, 2, 4);
    let left = ["lock", ".journal.jsonl-new", "output/1.txt", ".new-7-0"];
    for name in left {
        place.write(&format!("merged/{name}"), "");
    }
    let merged = || place.start(&mut merge(&place, &journals, &["-o", "merged"]));
    merged().wait().expect(0);
    assert!(!place.path().join("merged/.journal.jsonl-new").exists());
    merged().wait().expect(0);
    // Something else is never overwritten.
    for name in ["notes.txt", "lock"] {
        place.write(&format!("other/{name}"), "");
    }
    let other = place.start(&mut merge(&place, &journals, &["-o", "other"]));
    let error = other.wait().expect(96).stderr;
    assert!(error.contains("the folder is not empty"), "{error}");
}

#[test]
fn a_merged_run_is_not_replaced_by_a_part_of_it() {
    let place = Place::new();
    let journals = journals(&place, 3, 6);
    let merged = |runs: &[PathBuf]| {
        place
            .start(&mut merge(&place, runs, &["-o", "merged"]))
            .wait()
    };
    merged(&journals[..2]).expect(106);
    let error = merged(&journals[1..]).expect(96).stderr;
    let expected = "error: merged: the merged run there has results of shard 1 (run 1-made) that \
                    would be lost; merge it too, name a new folder with --output, or remove that \
                    folder\n";
    assert_eq!(error, expected);
    let all = ["merged".into(), journals[2].clone()];
    merged(&all).expect(0);
    // An earlier copy of a journal has fewer results.
    let text = fs::read_to_string(&journals[1]).unwrap();
    let short: Vec<_> = text.lines().take(3).collect();
    fs::write(&journals[1], short.join("\n") + "\n").unwrap();
    let error = merged(&journals).expect(96).stderr;
    assert!(error.contains("results of shard 2 (run 2-made)"), "{error}");
}

#[test]
fn a_number_that_another_run_has_is_refused() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n");
    place
        .crashrate(&["run", "suite.toml", "--number", "3"])
        .expect(0);
    let journals = journals(&place, 2, 4);
    let merged = |number| {
        place
            .start(&mut merge(&place, &journals, &["--number", number]))
            .wait()
    };
    let error = merged("3").expect(96).stderr;
    assert!(error.contains("there is a run N=3 already"), "{error}");
    merged("4").expect(0);
    // The same merged run is replaced.
    merged("4").expect(0);
    assert_eq!(place.runs().len(), 2);
}

/// `status` holds the lock of a run for a moment to ask whether it is live.
#[test]
fn a_lock_that_is_held_for_a_moment_is_waited_for() {
    let place = Place::new();
    let journals = journals(&place, 2, 4);
    let path = place.write("merged/lock", "");
    let lock = File::open(&path).unwrap();
    lock.lock_shared().unwrap();
    let merging = place.start(&mut merge(&place, &journals, &["-o", "merged"]));
    let fds = format!("/proc/{}/fd", merging.pid());
    until("the merge opens the lock", || {
        let open = fs::read_dir(&fds).into_iter().flatten().flatten();
        let mut open = open.filter_map(|fd| fs::read_link(fd.path()).ok());
        open.any(|file| file.ends_with("merged/lock"))
    });
    // It has been refused the lock at least once when it has slept.
    thread::sleep(Duration::from_millis(100));
    drop(lock);
    merging.wait().expect(0);
}

#[test]
fn more_shards_than_open_files_are_merged() {
    const SHARDS: u32 = 300;
    let place = Place::new();
    let journals = journals(&place, SHARDS, 2 * SHARDS);
    let merge = merge(&place, &journals, &["-o", "merged"]);
    let mut limited = limited(&place, "ulimit -n 64", &merge);
    let done = place.start(&mut limited).wait().expect(0);
    assert!(
        done.stdout.contains("600 of 600 rounds passed"),
        "{}",
        done.stdout
    );
}

#[test]
fn there_is_a_most_of_shards() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n");
    let run = [
        "run",
        "suite.toml",
        "--seed",
        "1",
        "--shard",
        "1/4000000000",
    ];
    let error = place.crashrate(&run).expect(96).stderr;
    assert!(error.contains("a run has at most 100000"), "{error}");
    // Shards without a block are not missing.
    let one = [
        "run",
        "suite.toml",
        "--seed",
        "1",
        "--quiet",
        "--shard",
        "1/100000",
    ];
    place.crashrate(&one).expect(0);
    place
        .crashrate(&["merge", "1", "-o", "m", "--quiet"])
        .expect(0);
    assert!(Path::new(&place.path().join("m/journal.jsonl")).exists());
}

/// A file size limit acts like a full disk.
#[test]
fn a_plan_file_that_cannot_be_written_is_not_a_usage_error() {
    let place = Place::new();
    let long = "x".repeat(4096);
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\ncommand = [\"true\", \"{long}\"]\n"
    ));
    let run = place.command(&[
        "run",
        "suite.toml",
        "--plan-file",
        "plan.json",
        "--shard",
        "1/2",
    ]);
    // It counts blocks of 512 or 1024 bytes, depending on the shell.
    let mut limited = limited(&place, "trap '' XFSZ; ulimit -f 2", &run);
    let done = place.start(&mut limited).wait().expect(110);
    assert!(
        done.stderr.contains("plan.json: cannot be written"),
        "{done:?}"
    );
    let left = fs::read_dir(place.path()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    let is_temporary = |name: &&std::ffi::OsString| name.to_string_lossy().contains("plan.json");
    assert_eq!(left.iter().find(is_temporary), None);
}
