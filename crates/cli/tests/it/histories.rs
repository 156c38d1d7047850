//! Which runs belong to one history: those that ran the same, not those of programs of one name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::util::Place;

/// Runs a command for twelve rounds, in a folder of the place.
fn run(place: &Place, folder: &str, command: &[&str], code: i32) {
    let args = [&["run", "--rounds", "12", "--"], command].concat();
    let mut command = place.command(&args);
    command.current_dir(place.path().join(folder));
    place.start(&mut command).wait().expect(code);
}

/// A shell under the place's name, which is then also the name of its runs.
fn shell(place: &Place) -> String {
    let path = place.path().join(&place.name);
    symlink("/bin/sh", &path).unwrap();
    path.display().to_string()
}

fn histories(place: &Place) -> Vec<Value> {
    let done = place.crashrate(&["history", &place.name, "--format", "json"]);
    let mut all: Value = serde_json::from_str(&done.expect(0).stdout).unwrap();
    all["histories"].as_array_mut().unwrap().drain(..).collect()
}

/// The numbers of the runs of each trend of a history.
fn trends(history: &Value) -> Vec<Vec<u64>> {
    let numbers = |trend: &Value| {
        let points = trend["points"].as_array().unwrap().iter();
        points
            .map(|point| point["number"].as_u64().unwrap())
            .collect()
    };
    let trends = history["trends"].as_array().unwrap();
    trends.iter().map(numbers).collect()
}

fn text(place: &Place, args: &[&str]) -> String {
    let text = place.crashrate(args).expect(0).stdout.replace('\\', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn different_commands_of_one_program_are_never_compared() {
    let place = Place::new();
    let shell = shell(&place);
    let good = [&*shell, "-c", "true"];
    let bad = [&*shell, "-c", "kill -SEGV $$"];
    for (command, code) in [(good, 0), (good, 0), (bad, 100), (good, 0), (bad, 100)] {
        run(&place, ".", &command, code);
    }
    let all = histories(&place);
    let lines: Vec<_> = all
        .iter()
        .map(|one| one["command"]["line"].clone())
        .collect();
    assert_eq!(
        lines,
        [
            format!("{shell} -c true"),
            format!("{shell} -c 'kill -SEGV $$'")
        ]
    );
    let runs: Vec<_> = all.iter().map(trends).collect();
    assert_eq!(runs, [[vec![1, 2, 4]], [vec![3, 5]]]);
    for one in &all {
        assert_eq!(one["trends"][0]["change"], Value::Null);
        assert_eq!(one["trends"][0]["marks"], Value::Array(Vec::new()));
    }
    for format in ["terminal", "markdown", "html"] {
        let text = text(&place, &["history", &place.name, "--format", format]);
        assert!(text.contains("They are not compared"), "{format}: {text}");
        assert!(text.contains(" -c true"), "{format}: {text}");
        assert!(!text.contains("rose"), "{format}: {text}");
    }
    let report = |number: &str| text(&place, &["report", number, "--format", "markdown"]);
    assert!(!report("3").contains("passed, N="), "{}", report("3"));
    assert!(report("4").contains("passed, N=2"), "{}", report("4"));
    assert!(report("5").contains("passed, N=3"), "{}", report("5"));
}

#[test]
fn a_command_in_another_directory_is_another_one() {
    let place = Place::new();
    let shell = shell(&place);
    fs::create_dir(place.path().join("other")).unwrap();
    for folder in [".", "other", "."] {
        run(&place, folder, &[&shell, "-c", "true"], 0);
    }
    let runs: Vec<_> = histories(&place).iter().map(trends).collect();
    assert_eq!(runs, [[vec![1, 3]], [vec![2]]]);
    let text = text(&place, &["history", &place.name]);
    assert!(text.contains("/other)"), "{text}");
}

#[test]
fn a_chapter_whose_command_changed_begins_a_new_row() {
    let place = Place::new();
    let run = |script: &str, env: &str, code| {
        place.suite(&format!(
            "[[chapter]]\nid = \"x\"\nrounds = 12\ncommand = [\"sh\", \"-c\", {script:?}]\n{env}\n\
             [[chapter]]\nid = \"y\"\nrounds = 12\ncommand = [\"true\"]\n"
        ));
        place.crashrate(&["run", "suite.toml"]).expect(code);
    };
    run("true", "", 0);
    run("true", "", 0);
    run("kill -SEGV $$", "", 100);
    run("true", "env = { A = \"1\" }", 0);
    run("true", "", 0);
    let all = histories(&place);
    let [history] = all.as_slice() else {
        panic!("{all:#?}");
    };
    assert_eq!(
        trends(history),
        [vec![1, 2, 5], vec![1, 2, 3, 4, 5], vec![3], vec![4]]
    );
    let shown = text(&place, &["history", &place.name]);
    for words in [
        "x (isolated), as in N=1",
        "Not compared with N=1, N=2, N=4 and N=5: the command, parameters, directory or \
         environment differs.",
    ] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    assert!(!shown.contains("rose"), "{shown}");
    // The run before has only `y` in common with the third one.
    let report = text(&place, &["report", "3", "--format", "markdown"]);
    let (_, compared) = report.split_once("passed, N=2").expect("the run before");
    let (compared, _) = compared.split_once("##").expect("another section");
    assert!(compared.contains("y (isolated)"), "{compared}");
    assert!(!compared.contains("x (isolated)"), "{compared}");
}

#[test]
fn a_moved_suite_and_a_new_build_keep_their_history() {
    let place = Place::new();
    for (folder, script) in [("a", "exit 0"), ("b", "exit 0"), ("b", "kill -SEGV $$")] {
        let program = format!("{folder}/p");
        place.program(&program, &format!("#!/bin/sh\n{script}\n"));
        let program = place.path().join(program);
        let suite = format!(
            "[suite]\nname = \"{}\"\n[[chapter]]\nid = \"x\"\nrounds = 12\ncommand = [{program:?}]\n",
            place.name
        );
        place.write(&format!("{folder}/suite.toml"), suite);
        let path = format!("{folder}/suite.toml");
        let code = if script == "exit 0" { 0 } else { 100 };
        place.crashrate(&["run", &path]).expect(code);
    }
    let all = histories(&place);
    assert_eq!(trends(&all[0]), [[1, 2, 3]]);
    assert_eq!(all[0]["trends"][0]["change"]["direction"], "rose");
    let differs = all[0]["runs"][2]["differs"].to_string();
    assert!(differs.contains("program: p "), "{differs}");
    let report = text(&place, &["report", "3", "--format", "markdown"]);
    let (_, differs) = report.split_once("what differs").expect("what differs");
    let (differs, _) = differs.split_once("##").expect("another section");
    assert!(differs.contains("program"), "{differs}");
}

/// The links of a page in a file are relative to the directory in which it was written.
#[test]
fn the_page_of_a_history_links_to_the_pages_of_its_runs() {
    let place = Place::new();
    let shell = shell(&place);
    for _ in 0..2 {
        run(&place, ".", &[&shell, "-c", "true"], 0);
    }
    let folders = [place.runs_dir().join("x"), place.path().to_owned()];
    let page = |folder: &Path| {
        let mut command = place.command(&["history", &place.name, "--format", "html"]);
        place
            .start(command.current_dir(folder))
            .wait()
            .expect(0)
            .stdout
    };
    fs::create_dir(&folders[0]).unwrap();
    let all = fs::read_dir(place.runs_dir()).unwrap();
    let reports = all.map(|entry| entry.unwrap().path().join("report.html"));
    let reports: Vec<_> = reports.filter(|report| report.is_file()).collect();
    assert_eq!(reports.len(), 2);
    for folder in folders {
        let page = page(&folder);
        for report in &reports {
            let link = report.strip_prefix(&folder).unwrap_or(report);
            assert!(
                page.contains(&format!("href=\"{}\"", link.display())),
                "{page}"
            );
        }
    }
    fs::remove_file(&reports[0]).unwrap();
    let page = page(place.path());
    assert_eq!(page.matches("report.html\"").count(), 3, "{page}");
    fs::remove_dir(place.runs_dir().join("x")).unwrap();
}
