//! The task on standard input, and events on their descriptor.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use serde_json::json;

use crate::support::{chapter, run_task, send_task, task, with_events};

#[test]
fn a_failed_chapter_does_not_stop_later_ones() {
    // With a tolerance of 0 the chapter fails: no product in single precision equals the one in
    // double precision exactly.
    let soak = json!({"id": "exact", "worker": "matmul-soak",
        "params": {"threads": 2, "duration": "50ms", "tolerance": 0}});
    let ended = run_task(&task(
        &[soak, chapter("after", "thread-safety", &json!({}))],
        "cpu",
    ));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(
        ended.story(),
        [
            "hello",
            "chapter-started",
            "chapter-failed",
            "chapter-started",
            "chapter-passed"
        ]
    );
    let failed = ended
        .events
        .iter()
        .find(|e| e["event"] == "chapter-failed")
        .unwrap();
    assert_eq!(failed["chapter"], "exact");
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.contains("a product is"), "{reason}");
    assert!(ended.measure("errors", "").unwrap() > 0.0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[test]
fn hello_names_the_device_and_the_versions() {
    let ended = run_task(&task(&[chapter("it", "encoder-layer", &json!({}))], "cpu"));
    let hello = &ended.events[0];
    assert_eq!(hello["device"], "cpu");
    for library in ["libtorch", "tch"] {
        let version = hello["versions"][library].as_str().unwrap();
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{hello}");
    }
    assert!(ended.events.iter().all(|event| event["v"] == 1));
}

#[test]
fn unused_parameters_are_noted() {
    let params = json!({"threads": 1, "duration": "20ms", "size": 16, "layers": 3});
    let soak = json!({"id": "it", "worker": "matmul-soak", "params": params});
    let ended = run_task(&task(&[soak], "cpu"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let note = ended.events.iter().find(|e| e["event"] == "note").unwrap();
    assert_eq!(note["text"], "matmul-soak ignores the parameter layers");
}

#[test]
#[cfg_attr(target_os = "macos", ignore = "macOS has mps")]
fn a_missing_device_is_unavailable() {
    let ended = run_task(&task(&[chapter("it", "thread-safety", &json!({}))], "mps"));
    ended.assert_refused(3, "no mps");
    assert_eq!(ended.story(), ["unavailable"]);
    assert!(
        ended.events[0]["reason"]
            .as_str()
            .unwrap()
            .contains("no mps")
    );
}

#[test]
fn invalid_tasks_are_rejected_before_anything_runs() {
    let good = chapter("good", "thread-safety", &json!({}));
    let with = |more| task(&[good.clone(), more], "cpu");
    for (line, said) in [
        (
            task(std::slice::from_ref(&good), "gpu"),
            "unknown device \"gpu\"",
        ),
        (
            with(json!({"id": "x", "worker": "y"})),
            "no chapter \"y\"; it has thread-safety,",
        ),
        (
            with(chapter("x", "correctness", &json!({}))),
            "unknown parameter \"threads\"; it takes inputs",
        ),
        (
            with(chapter("x", "scaling", &json!({"heads": 5}))),
            "\"heads\" (5) must divide \"d_model\" (32)",
        ),
    ] {
        let ended = run_task(&line);
        ended.assert_refused(2, said);
        assert_eq!(ended.story(), [""; 0]);
    }
}

#[test]
fn the_worker_exits_if_the_events_pipe_is_closed() {
    let mut child = with_events();
    drop(child.stdout.take());
    let soak = json!({"id": "it", "worker": "matmul-soak", "params": {"threads": 1}});
    send_task(&mut child, &task(&[soak], "cpu"));
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(4));
}

#[test]
fn the_worker_does_not_catch_a_fatal_signal() {
    let mut child = with_events();
    let soak = json!({"id": "it", "worker": "matmul-soak", "params": {"threads": 2}});
    send_task(&mut child, &task(&[soak], "cpu"));
    // A progress event shows that the worker is in the middle of the chapter.
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    while !seen.contains("progress") {
        let read = child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    // `exec` turned the shell into the worker, so the child's pid is the worker's.
    let kill = Command::new("kill")
        .args(["-ABRT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(6));
    assert!(seen.contains("chapter-started"));
}
