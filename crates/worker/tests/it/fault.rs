//! Fault injection: a real crash in libtorch when requested, and none otherwise.

use serde_json::{Value, json};

use crate::support::{Ended, chapter, run_task};

const SIGSEGV: i32 = 11;
/// The number of processes of which at least one must crash. Nearly every one does.
const PROCESSES: u32 = 10;

/// Runs two layer-norm chapters in one process: the first leaves contexts behind, the second reuses
/// them.
fn run(iterations: u64, fault: &Value) -> Ended {
    let norms = |id, iterations| {
        let more = json!({
            "heads": null, "feed_forward": null, "threads": 4, "iterations": iterations, "d_model": 256, "sequence": 32,
        });
        chapter(id, "layer-norm-stress", &more)
    };
    let chapters = [norms("leaves", 10), norms("takes", iterations)];
    let task = json!({"v": 1, "chapters": chapters, "device": "cpu", "seed": 7, "fault": fault});
    run_task(&task.to_string())
}

fn fault(dose: u32, carry_over: bool) -> Value {
    json!({"kind": "tensor-lifetime", "dose": dose, "carry_over": carry_over})
}

fn left(ended: &Ended) -> Vec<f64> {
    let left = ended.events.iter().filter(|e| e["name"] == "contexts_left");
    left.map(|e| e["value"].as_f64().unwrap()).collect()
}

#[test]
fn nothing_happens_without_a_fault() {
    let ended = run(2000, &Value::Null);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(left(&ended), [0.0; 0]);
    assert!(ended.events.iter().all(|e| e["event"] != "note"));
}

#[test]
fn contexts_left_by_a_chapter_crash_the_next_one() {
    let died = (0..PROCESSES).find_map(|_| {
        let ended = run(20_000, &fault(100_000, true));
        (ended.code != Some(0)).then_some(ended)
    });
    let ended = died.expect("at least one process crashes");
    assert_eq!(ended.signal, Some(SIGSEGV), "{ended:?}");
    assert_eq!(left(&ended), [5.0]);
    let story = [
        "hello",
        "note",
        "chapter-started",
        "chapter-passed",
        "chapter-started",
    ];
    assert_eq!(ended.story(), story);
    let note = ended.events.iter().find(|e| e["event"] == "note").unwrap();
    let text = note["text"].as_str().unwrap();
    assert!(text.contains("dose 100000"), "{text}");
}

#[test]
fn without_carry_over_nothing_crashes() {
    let ended = run(2000, &fault(100_000, false));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(left(&ended), [0.0, 0.0]);
}

#[test]
fn with_dose_0_contexts_are_only_reused() {
    let ended = run(2000, &fault(0, true));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(left(&ended), [5.0, 5.0]);
    assert_eq!(ended.measure("errors", ""), Some(0.0));
}

#[test]
fn the_fault_is_injected_only_on_its_devices() {
    let mut nowhere = fault(100_000, true);
    nowhere["on"] = json!([]);
    let ended = run(2000, &nowhere);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(left(&ended), [0.0; 0]);
    let note = ended.events.iter().find(|e| e["event"] == "note").unwrap();
    assert_eq!(note["text"], "the fault is not injected on cpu");
}

#[test]
fn invalid_faults_are_rejected() {
    let mut on_a_gpu = fault(10, true);
    on_a_gpu["on"] = json!(["cpu", "mps"]);
    for (asked, said) in [
        (
            json!({"kind": "dice", "dose": 10}),
            "unknown variant `dice`",
        ),
        (json!({"kind": "tensor-lifetime"}), "missing field `dose`"),
        (json!({"kind": "tensor-lifetime", "dose": -1}), "`-1`"),
        (json!({"kind": "tensor-lifetime", "dose": 1, "x": 1}), "`x`"),
        (on_a_gpu, "on \"mps\""),
    ] {
        let ended = run(1, &asked);
        ended.assert_refused(2, "fault: ");
        ended.assert_refused(2, said);
    }
}
