//! The JUnit report, as its consumers read it. GitLab shows the text of a failure and the outputs.
//! GitHub's reporters show the message, the text below it, and `file`, `classname` and `name`.

use crate::util::Place;

/// A consumer in Python. It prints a line for each test case, then its results with their
/// attributes and texts.
const CONSUMER: &str = r#"
import sys, xml.etree.ElementTree as tree
for suite in tree.parse(sys.stdin).getroot():
    for case in suite.iter("testcase"):
        print("case", case.get("file"), case.get("classname"), "/", case.get("name"))
        assert float(case.get("time")) >= 0
        for found in case:
            print(found.tag, "|", found.get("message"), "|", found.get("type"))
            for line in (found.text or "").splitlines():
                print("   ", line)
"#;

const SUITE: &str = r#"
[[chapter]]
id = "dies"
rounds = 4
command = ["sh", "-c", "echo out $CRASHRATE_ROUND; echo err >&2; [ $CRASHRATE_ROUND -lt 3 ] || kill -SEGV $$"]
[[chapter]]
id = "fails"
rounds = 2
command = ["sh", "-c", "echo '<b> & ]]>'; exit 3"]
[[chapter]]
id = "flaky"
rounds = 2
retries = 1
command = ["sh", "-c", "exit $((CRASHRATE_ATTEMPT == 1))"]
[[chapter]]
id = "passes"
rounds = 2
command = ["true"]
"#;

fn read(place: &Place, args: &[&str]) -> String {
    let xml = place.crashrate(args).expect(0).stdout;
    let file = place.write("report.xml", xml);
    let mut consumer = std::process::Command::new("sh");
    consumer.args(["-c", "python3 -c \"$0\" < \"$1\"", CONSUMER]);
    place.start(consumer.arg(file)).wait().expect(0).stdout
}

/// The part of the consumer's output that is about one test case.
#[track_caller]
fn case<'a>(all: &'a str, name: &str) -> &'a str {
    let begin = all.find(&format!("/ {name}\n"));
    let rest = &all[begin.unwrap_or_else(|| panic!("no case {name} in {all}"))..];
    rest.split("\ncase ").next().unwrap()
}

fn place() -> Place {
    let place = Place::new();
    place.suite(SUITE);
    place.crashrate(&["run", "suite.toml"]).expect(100);
    place
}

#[test]
fn a_case_for_each_chapter_with_the_counts_of_its_rounds() {
    let place = place();
    let all = read(&place, &["report", "--format", "junit"]);
    assert_eq!(all.matches("case ").count(), 4, "{all}");
    let class = format!("case suite.toml {}.isolated / dies\n", place.name);
    assert!(all.contains(&class), "{all}");
    let dies = case(&all, "dies");
    assert!(
        dies.contains("\nfailure | 2 of 4 rounds crashed: "),
        "{dies}"
    );
    assert!(dies.contains("SIGSEGV"), "{dies}");
    assert!(dies.contains("\n    2 of 4 rounds crashed: "), "{dies}");
    assert!(
        dies.contains("round 3, attempt 1, output: output/"),
        "{dies}"
    );
    assert!(
        dies.contains("\nsystem-out | None | None\n    out 3"),
        "{dies}"
    );
    assert!(
        dies.contains("\nsystem-err | None | None\n    err"),
        "{dies}"
    );
    let fails = case(&all, "fails");
    assert!(
        fails.contains("failure | 2 of 2 rounds failed: exit code 3 | failed"),
        "{fails}"
    );
    assert!(fails.contains("<b> & ]]>"), "{fails}");
    let flaky = case(&all, "flaky");
    let said = "flakyFailure | 2 of 2 rounds passed only on a retry: exit code 1 | failed";
    assert!(flaky.contains(said), "{flaky}");
    assert_eq!(case(&all, "passes").lines().count(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_crash_has_its_stack_and_how_to_run_it_again() {
    let place = place();
    let all = read(&place, &["report", "--format", "junit"]);
    let dies = case(&all, "dies");
    assert!(dies.contains("\n    stack:\n      #0 "), "{dies}");
    assert!(
        dies.contains("\n    again: crashrate run suite.toml"),
        "{dies}"
    );
}

#[test]
fn a_case_for_each_round() {
    let place = place();
    let rounds = ["report", "--format", "junit", "--junit-rounds"];
    let all = read(&place, &rounds);
    assert_eq!(all.matches("case ").count(), 10, "{all}");
    let dies = case(&all, "dies round 4");
    assert!(dies.contains("\nfailure | crashed: "), "{dies}");
    assert!(
        dies.contains("\nsystem-out | None | None\n    out 4"),
        "{dies}"
    );
    assert_eq!(case(&all, "dies round 1").lines().count(), 1);
    let flaky = case(&all, "flaky round 1");
    assert!(
        flaky.contains("flakyFailure | failed: exit code 1 | failed"),
        "{flaky}"
    );
    let wrong = place.crashrate(&["report", "--junit-rounds"]).expect(96);
    assert!(wrong.stderr.contains("--format junit"), "{}", wrong.stderr);
}
