//! A journal of a verification run like N=1973, with the sequence of N=1972.

use crashrate_model::{
    ChapterEnd, ChapterFacts, Ended, Finding, Level, Measure, Outcome, Recommendation, RunInfo,
    StopReason, Unit,
};
use serde_json::{Value, json};

use crate::journal::{Journal, all_passed, died_at, info, isolated, measure, sequence};

/// Differs from the worker's name `matmul-soak`: reports identify a chapter by what it runs.
pub(crate) const SOAK: &str = "soak";
const STORY: [&str; 4] = [
    "thread-safety",
    "efficiency-ceiling",
    "batching-advantage",
    "correctness",
];

fn facts(id: &str, worker: &str, params: Value) -> ChapterFacts {
    let Value::Object(params) = params else {
        panic!("the parameters must be an object");
    };
    ChapterFacts {
        id: id.into(),
        worker: Some(worker.into()),
        params,
    }
}

/// The parameters of an encoder stack; `own` overrides the defaults.
fn encoder(own: Value) -> Value {
    let mut params = json!({
        "threads": 8, "iterations": 20, "tolerance": 0.001, "d_model": 256, "heads": 4, "feed_forward": 1024,
        "layers": 2, "batch": 4, "sequence": 32, "warm_up": 2, "max_in_flight": 0, "intra_op_threads": 1, "seed": null,
    });
    for (key, value) in own.as_object().unwrap() {
        params[key] = value.clone();
    }
    params
}

pub(crate) fn chapters() -> Vec<ChapterFacts> {
    let soak = json!({
        "threads": 8, "duration": "20s", "size": 256, "tolerance": 0.001, "warm_up": 2, "max_in_flight": 0,
        "intra_op_threads": 1, "seed": null,
    });
    vec![
        facts(SOAK, "matmul-soak", soak),
        facts(
            "encoder-layer",
            "encoder-layer",
            encoder(json!({"layers": 1})),
        ),
        facts("multi-model", "multi-model", encoder(json!({"models": 8}))),
        facts(
            "layer-norm-stress",
            "layer-norm-stress",
            json!({"threads": 8, "iterations": 50, "tolerance": 0.001, "d_model": 256, "batch": 4, "sequence": 32}),
        ),
        facts("thread-safety", "thread-safety", encoder(json!({}))),
        facts(
            "efficiency-ceiling",
            "efficiency-ceiling",
            encoder(json!({"threads": [1, 2, 4, 8]})),
        ),
        facts(
            "batching-advantage",
            "batching-advantage",
            encoder(json!({"batch": 1, "iterations": 30})),
        ),
        facts("correctness", "correctness", encoder(json!({"inputs": 10}))),
        ChapterFacts {
            id: "script".into(),
            worker: None,
            params: serde_json::Map::new(),
        },
    ]
}

pub(crate) fn findings() -> Vec<Finding> {
    let finding = |name: &str, level, found: &str, advice: Option<&str>| Finding {
        name: name.into(),
        level,
        found: found.into(),
        advice: advice.map(str::to_owned),
    };
    vec![
        finding("worker", Level::Ok, "libtorch 2.9.1", None),
        finding(
            "core dumps",
            Level::Warning,
            "unlimited",
            Some("set the limit to 0 with `ulimit -c 0`"),
        ),
        finding(
            "system integrity protection",
            Level::Blocker,
            "enabled: a driver patch cannot be deployed",
            Some("boot into recovery and run `csrutil disable`"),
        ),
    ]
}

pub(crate) fn recommendation(text: &str, when: Option<&str>) -> Recommendation {
    Recommendation {
        text: text.into(),
        when: when.map(|when| when.parse().unwrap()),
    }
}

/// The measures of a chapter that counts operations.
fn stress(done: f64, expected: f64, secs: f64, rate: f64) -> Vec<Measure> {
    vec![
        measure("operations", "", "", done),
        measure("operations_expected", "", "", expected),
        measure("errors", "", "", 0.0),
        measure("elapsed", "", "s", secs),
        measure("throughput", "", "ops/s", rate),
        measure("difference_max", "", "", 0.0),
    ]
}

fn efficiency() -> Vec<Measure> {
    let rows = [(1, 618.3), (2, 1025.7), (4, 959.9), (8, 726.1)];
    let row = |(threads, ops): (u32, f64)| {
        let label = format!("threads={threads}");
        let speedup = ops / 618.3;
        [
            measure("throughput", &label, "ops/s", ops),
            measure("speedup", &label, "", speedup),
            measure("efficiency", &label, "", speedup / f64::from(threads)),
        ]
    };
    rows.into_iter().flat_map(row).collect()
}

pub(crate) fn batching(round: f64) -> Vec<Measure> {
    let rate = |label: &str, rate: f64| measure("samples_per_second", label, "1/s", rate + round);
    let ratio = |label: &str, ratio: f64| {
        let label = format!("threads=1,batch=8 / {label}");
        measure("ratio", &label, "", ratio + round / 100.0)
    };
    vec![
        rate("threads=1,batch=8", 1020.0),
        rate("threads=8,batch=1", 525.0),
        rate("threads=4,batch=2", 612.0),
        ratio("threads=8,batch=1", 1.94),
        ratio("threads=4,batch=2", 1.67),
    ]
}

pub(crate) fn measures(chapter: &str, round: f64) -> Vec<Measure> {
    match chapter {
        SOAK => {
            let mut all = stress(127_818.0, 0.0, 20.51, 6232.0);
            all.retain(|m| !["operations_expected", "difference_max"].contains(&m.name.as_str()));
            all
        }
        "multi-model" => stress(160.0, 160.0, 0.22, 727.5),
        "layer-norm-stress" => stress(400.0, 400.0, 0.0928, 4309.0),
        "encoder-layer" | "thread-safety" => {
            stress(160.0, 160.0, 0.14 + round / 1000.0, 1072.0 - round)
        }
        "efficiency-ceiling" => efficiency(),
        "batching-advantage" => batching(round),
        "correctness" => vec![
            measure("difference_mean", "", "", 1.1e-7),
            measure("difference_max", "", "", 1e-6 * round),
        ],
        _ => vec![measure("frames", "", "1/s", 58.0 + round)],
    }
}

/// The plan of the verification run, with its findings and recommendations.
pub(crate) fn verification_info() -> RunInfo {
    let rounds = |id: &str| match id {
        SOAK | "multi-model" | "layer-norm-stress" => 1,
        "encoder-layer" => 10,
        _ => 3,
    };
    let chapters = chapters();
    let mut units: Vec<Unit> = chapters
        .iter()
        .map(|c| isolated(&c.id, rounds(&c.id)))
        .collect();
    units.push(sequence("complete-story", &STORY, 10));
    RunInfo {
        id: "1973-verification".into(),
        suite: "verification".into(),
        chapters,
        findings: findings(),
        recommendations: vec![
            recommendation("Keep the report with its journal.", None),
            recommendation(
                "Run the chapters of the story in processes of their own.",
                Some("crashed > 0 in complete-story"),
            ),
            recommendation(
                "Do not use the encoder layer.",
                Some("bad >= 50% in encoder-layer isolated"),
            ),
        ],
        ..info(units)
    }
}

/// The journal of the verification run.
pub(crate) fn verification() -> Journal {
    let mut info = verification_info();
    info.machine.insert(
        "command".into(),
        "crashrate run configs/verification.toml --seed 7".into(),
    );
    let story = info.units.last().unwrap().clone();
    let mut journal = Journal::of(info.clone());
    journal.hello("mps");
    for round in 1..=10 {
        for (place, unit) in (0..).zip(&info.units) {
            if round > unit.rounds {
                continue;
            }
            if unit.name == story.name {
                story_round(&mut journal, place, round, &story);
                continue;
            }
            let crashes = [("encoder-layer", 7), ("batching-advantage", 2)];
            let crashes = crashes.contains(&(unit.name.as_str(), round));
            let outcome = if crashes {
                Outcome::Crashed
            } else {
                Outcome::Passed
            };
            journal.attempt_with(place, round, 1, outcome, |end| {
                if !crashes {
                    end.measures = measures(&unit.name, f64::from(round));
                }
            });
        }
    }
    journal.close(StopReason::Done);
    journal
}

/// The sequence passes in rounds 1, 5, 7 and 10 and crashes in the others.
fn story_round(journal: &mut Journal, place: u32, round: u32, story: &Unit) {
    let measured = |end: &mut Ended| {
        let passed = |chapter: &ChapterEnd| chapter.outcome == Outcome::Passed;
        for (id, chapter) in story.chapters.iter().zip(&mut end.chapters) {
            if passed(chapter) {
                chapter.measures = measures(id, f64::from(round));
            }
        }
    };
    if [1, 5, 7, 10].contains(&round) {
        journal.attempt_with(place, round, 1, Outcome::Passed, |end| {
            all_passed(story)(end);
            measured(end);
        });
    } else {
        journal.attempt_with(place, round, 1, Outcome::Crashed, |end| {
            died_at(story, 2)(end);
            measured(end);
        });
    }
}
