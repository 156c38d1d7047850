//! Children whose output could harm its readers: every report format stays valid and neutralizes
//! it.

use std::fs;

use serde_json::Value;

use crate::util::Place;

/// Sends the harmful text through every channel: both output streams, a reason, a note, and the
/// name and label of a measure.
const CHILD: &str = r#"
import json, os, sys
evil = "<script>alert(1)</script> ]]> \x1b[2J\x1b]0;x\x07 \x00 \u202e --> ::error::x | `a` " + "y" * 10000
raw = evil.encode() + b" \xff\xfe \xc3(" + b"\n" + b"z" * 10000 + b"\n"
for out in (1, 2):
    os.write(out, raw)
def say(**event):
    os.write(3, (json.dumps({"v": 1, **event}) + "\n").encode())
say(event="note", text=evil[:3000])
say(event="measure", name="<b>speed", value=1.5, unit="</td>", label="threads=<i>&")
os.write(3, b'{"v":1,"event":"note","text":"\xff\xfe<script>"}\n')
say(event="chapter-failed", chapter="evil", reason=evil[:3000])
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("evil.py", CHILD);
    place.suite(
        "[[chapter]]\nid = \"evil\"\nrounds = 3\nretries = 1\ncommand = [\"python3\", \"evil.py\"]\n\
         [[chapter]]\nid = \"dies\"\nrounds = 2\ncommand = [\"sh\", \"-c\", \"printf '\\\\033[2J::error::x' >&2; kill -SEGV $$\"]\n",
    );
    place
}

#[test]
fn every_report_format_is_valid_and_harmless() {
    let place = place();
    place.crashrate(&["run", "suite.toml"]).expect(100);
    for format in ["terminal", "markdown", "html", "junit", "json", "csv"] {
        let text = place
            .crashrate(&["report", "--format", format])
            .expect(0)
            .stdout;
        assert!(!text.contains('\u{fffd}') || format != "html", "{format}");
        let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(acts), "{format}: {text:?}");
        if format != "json" {
            assert!(text.len() < 60_000, "{format}: {}", text.len());
        }
        match format {
            "html" => {
                // Its own script, and no other.
                assert_eq!(text.matches("<script").count(), 1, "{text}");
                for tag in ["<i>", "</td>\"", "<b>"] {
                    assert!(!text.contains(tag), "{tag}: {text}");
                }
                assert!(text.contains("&lt;script&gt;"), "{text}");
            }
            "junit" => {
                assert!(
                    text.contains("&lt;script") && !text.contains("<script"),
                    "{text}"
                );
                assert_eq!(text.matches("<testcase ").count(), 2, "{text}");
                assert_eq!(text.matches("<failure ").count(), 2, "{text}");
            }
            "json" => drop(serde_json::from_str::<Value>(&text).unwrap()),
            // A header, and a line for each attempt.
            "csv" => assert_eq!(text.lines().count(), 1 + 3 * 2 + 2, "{text}"),
            _ => {}
        }
    }
    let suite = &*place.name;
    for format in ["terminal", "markdown", "html", "json"] {
        let text = place
            .crashrate(&["history", suite, "--format", format])
            .expect(0)
            .stdout;
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{format}"
        );
    }
}

#[test]
fn children_cannot_issue_workflow_commands() {
    let place = place();
    let summary = place.path().join("summary.md");
    let mut run = place.command(&["run", "suite.toml"]);
    run.env("GITHUB_STEP_SUMMARY", &summary).env("CI", "true");
    let done = place.start(&mut run).wait().expect(100);
    let lines: Vec<_> = done.stdout.lines().collect();
    let token = lines[0].strip_prefix("::stop-commands::").unwrap();
    let end = format!("::{token}::");
    let end = lines.iter().position(|line| *line == end).unwrap();
    let annotations = &lines[end + 1..];
    assert_eq!(annotations.len(), 1, "{annotations:?}");
    // The annotation names the signature, or the signal where nothing can be traced.
    assert!(
        annotations[0].starts_with("::error title="),
        "{annotations:?}"
    );
    assert!(
        annotations[0].contains("dies (isolated)"),
        "{annotations:?}"
    );
    let during = &done.stderr;
    assert!(
        !during
            .lines()
            .any(|line| line.trim_start().starts_with("::")),
        "{during}"
    );
    let said = fs::read_to_string(&summary).unwrap();
    assert!(said.contains(" · run 1\n\n"), "{said}");
    assert!(!said.contains("<script>"), "{said}");

    // The summary of another step is kept, and both must fit into 1 MiB.
    fs::write(&summary, "x".repeat(1024 * 1024 - 600)).unwrap();
    let mut run = place.command(&["run", "suite.toml"]);
    run.env("GITHUB_STEP_SUMMARY", &summary);
    place.start(&mut run).wait().expect(100);
    let said = fs::read_to_string(&summary).unwrap();
    assert!(said.len() <= 1024 * 1024, "{}", said.len());
    assert!(said.starts_with("xxx") && said.contains("The rest is left out"));
}

/// Also where no summary is written, as in the shards of a matrix, and in the report of a merge.
#[test]
fn reports_of_shards_and_merges_issue_no_workflow_commands() {
    let place = Place::new();
    let line = "echo '  ::stop-commands::x' >&2; exit 1";
    place.suite(&format!(
        "bad = [\"failed\"]\n[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"sh\", \"-c\", {line:?}]\n"
    ));
    let run = ["run", "suite.toml"];
    let merge = ["merge", "1", "--output", "merged"];
    for args in [&run[..], &merge] {
        let mut command = place.command(args);
        command.env("GITHUB_ACTIONS", "true");
        let done = place.start(&mut command).wait().expect(100);
        let lines: Vec<_> = done.stdout.lines().map(str::trim_start).collect();
        let inside = lines.iter().position(|line| *line == "::stop-commands::x");
        let token = lines[0].strip_prefix("::stop-commands::").unwrap();
        let end = lines
            .iter()
            .position(|line| *line == format!("::{token}::"));
        assert!(inside.is_some() && inside < end, "{lines:?}");
        assert!(lines[end.unwrap() + 1..].is_empty(), "{lines:?}");
    }
    let summary = place.path().join("summary.md");
    let mut again = place.command(&merge);
    again.env("GITHUB_STEP_SUMMARY", &summary);
    let done = place.start(&mut again).wait().expect(100);
    assert!(done.stdout.contains("\n::error title="), "{}", done.stdout);
    let said = fs::read_to_string(&summary).unwrap();
    assert_eq!(said.matches("## Verdict").count(), 1, "{said}");
}
