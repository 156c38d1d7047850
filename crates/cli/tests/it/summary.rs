//! The report that a run prints fits on one screen.

use std::fmt::Write as _;

use crate::util::Place;

/// Checks the number of lines, and that none exceeds the 100 columns of a piped report.
fn fits(text: &str, lines: usize) {
    assert!(text.lines().count() <= lines, "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_run_that_failed_says_so_and_shows_the_message() {
    let place = Place::new();
    let script = "echo shape mismatch >&2; exit 1";
    let run = ["run", "--rounds", "3", "--", "sh", "-c", script];
    let done = place.crashrate(&run).expect(100);
    for words in [
        " · run 1\n\nFAIL  sh failed in 3 of 3 rounds\n      0 of 3 rounds passed.\n",
        "sh                      0/3        3/3 ",
        ": exit code 1 (first in round 1, output/",
        "\n    shape mismatch\n",
        "\nreport  ",
        "\nmore    crashrate report 1 --full\n",
    ] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert!(!done.stdout.contains("PASS"), "{}", done.stdout);
    fits(&done.stdout, 20);
    // The HTML page and the Markdown report begin with the same verdict.
    let read = |name| std::fs::read_to_string(place.run().join(name)).unwrap();
    let markdown = read("report.md");
    let (_, sections) = markdown.split_once("\n## ").unwrap();
    assert!(
        sections.starts_with("Verdict\n\n**FAIL** sh failed"),
        "{markdown}"
    );
    let page = read("report.html");
    let verdict = page.find(">FAIL</strong>").unwrap();
    assert!(verdict < page.find("Rates</h2>").unwrap());
    assert!(page.contains("shape mismatch</pre>"), "{page}");
}

/// Only the last lines of standard error are shown, with escape sequences made harmless.
#[test]
fn five_lines_of_standard_error_are_shown() {
    let place = Place::new();
    let script = "for i in 1 2 3 4 5 6 7; do echo \"line $i\" >&2; done; printf '\\033[2Jx' >&2; echo out; exit 1";
    let run = ["run", "--rounds", "1", "--", "sh", "-c", script];
    let done = place.crashrate(&run).expect(100);
    let tail = "\n    line 4\n    line 5\n    line 6\n    line 7\n    \\x1b[2Jx\n\n";
    assert!(done.stdout.contains(tail), "{}", done.stdout);
    assert!(!done.stdout.contains("line 3"), "{}", done.stdout);
}

#[test]
fn of_many_chapters_only_those_that_failed_are_listed() {
    let place = Place::new();
    let mut suite = String::new();
    for chapter in 0..200 {
        let script = match chapter {
            9 | 99 | 199 => {
                format!("for i in 1 2 3 4 5 6; do echo \"{chapter}: $i\" >&2; done; exit 1")
            }
            _ => "exit 0".to_owned(),
        };
        let _ = writeln!(
            suite,
            "[[chapter]]\nid = \"c{chapter}\"\nrounds = 1\ncommand = [\"sh\", \"-c\", '{script}']"
        );
    }
    place.suite(&suite);
    let done = place
        .crashrate(&["run", "suite.toml", "--jobs", "2"])
        .expect(100);
    fits(&done.stdout, 30);
    for words in [
        "FAIL  c9 failed in 1 of 1 round\n",
        "      197 of 200 rounds passed.\n",
        "\n197 others: no crash\n",
        "\nc99 ",
        "\n    9: 6\n",
        "\n    199: 6\n",
    ] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert!(!done.stdout.contains("c100"), "{}", done.stdout);
    assert!(place.full().contains("\n  c100 "));
}

#[test]
fn the_columns_variable_sets_the_width() {
    let place = Place::new();
    place
        .crashrate(&["run", "--rounds", "1", "--", "true"])
        .expect(0);
    let width = |columns: &str| {
        let mut command = place.command(&["report", "--full"]);
        let done = place
            .start(command.env("COLUMNS", columns))
            .wait()
            .expect(0);
        let widths = done.stdout.lines().map(|line| line.chars().count());
        widths.max().unwrap()
    };
    assert!((100..=140).contains(&width("140")));
    assert!((60..=70).contains(&width("70")));
    // An empty `COLUMNS` counts as unset, and a pipe has 100 columns.
    assert!((90..=100).contains(&width("")));
}
