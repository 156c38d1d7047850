//! Each chapter at a small size: its verdict and measures.

use serde_json::{Value, json};

use crate::support::{Ended, chapter, run_task, task};

/// Runs one small chapter, which must pass.
fn passed(worker: &str, more: &Value) -> Ended {
    let ended = run_task(&task(&[chapter("it", worker, more)], "cpu"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.story(),
        ["hello", "chapter-started", "chapter-passed"],
        "{ended:?}"
    );
    assert!(ended.events.iter().any(|e| e["event"] == "progress"));
    ended
}

fn assert_operations(ended: &Ended, expected: f64) {
    assert_eq!(ended.measure("operations", ""), Some(expected));
    assert_eq!(ended.measure("operations_expected", ""), Some(expected));
    assert_eq!(ended.measure("errors", ""), Some(0.0));
    assert!(ended.measure("throughput", "").unwrap() > 0.0);
    assert_eq!(ended.unit("throughput"), Some("ops/s"));
    assert!(ended.measure("elapsed", "").unwrap() > 0.0);
    assert_eq!(ended.unit("elapsed"), Some("s"));
    assert!(ended.measure("difference_max", "").unwrap() <= 1e-5);
}

#[test]
fn thread_safety() {
    assert_operations(&passed("thread-safety", &json!({})), 4.0);
}

#[test]
fn thread_safety_with_a_limit_in_flight() {
    let more = json!({"threads": 4, "iterations": 5, "max_in_flight": 2});
    assert_operations(&passed("thread-safety", &more), 20.0);
}

#[test]
fn encoder_layer() {
    assert_operations(&passed("encoder-layer", &json!({})), 4.0);
}

#[test]
fn layer_norm_stress() {
    let ended = passed(
        "layer-norm-stress",
        &json!({"heads": null, "feed_forward": null}),
    );
    assert_operations(&ended, 4.0);
}

#[test]
fn multi_model_distributes_models_over_threads() {
    let more = json!({"models": 5, "threads": 2, "iterations": 3});
    assert_operations(&passed("multi-model", &more), 15.0);
    let more = json!({"models": 2, "threads": 4, "iterations": 3});
    assert_operations(&passed("multi-model", &more), 6.0);
}

#[test]
fn efficiency_is_relative_to_one_thread() {
    for worker in ["efficiency-ceiling", "scaling"] {
        let ended = passed(worker, &json!({"threads": [3, 2]}));
        let alone = ended.measure("throughput", "threads=1").unwrap();
        assert_eq!(ended.unit("throughput"), Some("ops/s"));
        assert_eq!(ended.measure("efficiency", "threads=1"), Some(1.0));
        for threads in [2.0, 3.0] {
            let get = |name| ended.measure(name, &format!("threads={threads}")).unwrap();
            assert!((get("speedup") - get("throughput") / alone).abs() < 1e-9);
            assert!((get("efficiency") - get("speedup") / threads).abs() < 1e-9);
        }
        let rows = ended.events.iter().filter(|e| e["name"] == "throughput");
        assert_eq!(rows.count(), 3, "{ended:?}");
    }
}

#[test]
fn batching_advantage_compares_three_configurations() {
    let ended = passed("batching-advantage", &json!({"threads": 8}));
    let get = |label| ended.measure("samples_per_second", label).unwrap();
    assert_eq!(ended.unit("samples_per_second"), Some("1/s"));
    let batched = get("threads=1,batch=8");
    for label in ["threads=8,batch=1", "threads=4,batch=2"] {
        let ratio = ended.measure("ratio", &format!("threads=1,batch=8 / {label}"));
        assert!((ratio.unwrap() - batched / get(label)).abs() < 1e-9);
    }
}

#[test]
fn batching_advantage_of_two_threads_compares_two_configurations() {
    let ended = passed("batching-advantage", &json!({"batch": 3}));
    let labels: Vec<_> = ended
        .events
        .iter()
        .filter(|e| e["name"] == "samples_per_second")
        .map(|e| e["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["threads=1,batch=6", "threads=2,batch=3"]);
}

#[test]
fn correctness() {
    let more = json!({"threads": null, "iterations": null});
    let ended = passed("correctness", &more);
    let mean = ended.measure("difference_mean", "").unwrap();
    let largest = ended.measure("difference_max", "").unwrap();
    assert!(mean <= largest && largest < 1e-5);
}

#[test]
fn matmul_soak_runs_for_its_duration() {
    let more = json!({
        "iterations": null, "d_model": null, "heads": null, "feed_forward": null, "sequence": null,
        "duration": "300ms", "size": 32,
    });
    let ended = passed("matmul-soak", &more);
    assert!(ended.measure("operations", "").unwrap() > 0.0);
    assert_eq!(ended.measure("errors", ""), Some(0.0));
    assert!(ended.measure("throughput", "").unwrap() > 0.0);
    let elapsed = ended.measure("elapsed", "").unwrap();
    assert!((0.3..10.0).contains(&elapsed), "{elapsed}");
}

#[test]
fn the_same_seed_makes_the_same_weights_and_inputs() {
    // The chapter must not depend on what ran before it in the process. There are no fixed expected
    // values, because results differ between machines.
    let soak = chapter(
        "before",
        "layer-norm-stress",
        &json!({"heads": null, "feed_forward": null}),
    );
    let more = json!({"threads": null, "iterations": null});
    let correctness = chapter("it", "correctness", &more);
    let alone = run_task(&task(std::slice::from_ref(&correctness), "cpu"));
    let behind = run_task(&task(&[soak, correctness], "cpu"));
    let mean = |ended: &Ended| ended.measure("difference_mean", "").unwrap();
    assert_eq!(mean(&alone), mean(&behind));
}
