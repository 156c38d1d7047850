//! `minimal.toml`: a suite file that runs the smallest part of a sequence, from anywhere.

mod entries;

use std::collections::BTreeMap;

use crashrate_model::{Minimized, Mode, Part, Spawn};

use crate::plan::Plan;
use crate::suite::{
    Action, ById, Chapter, DEFAULT_VARIANT, ResourceLimits, Sequence, Suite, TestSource, Timing,
    Variant,
};
use entries::{ChapterEntry, Defaults, Fault, File, Head, LimitEntry, SequenceEntry, Tests};

/// The probability that a run of the file sees a crash.
const SEEN: f64 = 0.99;
/// The fewest and the most rounds in the file.
const ROUNDS: (f64, f64) = (10.0, 1_000.0);
/// The longest name of a suite, and what is added to it.
const MAX_NAME: usize = 100;
const SUFFIX: &str = "-minimal";

/// The suite file of the smallest part that a search found; `None` if the plan has no such
/// sequence. Each line of `about` becomes a comment.
pub fn suite_file(plan: &Plan, found: &Minimized, about: &[String]) -> Option<String> {
    let unit = plan.units.first()?;
    let suite = &plan.suite;
    let by_id = ById::of(suite);
    let sequence = by_id.sequence(unit)?;
    let variant = suite.variants.iter().find(|one| one.id == unit.variant);
    let part = &found.part;
    let ids = part
        .chapters
        .iter()
        .filter_map(|index| unit.chapters.get(*index as usize));
    let chapters: Vec<&Chapter> = ids.filter_map(|id| suite.chapter(id)).collect();
    let timing = sequence.timing.as_ref().unwrap_or(&suite.sequence_timing);
    let mut file = File {
        suite: head(suite, variant),
        fault: suite.fault.as_ref().map(|fault| Fault {
            kind: fault.injected.kind,
            dose: fault.injected.dose,
            carry_over: fault.injected.carry_over,
            on: &fault.injected.on,
        }),
        limits: (!suite.limits.is_none()).then(|| limits(&suite.limits)),
        defaults: defaults(timing, rounds(found), suite.process.fresh_directory),
        chapter: Vec::new(),
        sequence: None,
        tests: tests(plan, sequence, &chapters, variant).map(|tests| [tests]),
    };
    if file.tests.is_none() {
        let entries = part.chapters.iter().zip(&chapters);
        file.chapter = entries
            .map(|(index, chapter)| entry(*index, chapter, part))
            .collect();
        file.sequence = Some([in_sequence(sequence, &chapters, variant)]);
    }
    let body = toml::to_string(&file).ok()?;
    let about: String = about.iter().map(|line| format!("# {line}\n")).collect();
    Some(format!("{about}\n{body}"))
}

fn head<'a>(suite: &'a Suite, variant: Option<&Variant>) -> Head<'a> {
    let name = suite.name.chars().take(MAX_NAME - SUFFIX.len());
    let worker = variant.and_then(|variant| variant.worker.as_ref());
    let worker = worker.or(suite.worker.as_ref());
    Head {
        name: name.chain(SUFFIX.chars()).collect(),
        device: &suite.device,
        bad: &suite.bad,
        worker: worker.map(|path| path.display().to_string()),
        additions: (!suite.additions).then_some(false),
        fork_cuda: suite.fork_cuda.then_some(true),
        descendants: suite.process.descendants,
    }
}

fn in_sequence<'a>(
    sequence: &'a Sequence,
    chapters: &[&'a Chapter],
    variant: Option<&'a Variant>,
) -> SequenceEntry<'a> {
    let spawn = sequence.spawning.spawn;
    SequenceEntry {
        id: &sequence.id,
        chapters: chapters.iter().map(|chapter| chapter.id.as_str()).collect(),
        command: sequence.command.as_deref(),
        spawn: (spawn != Spawn::default()).then_some(spawn),
        zygote: sequence.spawning.zygote.then_some(true),
        env: env(&sequence.env, variant),
        exit_codes: Some(&sequence.exit_codes).filter(|codes| !codes.is_default()),
    }
}

fn entry<'a>(index: u32, chapter: &'a Chapter, part: &Part) -> ChapterEntry<'a> {
    let (worker, command, params) = match &chapter.action {
        Action::Worker { chapter, params } => {
            let mut params = params.clone();
            if let Some(own) = part.params.as_ref().filter(|own| own.chapter == index) {
                params.extend(own.values.clone());
            }
            (Some(chapter.as_str()), None, Some(params))
        }
        Action::Command(command) => (None, Some(command.as_slice()), None),
    };
    ChapterEntry {
        id: &chapter.id,
        modes: [Mode::Sequential],
        worker,
        command,
        params: params.filter(|params| !params.is_empty()),
        timeout: time(chapter.timing.timeout),
        expect: Some(chapter.expect.as_slice()).filter(|all| !all.is_empty()),
    }
}

/// The tests of a framework, chosen by their names.
fn tests<'a>(
    plan: &'a Plan,
    sequence: &'a Sequence,
    chapters: &[&'a Chapter],
    variant: Option<&'a Variant>,
) -> Option<Tests<'a>> {
    let group = sequence.group.as_ref()?;
    let is_source = |source: &&TestSource| {
        source.sequence.as_ref().is_some_and(|name| {
            sequence.id == *name || sequence.id.starts_with(&format!("{name}: "))
        })
    };
    let source = plan.suite.tests.iter().find(is_source)?;
    Some(Tests {
        from: group.framework.to_string(),
        command: &source.command,
        select: chapters
            .iter()
            .map(|chapter| exactly(&chapter.id))
            .collect(),
        isolated: false,
        sequence: source.sequence.as_deref()?,
        timeout: time(source.chapter.timing.timeout),
        env: env(&source.chapter.env, variant),
        pty: source.chapter.process.pty.then_some(true),
    })
}

/// The pattern that chooses this test and no other.
fn exactly(id: &str) -> String {
    match id.contains(['*', '?']) || id.starts_with(['-', '=']) {
        true => format!("={id}"),
        false => id.to_owned(),
    }
}

fn env<'a>(
    own: &'a BTreeMap<String, String>,
    variant: Option<&'a Variant>,
) -> Option<BTreeMap<&'a str, &'a str>> {
    let changes = variant.filter(|variant| variant.id != DEFAULT_VARIANT);
    let changes = changes.into_iter().flat_map(|variant| &variant.env);
    let all = own.iter().chain(changes);
    let all: BTreeMap<&str, &str> = all.map(|(name, value)| (&**name, &**value)).collect();
    (!all.is_empty()).then_some(all)
}

/// The rounds after which a crash has been seen with the probability [`SEEN`].
fn rounds(found: &Minimized) -> u32 {
    let certificate = found.certificate.as_ref();
    let rate = certificate.map(|it| it.deaths as f64 / it.rounds.max(1) as f64);
    let rate = rate.or(found.rate).unwrap_or(1.0);
    let rounds = (1.0 - SEEN).ln() / (1.0 - rate).ln();
    // A rate of 0 gives infinitely many, and one of 1 none.
    rounds.ceil().clamp(ROUNDS.0, ROUNDS.1) as u32
}

fn defaults(timing: &Timing, rounds: u32, fresh_directory: bool) -> Defaults {
    Defaults {
        rounds,
        timeout: time(timing.timeout),
        grace: time(timing.grace),
        directory: timing.directory.display().to_string(),
        fresh_directory: fresh_directory.then_some(true),
    }
}

fn limits(limits: &ResourceLimits) -> LimitEntry {
    let bytes = |n: Option<u64>| n.map(|n| format!("{n}B"));
    LimitEntry {
        memory: bytes(limits.memory),
        processes: limits.processes,
        cpu: limits.cpu.map(|secs| format!("{secs}s")),
        file_size: bytes(limits.file_size),
    }
}

fn time(time: std::time::Duration) -> String {
    humantime::format_duration(time).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crashrate_model::{Certificate, PartParams};
    use serde_json::json;

    use super::*;
    use crate::plan::Selection;

    const SUITE: &str = r#"
        [suite]
        name = "all"
        device = "cpu"
        bad = ["crashed", "failed"]
        [fault]
        kind = "tensor-lifetime"
        dose = 12
        carry_over = false
        [limits]
        memory = "1536KiB"
        cpu = "90s"
        [[chapter]]
        id = "load"
        worker = "load"
        params = { threads = 8, iterations = 20, sizes = [1, 2] }
        timeout = "90s"
        expect = [{ measure = "operations", at_least = 1.0 }]
        [[chapter]]
        id = "innocent"
        worker = "load"
        [[chapter]]
        id = "dies \"here\""
        worker = "draw"
        [[sequence]]
        id = "story"
        chapters = ["load", "innocent", "dies \"here\""]
        env = { A = "1", B = "2" }
        exit_codes = { crashed = [139] }
        [[variant]]
        id = "other"
        env = { B = "3" }
    "#;

    fn read(text: &str) -> Suite {
        Suite::parse(text, Path::new("/tmp/suite.toml"), &|_| unreachable!()).unwrap()
    }

    fn plan(variant: &str) -> Plan {
        let selection = Selection {
            mode: Some(Mode::Sequential),
            variants: vec![variant.to_owned()],
            ..Selection::default()
        };
        Plan::new(read(SUITE), &selection, 1).unwrap()
    }

    fn found() -> Minimized {
        Minimized {
            part: Part {
                chapters: vec![0, 2],
                params: Some(PartParams {
                    chapter: 0,
                    values: [("threads".to_owned(), json!(2))].into_iter().collect(),
                }),
            },
            certificate: Some(Certificate {
                rounds: 20,
                deaths: 6,
                ..Certificate::default()
            }),
            ..Minimized::default()
        }
    }

    #[test]
    fn the_file_runs_the_part_as_the_suite_did() {
        let about = ["`load` crashes.".to_owned()];
        let text = suite_file(&plan("default"), &found(), &about).unwrap();
        assert!(text.starts_with("# `load` crashes.\n\n"), "{text}");
        let (suite, whole) = (read(&text), read(SUITE));
        assert_eq!(suite.name, "all-minimal");
        assert_eq!(
            (&suite.device, &suite.bad, &suite.fault, suite.limits),
            (&whole.device, &whole.bad, &whole.fault, whole.limits)
        );
        let ids: Vec<&str> = suite.chapters.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["load", "dies \"here\""]);
        assert_eq!(suite.sequences.len(), 1);
        let (sequence, before) = (&suite.sequences[0], &whole.sequences[0]);
        assert_eq!(sequence.chapters, ids);
        assert_eq!(
            (&sequence.env, &sequence.exit_codes),
            (&before.env, &before.exit_codes)
        );
        assert_eq!(suite.sequence_timing, whole.sequence_timing);
        // ln 0.01 / ln 0.7
        assert_eq!(sequence.rounds, 13);
        let load = &suite.chapters[0];
        assert_eq!(load.modes, [Mode::Sequential]);
        assert_eq!(load.timing, whole.chapters[0].timing);
        assert_eq!(load.expect, whole.chapters[0].expect);
        let params = json!({"threads": 2, "iterations": 20, "sizes": [1, 2]});
        assert_eq!(json!(load.task().1), params);
    }

    #[test]
    fn a_variant_is_part_of_the_file() {
        let text = suite_file(&plan("other"), &found(), &[]).unwrap();
        let env = &read(&text).sequences[0].env;
        assert_eq!((&*env["A"], &*env["B"]), ("1", "3"));
    }

    #[test]
    fn names_are_patterns_for_themselves() {
        for (id, pattern) in [
            ("Math.Add", "Math.Add"),
            ("a*b", "=a*b"),
            ("-x", "=-x"),
            ("t[1]", "t[1]"),
        ] {
            assert_eq!(exactly(id), pattern);
        }
    }
}
