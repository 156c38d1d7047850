//! The shipped suites at a small scale: the same files with smaller models and fewer rounds, on the
//! real worker.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::Table;

use crate::util::{Place, row, skip};

/// Whether the worker is next to the program. `cargo xtask test` builds it, which needs libtorch.
#[track_caller]
fn has_worker() -> bool {
    let path = Path::new(env!("CARGO_BIN_EXE_crashrate")).with_file_name("crashrate-worker");
    let exists = path.is_file();
    if !exists {
        let path = path.display();
        skip(&format!(
            "there is no {path}; `cargo xtask build` builds it"
        ));
    }
    exists
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Writes a shipped suite into a place, with each worker chapter as small as possible.
fn in_small(place: &Place, name: &str) -> PathBuf {
    let text = fs::read_to_string(project().join("configs").join(name)).unwrap();
    let mut suite: Table = text.parse().unwrap();
    for chapter in suite["chapter"].as_array_mut().unwrap() {
        let chapter = chapter.as_table_mut().unwrap();
        chapter.remove("rounds");
        let Some(kind) = chapter.get("worker").and_then(|w| w.as_str()) else {
            continue;
        };
        let params: Table = small(kind).parse().unwrap();
        chapter.insert("params".into(), params.into());
    }
    for sequence in suite
        .get_mut("sequence")
        .and_then(|s| s.as_array_mut())
        .into_iter()
        .flatten()
    {
        sequence.as_table_mut().unwrap().remove("rounds");
    }
    if !place.path().join("fixtures").exists() {
        std::os::unix::fs::symlink(project().join("fixtures"), place.path().join("fixtures"))
            .unwrap();
    }
    place.write(&format!("configs/{name}"), suite.to_string())
}

fn small(kind: &str) -> String {
    let model = "d_model = 32\nfeed_forward = 64\niterations = 2\n";
    match kind {
        "matmul-soak" => "threads = 2\nduration = \"0.2s\"\nsize = 32".into(),
        "correctness" => "d_model = 32\nfeed_forward = 64".into(),
        "layer-norm-stress" => "threads = 2\niterations = 2\nd_model = 32".into(),
        "efficiency-ceiling" | "scaling" => format!("{model}threads = [1, 2, 4, 8]"),
        "batching-advantage" => format!("{model}threads = 8"),
        "multi-model" => format!("{model}threads = 2\nmodels = 2"),
        // The story's first chapter expects all of its 160 operations: 8 threads with 20
        // iterations.
        "thread-safety" => "d_model = 32\nfeed_forward = 64\nthreads = 8\niterations = 20".into(),
        _ => format!("{model}threads = 2"),
    }
}

fn run(place: &Place, name: &str, more: &[&str], code: i32) -> Value {
    let suite = in_small(place, name);
    let suite = suite.to_str().unwrap();
    let args = [&["run", suite, "--device", "cpu", "--rounds", "1"], more].concat();
    place.crashrate(&args).expect(code);
    place.json()
}

fn measure(row: &Value, name: &str, label: &str) -> f64 {
    let all = row["measures"].as_array().unwrap();
    let found = all
        .iter()
        .find(|m| m["name"] == name && m["label"] == label);
    let found = found.unwrap_or_else(|| panic!("{name} {label} in {all:?}"));
    found["median"].as_f64().unwrap()
}

#[test]
fn the_story_runs_in_both_modes_on_libtorch() {
    if !has_worker() {
        return;
    }
    let place = Place::new();
    let json = run(&place, "story.toml", &["--mode", "both"], 0);
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["run"]["device"], "cpu");
    let rows = json["chapters"].as_array().unwrap();
    assert_eq!(rows.len(), 8, "four chapters in each mode");
    for row in rows {
        assert_eq!(row["outcomes"], serde_json::json!({"passed": 1}), "{row}");
        match row["chapter"].as_str().unwrap() {
            "thread-safety" => assert_eq!(measure(row, "operations", ""), 160.0),
            "efficiency-ceiling" => {
                let labels = ["threads=1", "threads=2", "threads=4", "threads=8"];
                assert!(
                    labels
                        .iter()
                        .all(|label| measure(row, "efficiency", label) > 0.0)
                );
            }
            "batching-advantage" => {
                let labels = [
                    "threads=1,batch=8",
                    "threads=8,batch=1",
                    "threads=4,batch=2",
                ];
                assert!(
                    labels
                        .iter()
                        .all(|label| measure(row, "samples_per_second", label) > 0.0)
                );
            }
            "correctness" => assert!(measure(row, "difference_max", "") < 1e-3),
            other => panic!("{other}"),
        }
    }
    let sequence = row(&json["sequences"], "sequence", "complete-story");
    assert_eq!(sequence["order"], serde_json::json!(["passed"]));
}

#[test]
fn the_other_worker_suites_pass_in_small() {
    if !has_worker() {
        return;
    }
    for name in ["quick.toml", "soak.toml", "verification.toml", "n1973.toml"] {
        let place = Place::new();
        let json = run(&place, name, &[], 0);
        assert_eq!(json["run"]["complete"], true, "{name}");
        let report = fs::read_to_string(place.run().join("report.md")).unwrap();
        let title = report.lines().next().unwrap();
        assert!(
            title.starts_with("# ") && title.ends_with("· run 1"),
            "{title}"
        );
    }
}

/// With dose 0 there is no race. The suite still carries contexts over to the next chapter, and its
/// control does not.
#[test]
fn n1972_carries_contexts_over_and_its_control_does_not() {
    if !has_worker() {
        return;
    }
    let carried = [("n1972.toml", true), ("n1972-control.toml", false)];
    for (name, carries) in carried {
        let place = Place::new();
        let json = run(&place, name, &["--dose", "0"], 0);
        assert_eq!(json["run"]["fault"]["carry_over"], carries);
        let rows = json["chapters"].as_array().unwrap();
        let sequential = rows.iter().filter(|row| row["mode"] == "sequential");
        let left: Vec<_> = sequential
            .map(|row| measure(row, "contexts_left", ""))
            .collect();
        assert_eq!(left.len(), 4);
        assert_eq!(left.iter().all(|&left| left > 0.0), carries, "{left:?}");
        let report = fs::read_to_string(place.run().join("report.md")).unwrap();
        assert!(
            report.contains("Fault injected: tensor-lifetime"),
            "{report}"
        );
    }
}

/// The crash happens in libtorch's own code, in a computing thread. Preparing a thread's input also
/// computes, so a few crashes come before the thread has started.
#[cfg_attr(not(target_os = "linux"), ignore = "the fault needs Linux")]
#[test]
fn the_fault_crashes_inside_libtorch_in_a_worker_thread() {
    if !has_worker() {
        return;
    }
    let place = Place::new();
    place.suite(
        r#"
        [fault]
        kind = "tensor-lifetime"
        dose = 100_000

        [[chapter]]
        id = "leaves"
        worker = "layer-norm-stress"
        modes = ["sequential"]
        params = { threads = 4, iterations = 10, d_model = 256, sequence = 32 }

        [[chapter]]
        id = "takes"
        worker = "layer-norm-stress"
        modes = ["sequential"]
        params = { threads = 4, iterations = 20_000, d_model = 256, sequence = 32 }

        [[sequence]]
        id = "both"
        chapters = ["leaves", "takes"]
        "#,
    );
    let traced = ["--evidence", "trace", "--rounds", "10"];
    place
        .crashrate(&[&["run", "suite.toml"], &traced[..]].concat())
        .expect(100);
    let json = place.json();
    let both = row(&json["sequences"], "sequence", "both");
    assert_eq!(both["died_in"]["takes"], 10, "{both}");
    let files: Vec<_> = fs::read_dir(place.run().join("crashes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 10, "{files:?}");
    let mut in_jobs = 0;
    for file in files {
        let crash: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(crash["signal"], "SIGSEGV");
        let signature = crash["signature"].as_str().unwrap();
        assert!(
            signature.contains("libtorch") && signature.contains("at::native"),
            "{signature}"
        );
        let died = &crash["threads"][0];
        assert!(died.to_string().contains("layer_norm"), "{died}");
        let is_main = crash["thread"] == crash["pid"];
        in_jobs += usize::from(!is_main && died["name"].as_str().unwrap().starts_with("job-"));
    }
    assert!(in_jobs > 0, "no crash in a computing thread");
}

#[test]
fn variants_change_the_environment_and_are_never_mixed() {
    if !has_worker() {
        return;
    }
    let place = Place::new();
    let library = place.write("target/liblate-free.so", "");
    let source = project().join("fixtures/preload/late_free.c");
    let mut compiler = std::process::Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source);
    assert!(compiler.status().unwrap().success());
    let more = [
        "--variant",
        "default",
        "--variant",
        "late-free",
        "--variant",
        "one-arena",
        "--no-fault",
    ];
    let json = run(&place, "variants.toml", &more, 0);
    let rows = json["chapters"].as_array().unwrap();
    let of = |variant: &str| rows.iter().filter(|row| row["variant"] == variant).count();
    assert_eq!([of("default"), of("late-free"), of("one-arena")], [6, 6, 6]);

    fs::remove_file(&library).unwrap();
    let suite = place.path().join("configs/variants.toml");
    let refused = place.crashrate(&["run", suite.to_str().unwrap(), "--variant", "late-free"]);
    assert!(refused.expect(96).stderr.contains("liblate-free.so"));
}

#[test]
fn any_command_is_a_chapter_and_a_python_file_runs_a_sequence() {
    let place = Place::new();
    let json = run(&place, "any-command.toml", &[], 100);
    let rows = json["chapters"].as_array().unwrap();
    let outcome = |chapter: &str, mode: &str| {
        let found = rows
            .iter()
            .find(|row| row["chapter"] == chapter && row["mode"] == mode);
        found.unwrap()["outcomes"].clone()
    };
    assert_eq!(
        outcome("shell-script", "isolated"),
        serde_json::json!({"passed": 1})
    );
    assert_eq!(
        outcome("crash", "isolated"),
        serde_json::json!({"crashed": 1})
    );
    assert_eq!(
        outcome("last", "isolated"),
        serde_json::json!({"passed": 1})
    );
    assert_eq!(
        outcome("sort", "sequential"),
        serde_json::json!({"passed": 1})
    );
    assert_eq!(
        outcome("crash", "sequential"),
        serde_json::json!({"crashed": 1})
    );
    assert_eq!(
        outcome("last", "sequential"),
        serde_json::json!({"unreached": 1})
    );
}
