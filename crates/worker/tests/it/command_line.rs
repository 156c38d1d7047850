//! The worker's command line.

use serde_json::Value;

use crate::support::{call, worker};

#[test]
fn list_is_json_with_every_chapter_and_default() {
    let ended = call(&["list"]);
    assert_eq!(ended.code, Some(0));
    let list: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(list["v"], 1);
    assert!(list["versions"]["libtorch"].is_string());
    let chapters = list["chapters"].as_array().unwrap();
    let names: Vec<_> = chapters
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "thread-safety",
            "efficiency-ceiling",
            "batching-advantage",
            "correctness",
            "matmul-soak",
            "encoder-layer",
            "multi-model",
            "layer-norm-stress",
            "scaling"
        ]
    );
    for chapter in chapters {
        assert!(!chapter["about"].as_str().unwrap().is_empty());
        assert_eq!(chapter["params"]["max_in_flight"], 0);
        assert_eq!(chapter["params"]["intra_op_threads"], 1);
    }
    let defaults = &chapters[0]["params"];
    for (name, default) in [
        ("threads", 8),
        ("iterations", 20),
        ("d_model", 256),
        ("heads", 4),
        ("feed_forward", 1024),
        ("layers", 2),
        ("batch", 4),
        ("sequence", 32),
    ] {
        assert_eq!(defaults[name], default, "{name}");
    }
}

#[test]
fn run_prints_measures_and_the_verdict_last() {
    let ended = call(&[
        "run",
        "efficiency-ceiling",
        "--device",
        "cpu",
        "--seed",
        "3",
        "--param",
        "threads=1,2",
        "--param",
        "d_model=32",
        "--param",
        "iterations=2",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("device cpu, "), "{ended:?}");
    assert!(ended.stdout.contains("threads=2"), "{ended:?}");
    assert_eq!(ended.stdout.lines().last(), Some("passed"));
}

#[test]
fn run_rejects_unknown_chapters_and_repeated_parameters() {
    call(&["run", "no-such"]).assert_refused(2, "no chapter \"no-such\"");
    let twice = ["run", "scaling", "--param", "seed=1", "--param", "seed=2"];
    call(&twice).assert_refused(2, "given twice");
}

#[test]
fn empty_standard_input_is_an_error_and_help_lists_exit_codes() {
    call(&[]).assert_refused(2, "standard input is empty; send one JSON line, or see");
    let help = worker().arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("Exit codes:") && text.contains("verify-encoder"));
}
