//! The `[limits]` of a suite: they are set, recorded, and distinguished from other deaths.

use crashrate_model::{Exit, Outcome};

use crate::util::{Place, row};

/// Limits use a cgroup where one can be created, and rlimits elsewhere. The report names the
/// mechanism.
#[test]
fn are_set_and_on_record() {
    let place = Place::new();
    place.suite(
        r#"
        [limits]
        memory = "256MiB"
        cpu = "1s"
        file-size = "1MB"

        [defaults]
        rounds = 1

        [[chapter]]
        id = "file"
        command = ["sh", "-c", "exec head -c 5000000 /dev/zero > file"]

        [[chapter]]
        id = "cpu"
        command = ["sh", "-c", "while :; do :; done"]

        [[chapter]]
        id = "memory"
        command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=900M", "count=1"]

        [[chapter]]
        id = "own"
        limits = { file-size = "10MB" }
        command = ["sh", "-c", "head -c 5000000 /dev/zero > own"]
        "#,
    );
    let done = place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    let file = journal.only_end_of("file");
    assert_eq!(file.outcome, Outcome::Crashed, "{file:?}");
    let reason = file.reason.as_deref();
    assert_eq!(
        reason,
        Some("SIGXFSZ: a file reached its limit of 976.6 KiB")
    );
    let cpu = journal.only_end_of("cpu");
    assert_eq!(cpu.outcome, Outcome::TimedOut, "{cpu:?}");
    assert_eq!(cpu.exit, Some(Exit::Signal("SIGXCPU".into())));
    assert_eq!(
        cpu.reason.as_deref(),
        Some("killed after its 1 s of CPU time")
    );
    let memory = journal.only_end_of("memory");
    // Under a cgroup the kernel kills it; with an rlimit its allocation fails.
    assert!(
        matches!(memory.outcome, Outcome::Failed | Outcome::OutOfMemory),
        "{memory:?}"
    );
    assert_eq!(journal.only_end_of("own").outcome, Outcome::Passed);

    let json = place.json();
    let limits = json["run"]["limits"].as_object().unwrap();
    assert_eq!(limits["cpu"], "1 s, of each process (rlimit)");
    assert!(
        limits["memory"].as_str().unwrap().starts_with("256 MiB, "),
        "{limits:?}"
    );
    assert!(
        limits["file-size of `own`"]
            .as_str()
            .unwrap()
            .starts_with("9.5 MiB, ")
    );
    assert!(
        place.full().contains("Limit of each attempt: cpu 1 s"),
        "{}",
        place.full()
    );
    if memory.outcome == Outcome::Failed {
        // Without a cgroup the run warns once, and mentions CUDA if the device may be CUDA.
        assert_eq!(
            done.stderr.matches("memory limit: ").count(),
            1,
            "{}",
            done.stderr
        );
        let cuda = place.crashrate(&["run", "suite.toml", "--device", "auto", "--chapter", "own"]);
        assert!(
            cuda.stderr.contains("CUDA reserves far more"),
            "{}",
            cuda.stderr
        );
    }
}

/// A SIGKILL from outside is a crash. It would count as out of memory only if the kernel recorded
/// that.
#[test]
fn a_foreign_sigkill_is_not_out_of_memory() {
    let place = Place::new();
    place.suite(
        r#"
        [limits]
        processes = 1000
        [[chapter]]
        id = "x"
        rounds = 1
        command = ["sh", "-c", "kill -9 $$"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    let ended = journal.only_end_of("x");
    assert_eq!(ended.outcome, Outcome::Crashed);
    let reason = ended.reason.as_deref().unwrap();
    assert_eq!(reason, "SIGKILL from outside");
    assert!(
        ended.notes[0].starts_with("its peak memory was "),
        "{ended:?}"
    );
    assert!(row(&place.json()["chapters"], "chapter", "x")["signals"]["SIGKILL"] == 1);
}
