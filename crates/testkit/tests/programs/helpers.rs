//! The testkit's inspection of live processes.

use std::process::Command;

use crashrate_model::Exit;
use crashrate_protocol::env;
use crashrate_testkit::processes::{KillAtEnd, run_watched, wait_until_gone};
use crashrate_testkit::{no_core_dumps, peak_memory, processes_with_marker, programs};

#[test]
fn marked_processes_are_found_until_they_are_gone() {
    let run_id = format!("helpers-{}", std::process::id());
    let marker = KillAtEnd(run_id.clone());
    assert!(processes_with_marker(&run_id).is_empty());
    let mut child = Command::new(&programs().misbehave)
        .args(["sleep", "300"])
        .env(env::RUN_ID, &run_id)
        .spawn()
        .unwrap();
    assert_eq!(processes_with_marker(&run_id), [child.id()]);
    assert!(processes_with_marker(&run_id[1..]).is_empty());
    drop(marker);
    child.wait().unwrap();
    assert!(wait_until_gone(&run_id, std::time::Duration::ZERO).is_empty());
}

#[test]
fn peak_memory_is_measured() {
    let large = std::hint::black_box(vec![1u8; 50_000_000]);
    let peak = peak_memory(std::process::id()).unwrap();
    assert!(peak > large.len() as u64, "{peak}");
    assert_eq!(peak_memory(u32::MAX >> 1), None);
}

#[test]
fn a_watched_program_is_measured() {
    no_core_dumps();
    let mut hang = Command::new("sh");
    hang.args(["-c", "echo said; echo wrong >&2; sleep 0.1; exit 5"]);
    let watched = run_watched(&mut hang).unwrap();
    assert_eq!(watched.exit, Exit::Code(5));
    assert_eq!((&*watched.stdout, &*watched.stderr), ("said\n", "wrong\n"));
    assert!(watched.peak_memory > 0);
    assert!(watched.took.as_millis() >= 100);
}
