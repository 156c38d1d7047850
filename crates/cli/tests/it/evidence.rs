//! Evidence of real crashes: class, fault address and function. Tracing changes nothing else.

use std::fs;

use crashrate_model::{Ended, Outcome};
use crashrate_testkit::catalogue::isolated_suite;
use crashrate_testkit::{Case, catalogue, programs};
use serde_json::Value;

use crate::util::{Journal, Place};

/// A kind of `misbehave`, the class of its death, the beginning of its fault address (empty if it
/// has none), and a part of its signature.
const DEATHS: &[(&str, &str, &str, &str)] = &[
    (
        "segfault",
        "SEGV_NULL",
        "0x0",
        "misbehave!crashrate_testkit::misbehave::faults::write_to_null",
    ),
    (
        "segfault-thread",
        "SEGV_NULL",
        "0x0",
        "faults::write_to_null",
    ),
    ("segfault-wild", "SEGV_WILD", "0x5eed", "faults::write_wild"),
    (
        "segfault-non-canonical",
        "SEGV_NONCANON",
        "",
        "faults::write_non_canonical",
    ),
    (
        "jump-nowhere",
        "SEGV_NULL",
        "0x1",
        "(outside of every module) < misbehave!crashrate_testkit::misbehave::faults::jump_nowhere",
    ),
    ("bus-error", "SIGBUS", "0x", "faults::write_beyond_the_file"),
    (
        "illegal-instruction",
        "SIGILL",
        "0x",
        "faults::illegal_instruction",
    ),
    ("divide", "SIGFPE", "0x", "faults::divide"),
    ("abort", "SIGABRT", "", "misbehave!"),
    ("uncaught-exception", "ABRT_TERMINATE", "", "throw"),
    (
        "double-free",
        "ABRT_MALLOC",
        "",
        "free < misbehave!crashrate_testkit::misbehave::faults::double_free",
    ),
    ("stack-overflow", "SEGV_STACK", "0x", "faults::recurse"),
    (
        "stack-overflow-plain",
        "SEGV_STACK",
        "0x",
        "faults::recurse",
    ),
    (
        "verdict-then-segfault",
        "SEGV_NULL",
        "0x0",
        "faults::write_to_null",
    ),
    (
        "exec-other-segfault",
        "SEGV_NULL",
        "0x0",
        "faults::write_to_null",
    ),
    (
        "exec-other-thread-segfault",
        "SEGV_NULL",
        "0x0",
        "faults::write_to_null",
    ),
    ("hang", "HANG", "", "misbehave::hangs::"),
    ("kill-self", "SIGKILL", "", "no stack"),
];

#[test]
fn every_death_has_its_class_its_address_and_its_function() {
    let place = Place::new();
    let known = |case: &Case| DEATHS.iter().any(|(name, ..)| *name == case.name);
    let cases: Vec<Case> = catalogue().into_iter().filter(known).collect();
    assert_eq!(
        cases.len(),
        DEATHS.len(),
        "{:?}",
        cases.iter().map(|c| &c.name).collect::<Vec<_>>()
    );
    let suite = isolated_suite(&cases, programs());
    place.suite(&suite[suite.find("[[chapter]]").unwrap()..]);
    place
        .crashrate(&[
            "run",
            "suite.toml",
            "--evidence=trace",
            "--mode",
            "isolated",
            "--rounds",
            "1",
        ])
        .expect(100);
    let journal = place.journal();
    for (name, class, address, signature) in DEATHS {
        let file = crash_file(&place, journal.only_end_of(name));
        assert_eq!(file["class"], *class, "{name}: {file:#}");
        let found = file["fault"]["address"].as_str().unwrap_or_default();
        assert_eq!(found.is_empty(), address.is_empty(), "{name}: {file:#}");
        assert!(found.starts_with(address), "{name}: {file:#}");
        let full = file["signature"].as_str().unwrap();
        assert!(
            full.starts_with("v1 | ") && full.contains(signature),
            "{name}: {full}"
        );
    }
}

fn crash_file(place: &Place, ended: &Ended) -> Value {
    let crash = ended.crash.as_ref().unwrap_or_else(|| panic!("{ended:?}"));
    let file = place
        .runs()
        .last()
        .unwrap()
        .join(crash.file.as_ref().unwrap());
    let value: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(value["signature"], *crash.signature);
    value
}

/// The standard output of a successful command.
fn output(place: &Place, args: &[&str]) -> String {
    place.crashrate(args).expect(0).stdout
}

/// Runs a command, traced unless the options say otherwise, and returns the end of each round.
fn rounds(place: &Place, options: &[&str], command: &[&str]) -> Vec<Ended> {
    let mut args = vec!["run"];
    if !options
        .iter()
        .any(|option| option.starts_with("--evidence"))
    {
        args.push("--evidence=trace");
    }
    args.extend(options);
    args.push("--");
    args.extend(command);
    place.crashrate(&args);
    Journal::read(place.runs().last().unwrap()).ended
}

#[test]
fn two_crash_sites_are_two_signatures_with_their_counts() {
    let place = Place::new();
    let misbehave = programs().misbehave.display().to_string();
    // Of 60 rounds, 12 are divisible by 5, and 10 leave a remainder of 1 when divided by 6. Two are
    // both; they die at the first condition.
    let script = format!(
        "[ $((CRASHRATE_ROUND % 5)) = 0 ] && exec {misbehave} segfault; \
         [ $((CRASHRATE_ROUND % 6)) = 1 ] && exec {misbehave} double-free; exit 0"
    );
    rounds(&place, &["--rounds", "60"], &["sh", "-c", &script]);
    let crashes = place.json()["crashes"].clone();
    let counts: Vec<(u64, bool)> = (crashes.as_array().unwrap().iter())
        .map(|c| {
            (
                c["count"].as_u64().unwrap(),
                c["signature"].as_str().unwrap().contains("write_to_null"),
            )
        })
        .collect();
    assert_eq!(counts, [(12, true), (8, false)], "{crashes:#}");
    let first = &crashes[0]["places"][0];
    assert_eq!(
        (&first["first_round"], &first["last_round"]),
        (&5.into(), &60.into())
    );
    assert_eq!(first["first_attempt"]["n"], 60);
    let repeat = crashes[0]["repeat"].as_str().unwrap();
    assert!(repeat.contains("--round 5 -- sh"), "{repeat}");

    let listed = output(&place, &["crashes"]);
    assert!(
        listed.contains("12/60") && listed.contains("8/60"),
        "{listed}"
    );
    for asked in ["1", "write_to_null"] {
        let whole = output(&place, &["crashes", "latest", asked]);
        assert!(
            whole.contains("#0 ") && whole.contains("SEGV_MAPERR") && whole.contains("rip="),
            "{whole}"
        );
    }
    let short = output(&place, &["report"]);
    assert!(short.contains("crashrate crashes 1 1\n"), "{short}");
    let terminal = output(&place, &["report", "--full"]);
    assert!(
        terminal.contains("\nCrashes\n  1  12x SEGV") && terminal.contains("again:\n  crashrate"),
        "{terminal}"
    );
}

#[test]
fn without_a_tracer_a_crash_counts_but_has_no_location() {
    let place = Place::new();
    let misbehave = programs().misbehave.display().to_string();
    for ended in rounds(
        &place,
        &["--rounds", "2", "--evidence=none"],
        &[&misbehave, "segfault"],
    ) {
        assert_eq!((ended.outcome, ended.crash), (Outcome::Crashed, None));
        assert!(ended.usage.is_some_and(|usage| usage.at_most));
    }
    assert_eq!(place.json()["run"]["evidence"], "none");
    rounds(&place, &["--rounds", "2"], &[&misbehave, "segfault"]);
    let compared = output(&place, &["compare", "1", "2"]);
    assert!(
        compared.contains("evidence differs: none in N=1, trace in N=2"),
        "{compared}"
    );
}

#[test]
fn tracing_does_not_change_what_children_do() {
    let place = Place::new();
    let python = "import subprocess, threading, os, signal, sys\n\
        signal.signal(signal.SIGUSR1, lambda *a: None)\n\
        for i in range(50): os.kill(os.getpid(), signal.SIGUSR1)\n\
        ts = [threading.Thread(target=lambda: None) for i in range(100)]\n\
        [t.start() for t in ts]; [t.join() for t in ts]\n\
        assert subprocess.run(['sh', '-c', 'exit 7']).returncode == 7\n\
        assert subprocess.run(['sh', '-c', 'kill -9 $$']).returncode == -9\n\
        pid = os.posix_spawn('/bin/true', ['true'], {})\n\
        assert os.waitpid(pid, 0)[1] == 0\n\
        pid = os.fork()\n\
        if pid == 0: os.kill(os.getpid(), signal.SIGSTOP); os._exit(5)\n\
        _, status = os.waitpid(pid, os.WUNTRACED)\n\
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP, status\n\
        os.kill(pid, signal.SIGCONT)\n\
        _, status = os.waitpid(pid, os.WCONTINUED)\n\
        if os.WIFCONTINUED(status): _, status = os.waitpid(pid, 0)\n\
        assert os.WEXITSTATUS(status) == 5, status\n\
        os.execvp('sh', ['sh', '-c', 'true | true; exit 3'])\n";
    let script = place.write("all.py", python).display().to_string();
    for options in [
        &["--rounds", "2"][..],
        &["--rounds", "2", "--evidence=none"],
    ] {
        for ended in rounds(&place, options, &["python3", &script]) {
            assert_eq!(ended.reason.as_deref(), Some("exit code 3"), "{ended:?}");
            assert_eq!(ended.notes, [""; 0], "{ended:?}");
        }
    }
}

#[test]
fn real_time_signals_and_very_short_children_are_handled() {
    let place = Place::new();
    let ends = rounds(&place, &["--rounds", "200"], &["true"]);
    assert_eq!(
        ends.iter().filter(|e| e.outcome == Outcome::Passed).count(),
        200
    );
    assert!(
        ends.iter()
            .all(|e| e.evidence.is_none() && e.usage.is_some())
    );
    let ends = rounds(
        &place,
        &["--rounds", "1"],
        &["sh", "-c", "trap : RTMIN+3; kill -37 $$; kill -38 $$"],
    );
    assert_eq!(ends[0].outcome, Outcome::Crashed, "{ends:?}");
}

/// The peak memory that the kernel reports for a child may include what crashrate itself used
/// before the exec. A peak above crashrate's own is therefore exact. A smaller one is an upper
/// bound, unless the tracer inspected the process.
#[test]
fn peak_memory_is_exact_or_marked_as_an_upper_bound() {
    let place = Place::new();
    let peaks = |options: &[&str], command: &[&str]| {
        let ends = rounds(&place, &[&["--rounds", "2"], options].concat(), command);
        ends.into_iter().map(|e| e.usage.unwrap())
    };
    // More than this test program uses, whose peak crashrate inherits.
    let large = ["python3", "-c", "b'x' * 1_000_000_000"];
    for options in [&[][..], &["--evidence=none"]] {
        for usage in peaks(options, &large) {
            assert!(!usage.at_most, "{usage:?}");
            assert!(
                (1000..1100).contains(&(usage.peak_bytes / 1_000_000)),
                "{usage:?}"
            );
        }
        for usage in peaks(options, &["true"]) {
            assert!(usage.at_most, "{usage:?}");
        }
    }
    let misbehave = programs().misbehave.display().to_string();
    for usage in peaks(&[], &[&misbehave, "segfault"]) {
        assert!(!usage.at_most, "{usage:?}");
        assert!(usage.peak_bytes < 8_000_000, "{usage:?}");
    }
}

#[test]
fn a_hang_behind_a_shell_shows_all_threads() {
    let place = Place::new();
    let misbehave = programs().misbehave.display().to_string();
    let command = format!("{misbehave} hang; true");
    let ends = rounds(
        &place,
        &["--rounds", "1", "--timeout", "3s"],
        &["sh", "-c", &command],
    );
    assert_eq!(ends[0].outcome, Outcome::TimedOut);
    let file = crash_file(&place, &ends[0]);
    assert!(
        file["signature"]
            .as_str()
            .unwrap()
            .contains("misbehave::hangs::"),
        "{file:#}"
    );
    assert_eq!(file["threads"].as_array().unwrap().len(), 2, "{file:#}");
}

/// A failed exec counts as not started, even if a tracer waits for it.
#[test]
fn a_program_that_cannot_be_executed_is_not_started() {
    let place = Place::new();
    let script = place
        .program("bad", "#!/nowhere/at/all\n")
        .display()
        .to_string();
    for ended in rounds(&place, &["--rounds", "20"], &[&script]) {
        assert_eq!(ended.outcome, Outcome::NotStarted, "{ended:?}");
    }
}
