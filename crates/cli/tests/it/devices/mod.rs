//! Several devices of one machine: slots, locks, disturbances, and devices that stop working.

mod failing;
mod reported;
mod shards;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crashrate_model::{Ended, Outcome};
use nix::sys::signal::Signal;

use crate::util::{Journal, Place, until};

/// Two chapters that print which device they see.
const PRINTS: &str = r#"
[defaults]
rounds = 6

[[chapter]]
id = "one"
command = ["sh", "-c", 'echo "$CUDA_VISIBLE_DEVICES $CRASHRATE_DEVICE"; exit 1']

[[chapter]]
id = "two"
command = ["sh", "-c", 'echo "$CUDA_VISIBLE_DEVICES $CRASHRATE_DEVICE"; exit 1']
"#;

/// A crashrate that sees these devices.
fn seeing(place: &Place, visible: &str, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.env("CUDA_VISIBLE_DEVICES", visible);
    command
}

/// What an attempt that did not pass printed.
fn printed(place: &Place, ended: &Ended) -> String {
    let file = place.run().join(ended.output.as_ref().unwrap());
    let text = fs::read_to_string(file).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("---") && !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// The devices of each round, over all units.
fn devices_of_rounds(journal: &Journal) -> BTreeMap<u32, BTreeSet<Option<u32>>> {
    let mut devices: BTreeMap<u32, BTreeSet<_>> = BTreeMap::new();
    for ended in &journal.ended {
        devices.entry(ended.round).or_default().insert(ended.device);
    }
    devices
}

#[track_caller]
fn assert_blocks_are_whole(journal: &Journal) {
    let devices = devices_of_rounds(journal);
    assert!(!devices.is_empty());
    assert!(
        devices.values().all(|devices| devices.len() == 1),
        "{devices:?}"
    );
}

/// Whether a report says this, wherever its lines end.
fn says(report: &str, text: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(report).contains(&words(text))
}

/// The load average is that of the whole host, so the processors it is compared with are, too.
#[test]
#[cfg(target_os = "linux")]
fn load_is_compared_with_all_processors() {
    let place = Place::new();
    let load = |command: &mut Command| {
        let done = place.start(command).wait();
        let line = done.stdout.lines().find(|line| line.contains("load"));
        let line = line.unwrap_or_else(|| panic!("{}{}", done.stdout, done.stderr));
        line.split_once(" on ").unwrap().1.to_owned()
    };
    let doctor = place.command(&["doctor"]);
    let program = doctor.get_program().to_str().unwrap();
    let pinned = ["-c", "0", program, "doctor"];
    let all = load(&mut place.command(&["doctor"]));
    assert_eq!(load(&mut place.command_of("taskset", &pinned)), all);
}

/// macOS cannot pin processes.
#[test]
#[cfg(target_os = "linux")]
fn each_device_has_its_part_of_the_processors() {
    const SUITE: &str = r#"
        [[chapter]]
        id = "processors"
        command = ["sh", "-c", "grep Cpus_allowed: /proc/self/status; exit 1"]
    "#;
    let masks = |args: &[&str]| -> BTreeMap<u32, BTreeSet<u64>> {
        let args: Vec<&str> = ["run", "suite.toml", "--devices", "cuda:0,cuda:1"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let place = Place::new();
        place.suite(SUITE);
        let mut command = seeing(&place, "0,1", &args);
        place.start(&mut command).wait().expect(100);
        let mut masks: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        for ended in &place.journal().ended {
            let line = printed(&place, ended);
            let hex = line.rsplit([' ', '\t', ',']).next().unwrap();
            let mask = u64::from_str_radix(hex, 16).unwrap();
            masks.entry(ended.device.unwrap()).or_default().insert(mask);
        }
        masks
    };
    let divided = masks(&[]);
    let parts: Vec<u64> = divided.values().flatten().copied().collect();
    assert_eq!(parts.len(), 2, "{divided:x?}");
    assert_eq!(parts[0] & parts[1], 0, "{divided:x?}");
    let all = BTreeSet::from([parts[0] | parts[1]]);
    let undivided = masks(&["--all-cpus", "--rounds", "4"]);
    assert!(
        undivided.values().all(|masks| *masks == all),
        "{undivided:x?}"
    );
}

#[test]
fn each_attempt_sees_the_device_of_its_slot() {
    let place = Place::new();
    place.suite(PRINTS);
    let args = ["run", "suite.toml", "--devices", "cuda:0,cuda:2"];
    place
        .start(&mut seeing(&place, "4,5,GPU-6f", &args))
        .wait()
        .expect(100);
    let journal = place.journal();
    assert_eq!(journal.ended.len(), 12);
    assert_blocks_are_whole(&journal);
    for ended in &journal.ended {
        let visible = ["4", "GPU-6f"][ended.device.unwrap() as usize];
        assert_eq!(printed(&place, ended), format!("{visible} cuda:0"));
    }
    let run = &journal.opened[0].run;
    assert_eq!((run.jobs, run.device.as_str()), (2, "cuda:*"));
    let devices: Vec<_> = run
        .devices
        .iter()
        .map(|d| (&*d.name, d.uuid.as_deref()))
        .collect();
    assert_eq!(devices, [("cuda:0", None), ("cuda:2", Some("GPU-6f"))]);
    let json = place.json();
    assert_eq!(json["run"]["device"], "cuda:0, cuda:2");
    let rounds = |index: usize| {
        json["devices"][index]["first_attempt"]["n"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(rounds(0) + rounds(1), 12);
    let csv = place
        .crashrate(&["report", "--format", "csv"])
        .expect(0)
        .stdout;
    assert_eq!(csv.matches(",cuda:2,").count() as u64, rounds(1), "{csv}");
}

#[test]
fn all_visible_devices_are_used_with_several_attempts_each() {
    let place = Place::new();
    place.suite(PRINTS);
    let args = ["run", "suite.toml", "--device", "cuda:*", "--jobs", "6"];
    place
        .start(&mut seeing(&place, "0,1,2", &args))
        .wait()
        .expect(100);
    let journal = place.journal();
    assert_blocks_are_whole(&journal);
    assert_eq!(journal.opened[0].run.devices.len(), 3);
    assert_eq!(journal.opened[0].run.jobs, 6);
}

#[test]
fn devices_that_cannot_be_used_are_refused() {
    let place = Place::new();
    place.suite(PRINTS);
    for (visible, args, problem) in [
        (
            "",
            &["--device", "cuda:*"][..],
            "device cuda:*: no GPU is visible",
        ),
        (
            "3",
            &["--devices", "cuda:0,cuda:1"],
            "cuda:1: there is no such device: 1 visible",
        ),
        (
            "1,2",
            &["--devices", "cuda:1,cuda:1"],
            "cuda:1 is named twice",
        ),
        ("1,2", &["--devices", "mps"], "`mps` is not a CUDA device"),
        (
            "1,2",
            &["--device", "cuda:*", "--jobs", "3"],
            "--jobs 3: must be a multiple of the number of devices, 2",
        ),
    ] {
        let args = [&["run", "suite.toml"], args].concat();
        let done = place
            .start(&mut seeing(&place, visible, &args))
            .wait()
            .expect(96);
        assert!(done.stderr.contains(problem), "{}", done.stderr);
    }
    let sequence =
        "[[sequence]]\nid = \"s\"\nchapters = [\"one\", \"two\"]\ncommand = [\"true\"]\n";
    place.suite(&(PRINTS.to_owned() + sequence));
    let minimize = ["minimize", "suite.toml", "--devices", "cuda:0,cuda:1"];
    let done = place
        .start(&mut seeing(&place, "1,2", &minimize))
        .wait()
        .expect(96);
    assert!(
        done.stderr
            .contains("a search runs on one device: choose it with --device cuda:N"),
        "{}",
        done.stderr
    );
}

/// A command may find a device that crashrate does not, so it is started.
#[cfg(target_os = "linux")]
#[test]
fn a_device_that_cannot_be_here_is_warned_about() {
    let place = Place::new();
    let run = ["run", "-n", "1", "--device", "mps", "--", "true"];
    let done = place.crashrate(&run).expect(0);
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = "mps: MPS needs macOS on Apple silicon; the commands are started all the same";
    assert!(said.contains(says), "{said}");
}

#[test]
fn a_plan_for_all_devices_leaves_jobs_and_the_probe_to_each_machine() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\nrounds = 4\ncommand = [\"true\"]\n");
    let plan = ["plan-file", "suite.toml", "-o", "p.json", "--device"];
    place
        .crashrate(&[&plan[..], &["cuda:*"]].concat())
        .expect(0);
    let run = ["run", "p.json", "-j", "4", "--probe", "true"];
    place
        .start(&mut seeing(&place, "1,2", &run))
        .wait()
        .expect(0);
    place
        .start(&mut seeing(&place, "1", &run[..2]))
        .wait()
        .expect(0);
    let opened: Vec<_> = (place.runs().iter())
        .map(|run| Journal::read(run).opened[0].run.clone())
        .collect();
    assert_eq!([opened[0].jobs, opened[1].jobs], [4, 1]);
    assert_eq!(opened[0].plan, opened[1].plan);
    let report = place.crashrate(&["report", "1", "--full"]).expect(0).stdout;
    assert!(says(&report, "cuda:0, cuda:1"), "{report}");
    assert!(!report.contains("requested"), "{report}");
    // A plan for one device has these options.
    place
        .crashrate(&[&plan[..], &["cuda:0"]].concat())
        .expect(0);
    let done = place.start(&mut seeing(&place, "1,2", &run)).wait();
    let problem = "has the plan with all its options";
    assert!(done.expect(96).stderr.contains(problem));
}

/// Waits for a file `go` in round 1.
const WAITS: &str = r#"
[defaults]
rounds = 2

[[chapter]]
id = "wait"
command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
"#;

#[test]
fn a_device_is_used_by_one_run_at_a_time() {
    let place = Place::new();
    place.suite(WAITS);
    let run = ["run", "suite.toml", "--device", "cuda:1"];
    let first = place.start(&mut seeing(&place, "7,8", &run));
    until("the first run has started", || {
        !place.journal_so_far().started.is_empty()
    });
    // The same device under another number.
    let two = ["run", "suite.toml", "--devices", "cuda:0,cuda:1"];
    let second = place.start(&mut seeing(&place, "9,8", &two));
    let waiting = "waiting for cuda:1: in use by crashrate run 1 (pid ";
    until("the second run waits", || second.stderr().contains(waiting));
    let third = place.start(&mut seeing(
        &place,
        "8",
        &["run", "suite.toml", "--device", "cuda"],
    ));
    until("the third run waits", || {
        third.stderr().contains("waiting for cuda:0")
    });
    third.signal(Signal::SIGINT);
    assert_eq!(third.wait().code(), -(Signal::SIGINT as i32));
    assert_eq!(place.runs().len(), 1, "a run that waits has no folder");
    let unlocked = [&run[..], &["--no-device-lock"]].concat();
    let unlocked = place.start(&mut seeing(&place, "7,8", &unlocked));
    until("a run without a lock has started", || {
        place.runs().len() == 2
    });
    place.write("go", "");
    first.wait().expect(0);
    unlocked.wait().expect(0);
    second.wait().expect(0);
    let locks = fs::read_dir(place.path().join("locks")).unwrap();
    let mut names: Vec<_> = locks.map(|lock| lock.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["cuda-8", "cuda-9"]);
}

#[test]
fn a_lock_is_not_taken_through_a_link() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n");
    let precious = place.write("precious", "precious");
    fs::create_dir(place.path().join("locks")).unwrap();
    std::os::unix::fs::symlink(&precious, place.path().join("locks/cuda-3")).unwrap();
    fs::hard_link(&precious, place.path().join("locks/cuda-4")).unwrap();
    for (visible, problem) in [("3", "a symbolic link"), ("4", "several names")] {
        let run = ["run", "suite.toml", "--device", "cuda"];
        let done = place
            .start(&mut seeing(&place, visible, &run))
            .wait()
            .expect(0);
        assert!(
            done.stderr.contains("the lock of cuda:0 cannot be taken"),
            "{}",
            done.stderr
        );
        assert!(done.stderr.contains(problem), "{}", done.stderr);
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
}

#[test]
fn a_resumed_run_keeps_the_devices_of_its_blocks() {
    let place = Place::new();
    place.suite(
        r#"
[defaults]
rounds = 4

[[chapter]]
id = "quick"
command = ["true"]

[[chapter]]
id = "waits"
command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
"#,
    );
    let run = ["run", "suite.toml", "--devices", "cuda:0,cuda:1"];
    let live = place.start(&mut place.command(&run));
    until("both devices wait", || {
        let journal = place.journal_so_far();
        let waits = |unit| journal.name(unit) == "waits";
        journal.started.iter().filter(|s| waits(s.unit)).count() == 2
    });
    live.signal(Signal::SIGKILL);
    live.wait();
    place.write("go", "");
    // Two attempts are lost, and run again.
    place.crashrate(&["run", "--resume", "latest"]).expect(106);
    let mut journal = place.journal();
    journal.ended.retain(|ended| ended.outcome != Outcome::Lost);
    assert_eq!(journal.ended.len(), 8);
    assert_blocks_are_whole(&journal);
}
