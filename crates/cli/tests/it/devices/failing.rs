//! Devices that stop working.

use crashrate_model::{Outcome, StopReason};
use nix::sys::signal::Signal;

use super::{assert_blocks_are_whole, says, seeing};
#[cfg(target_os = "linux")]
use crate::full_disk::small_disk;
#[cfg(target_os = "linux")]
use crate::util::skip;
use crate::util::{Place, until};

/// Two chapters that crash, and a probe that fails on device 5.
const CRASHES: &str = r#"
probe = ["./probe", "--quick"]

[defaults]
rounds = 6

[[chapter]]
id = "one"
command = ["sh", "-c", "kill -SEGV $$"]

[[chapter]]
id = "two"
command = ["sh", "-c", "kill -SEGV $$"]
"#;

const ON_CUDA: [&str; 6] = [
    "run",
    "suite.toml",
    "--device",
    "cuda",
    "--evidence",
    "none",
];

const PROBE: &str = r#"#!/bin/sh
[ "$CUDA_VISIBLE_DEVICES" != 5 ] && exit 0
echo "Xid 79: GPU has fallen off the bus" >&2
exit 1
"#;

fn with_probe(script: &str) -> Place {
    let place = Place::new();
    place.suite(CRASHES);
    place.program("probe", script);
    place
}

#[test]
fn nothing_is_started_on_a_device_that_stopped_working() {
    let place = with_probe(PROBE);
    let args = [
        "run",
        "suite.toml",
        "--devices",
        "cuda:0,cuda:1",
        "--evidence",
        "none",
    ];
    let done = place
        .start(&mut seeing(&place, "4,5", &args))
        .wait()
        .expect(106);
    let reason = "cuda:1 stopped working after round ";
    let probe = " (probe `./probe` ended with exit status: 1: Xid 79: GPU has fallen off the bus)";
    for part in [reason, probe, ": nothing more is started on it"] {
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
    assert!(says(&done.stdout, reason), "{}", done.stdout);
    let journal = place.journal();
    assert_blocks_are_whole(&journal);
    let of = |device: u32| {
        journal
            .ended
            .iter()
            .filter(move |e| e.device == Some(device))
    };
    let outcomes: Vec<Outcome> = of(1).map(|ended| ended.outcome).collect();
    assert_eq!(outcomes, [Outcome::Crashed, Outcome::NotStarted]);
    let reasons: Vec<_> = of(1).filter_map(|ended| ended.reason.as_deref()).collect();
    assert!(
        reasons.contains(&"cuda:1 does not work any more"),
        "{reasons:?}"
    );
    assert_eq!(
        of(0)
            .filter(|ended| ended.outcome == Outcome::Crashed)
            .count(),
        10
    );
    // The rest is measured when the device works again.
    place.program("probe", "#!/bin/sh\n");
    place
        .crashrate(&["run", "--resume", "latest", "--evidence", "none"])
        .expect(100);
    assert_eq!(place.json()["run"]["complete"], true);
}

#[test]
fn a_run_ends_with_its_only_device() {
    let place = with_probe("#!/bin/sh\nexit 3\n");
    let done = place.crashrate(&ON_CUDA).expect(106);
    let sentence = "cuda stopped working after round 1 (probe `./probe` ended with exit status: 3)";
    assert!(done.stderr.contains(sentence), "{}", done.stderr);
    assert!(says(&done.stdout, sentence), "{}", done.stdout);
    let journal = place.journal();
    assert_eq!(journal.ended.len(), 1);
    assert_eq!(journal.closed[0].why, StopReason::DeviceFailed);
}

#[test]
fn a_device_that_answers_the_second_time_works() {
    let place = with_probe("#!/bin/sh\n[ -e asked ] || { touch asked; exit 1; }\n");
    let done = place.crashrate(&ON_CUDA).expect(100);
    assert!(!done.stdout.contains("stopped working"), "{}", done.stdout);
    assert_eq!(place.journal().ended.len(), 12);
}

/// The device dies in the first traced round after the counted ones.
#[test]
fn no_evidence_round_follows_on_a_device_that_stopped_working() {
    let place = with_probe("#!/bin/sh\necho >> asked; [ $(wc -l < asked) -le 2 ]\n");
    let run = ["run", "suite.toml", "--device", "cuda", "--rounds", "1"];
    let done = place.crashrate(&run).expect(100);
    let sentence = "cuda stopped working after round 1";
    assert!(says(&done.stdout, sentence), "{}", done.stdout);
    let journal = place.journal();
    assert_eq!((journal.ended.len(), journal.evidence.len()), (2, 1));
    assert_eq!(journal.closed[0].why, StopReason::Done);
}

#[test]
fn ctrl_c_ends_a_probe() {
    let place = with_probe("#!/bin/sh\ntouch asked; sleep 600\n");
    let live = place.start(&mut place.command(&ON_CUDA));
    until("the probe runs", || place.path().join("asked").exists());
    live.signal(Signal::SIGUSR1);
    live.says("asking cuda whether it works, for at most 1 min");
    live.signal(Signal::SIGINT);
    live.wait().expect(106);
    let journal = place.journal();
    assert_eq!(journal.closed[0].why, StopReason::Interrupted);
    assert_eq!(journal.ended.len(), 1, "its result is on record");
}

#[test]
fn a_probe_that_is_not_here_is_refused_at_the_start() {
    let place = with_probe("#!/bin/sh\n");
    let run = ["run", "suite.toml", "--device", "cuda", "--probe"];
    for (probe, says) in [
        ("./nosuch", "there is no program"),
        (
            "nosuch-probe",
            "there is no program `nosuch-probe` on the PATH",
        ),
        ("./suite.toml", "is not executable"),
    ] {
        let error = place.crashrate(&[&run[..], &[probe]].concat()).expect(96);
        assert!(error.stderr.contains(says), "{}", error.stderr);
    }
    assert!(place.runs().is_empty(), "nothing was measured");
}

/// The suite is in another folder.
#[test]
fn a_probe_of_the_command_line_is_found_from_here() {
    let place = Place::new();
    place.write(
        "sub/suite.toml",
        format!("[suite]\nname = \"x\"\n{CRASHES}"),
    );
    place.program("here", "#!/bin/sh\ntouch asked\n");
    let run = ["run", "sub/suite.toml", "--device", "cuda", "--probe"];
    place
        .crashrate(&[&run[..], &["./here", "--evidence", "none"]].concat())
        .expect(100);
    assert!(place.path().join("sub/asked").exists());
    assert_eq!(place.journal().ended.len(), 12);
}

#[test]
fn a_merged_run_says_which_device_failed_and_when() {
    let place = with_probe(PROBE);
    let plan = "plan-file suite.toml -o plan.json --device cuda:* --evidence none";
    place.crashrate(&Vec::from_iter(plan.split(' '))).expect(0);
    for (shard, visible, code) in [("1/2", "4", 100), ("2/2", "5", 106)] {
        let run = format!("run plan.json --runs-dir shards --shard {shard}");
        let mut command = seeing(&place, visible, &Vec::from_iter(run.split(' ')));
        place.start(&mut command).wait().expect(code);
    }
    let merged = place.crashrate(&["merge", "shards", "-o", "m"]).expect(106);
    for words in [
        "Shard 2 stopped early because no working device was left.",
        "stopped working after round 2 (probe `./probe` ended with exit status: 1",
    ] {
        assert!(says(&merged.stdout, words), "{words}: {}", merged.stdout);
    }
}

/// As root on Linux: the journal of the run is on a small disk.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_a_probe() {
    let place = with_probe("#!/bin/sh\ntouch asked; sleep 20; touch finished\n");
    place.suite(
        r#"
probe = ["./probe"]

[defaults]
rounds = 1

[[chapter]]
id = "crashes"
command = ["sh", "-c", "kill -SEGV $$"]

[[chapter]]
id = "fills"
command = ["sh", "-c", "while [ ! -e asked ]; do sleep 0.02; done; cat /dev/zero > runs/filler"]

# Their records need more than is left of the journal's last page.
[[chapter]]
id = "quick"
rounds = 1000
command = ["true"]
"#,
    );
    let Some(_disk) = small_disk(&place, 1024) else {
        return skip("a small disk can be mounted only by root");
    };
    let run = [&ON_CUDA[..], &["--jobs", "2"]].concat();
    place.crashrate(&run).expect(110);
    assert!(place.path().join("asked").exists());
    assert!(!place.path().join("finished").exists());
}
