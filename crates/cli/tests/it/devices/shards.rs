//! Shards that an engine starts again with other devices.

use std::fs;
use std::path::Path;

use crashrate_model::Outcome;
use nix::sys::signal::Signal;

use super::{assert_blocks_are_whole, printed, says, seeing};
use crate::slurm_commands::commands_of_slurm;
use crate::util::{Journal, Place, until};

/// A block waits for a file `go`. Rounds fail, so that their output is kept.
const WAITS: &str = r#"
[defaults]
rounds = 6

[[chapter]]
id = "x"
command = ["sh", "-c", 'while [ $CRASHRATE_ROUND = 3 -a ! -e go ]; do sleep 0.02; done; echo "$CUDA_VISIBLE_DEVICES"; exit 1']
"#;

#[test]
fn a_shard_that_is_started_again_uses_the_devices_of_its_new_machine() {
    let place = Place::new();
    place.suite(WAITS);
    let plan = [
        "plan-file",
        "suite.toml",
        "-o",
        "plan.json",
        "--device",
        "cuda:*",
    ];
    place.crashrate(&plan).expect(0);
    let run = ["run", "plan.json", "--shard", "1/2", "--continue"];
    let first = place.start(&mut seeing(&place, "GPU-a", &run));
    until("round 3 runs", || place.journal_so_far().started.len() == 2);
    first.signal(Signal::SIGKILL);
    first.wait();
    place.write("go", "");
    // One attempt is lost, and its round runs again. All rounds fail.
    place
        .start(&mut seeing(&place, "GPU-b,GPU-c", &run))
        .wait()
        .expect(100);
    let mut journal = place.journal();
    journal.ended.retain(|ended| ended.outcome != Outcome::Lost);
    let devices: Vec<Vec<_>> = (journal.opened.iter())
        .map(|opened| opened.run.devices.iter())
        .map(|devices| devices.filter_map(|d| d.uuid.as_deref()).collect())
        .collect();
    assert_eq!(devices, [vec!["GPU-a"], vec!["GPU-b", "GPU-c"]]);
    assert_eq!(journal.opened[1].run.jobs, 2);
    assert_blocks_are_whole(&journal);
    let printed = |index: usize| printed(&place, &journal.ended[index]);
    assert_eq!(printed(0), "GPU-a");
    let rest = printed(1) + &printed(2);
    assert!(!rest.contains("GPU-a"), "{rest}");
    let report = place.crashrate(&["report", "--full"]).expect(0).stdout;
    assert!(says(&report, "cuda:0 GPU-a"), "{report}");
    // The rounds of all devices are in their own rows.
    let json = place.json();
    let rows = json["devices"].as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .map(|row| (&row["uuid"], row["first_attempt"]["n"].as_u64().unwrap()))
        .collect();
    assert_eq!(rows[0], (&"GPU-a".into(), 1), "{rows:?}");
    assert_eq!(rows.iter().map(|(_, n)| n).sum::<u64>(), 3, "{rows:?}");
}

/// A shard has rounds on the second of two devices, and is continued on a machine with one.
#[test]
fn rounds_keep_their_devices_when_a_shard_is_continued_on_others() {
    let place = Place::new();
    place.suite(
        &WAITS
            .replace("= 3 -a", "-ge 3 -a")
            .replace("; echo", "; echo >> seen"),
    );
    let plan = "plan-file suite.toml -o plan.json --device cuda:*";
    place.crashrate(&Vec::from_iter(plan.split(' '))).expect(0);
    let run = ["run", "plan.json", "--shard", "1/1", "--continue"];
    let first = place.start(&mut seeing(&place, "GPU-a,GPU-b", &run));
    until("rounds 1 and 2 have ended", || {
        place.journal_so_far().ended.len() == 2
    });
    first.signal(Signal::SIGKILL);
    first.wait();
    place.write("go", "");
    place
        .start(&mut seeing(&place, "GPU-c", &run))
        .wait()
        .expect(100);
    let journal = place.journal();
    let ends = journal.ended.iter();
    let on_second =
        ends.filter(|ended| ended.outcome == Outcome::Failed && ended.device == Some(1));
    let on_second: Vec<u32> = on_second.map(|ended| ended.round).collect();
    let [round] = on_second[..] else {
        panic!("{on_second:?}");
    };
    let csv = place.crashrate(&["report", "--format", "csv"]).expect(0);
    let mut rows = csv.stdout.lines().filter(|row| row.contains(",failed,"));
    let row = rows
        .find(|row| row.contains(&format!(",x,,{round},")))
        .unwrap();
    assert!(row.contains(",cuda:1,"), "{row}");
    // The words before the command are a debugger.
    fs::remove_file(place.path().join("seen")).unwrap();
    let spec = format!("latest:{round}");
    place.crashrate(&["debug", &spec, "--debugger", "env", "--tries", "1"]);
    let seen = fs::read_to_string(place.path().join("seen")).unwrap();
    assert_eq!(seen, "GPU-b\n");
}

const QUICK: &str = r#"
[defaults]
rounds = 4

[[chapter]]
id = "x"
command = ["true"]
"#;

/// The devices that a run was divided among.
fn devices(run: &Path) -> Vec<String> {
    let devices = Journal::read(run).opened[0].run.devices.clone();
    devices
        .into_iter()
        .filter_map(|device| device.uuid)
        .collect()
}

#[test]
fn a_submitted_shard_runs_on_the_devices_that_are_named() {
    let place = Place::new();
    place.suite(QUICK);
    let path = commands_of_slurm(&place, &[]);
    let line = "submit suite.toml --on slurm --shards 2 --devices cuda:0,cuda:1 --job job";
    let mut submit = place.command(&Vec::from_iter(line.split(' ')));
    place.start(submit.env("PATH", path)).wait().expect(0);
    let mut shard = place.command_of("bash", &["job/shard.sh"]);
    shard
        .env("SLURM_ARRAY_TASK_ID", "1")
        .env("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c");
    place.start(&mut shard).wait().expect(0);
    let files = fs::read_dir(place.path().join("job/runs")).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    let run = paths.find(|path| path.join("journal.jsonl").is_file());
    assert_eq!(devices(&run.unwrap()), ["GPU-a", "GPU-b"]);
}

#[test]
fn shards_that_plan_together_run_on_the_devices_that_are_named() {
    let place = Place::new();
    place.suite(QUICK);
    for (visible, shard, named) in [
        ("GPU-a,GPU-b", "1/2", "cuda:1"),
        ("GPU-c,GPU-d", "2/2", "cuda:0,cuda:1"),
    ] {
        let run = ["run", "suite.toml", "--plan-file", "p.json", "--shard"];
        let args = [&run[..], &[shard, "--devices", named]].concat();
        let done = place.start(&mut seeing(&place, visible, &args)).wait();
        done.expect(0);
    }
    let runs = place.runs();
    assert_eq!(devices(&runs[0]), ["GPU-b"]);
    assert_eq!(devices(&runs[1]), ["GPU-c", "GPU-d"]);
    place.crashrate(&["merge", "1", "2"]).expect(0);
}
