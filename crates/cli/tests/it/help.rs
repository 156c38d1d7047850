//! Help texts, reference pages, hints after mistakes, the log and colours.

use crate::util::Place;

/// The names of the subcommands, from `crashrate --help`.
fn subcommands(place: &Place) -> Vec<String> {
    let help = place.crashrate(&["--help"]).expect(0).stdout;
    let commands = help.split("Commands:").nth(1).unwrap();
    let lines = commands.lines().skip(1).take_while(|line| !line.is_empty());
    // Wrapped descriptions are indented further.
    let lines = lines.filter(|line| !line.starts_with("    "));
    let names: Vec<_> = lines
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert!(names.len() >= 13, "{names:?}");
    names
}

#[test]
fn every_subcommand_has_an_example() {
    let place = Place::new();
    let mut topics: Vec<Vec<String>> = vec![vec!["runs".into(), "prune".into()]];
    topics.extend(subcommands(&place).into_iter().map(|name| vec![name]));
    for topic in topics {
        let mut args: Vec<_> = topic.iter().map(String::as_str).collect();
        args.push("--help");
        let help = place.crashrate(&args).expect(0).stdout;
        let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
        let example = format!("  crashrate {}", topic.join(" "));
        assert!(examples.contains(&example), "{topic:?}: {help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{topic:?}: {line}");
        }
    }
}

/// Takes the keys from the error about an unknown key, which lists all valid ones.
#[test]
fn the_suite_page_has_every_key() {
    let place = Place::new();
    let page = place.crashrate(&["help", "suite"]).expect(0).stdout;
    let chapter = "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n";
    for section in [
        "",
        "[suite]\nname = \"x\"\n",
        "[defaults]\n",
        "[limits]\n",
        "[fault]\nkind = \"tensor-lifetime\"\n",
        chapter,
        "[[sequence]]\nid = \"s\"\n",
        "[[variant]]\nid = \"v\"\n",
        "[[gate]]\n",
        "[[recommendation]]\n",
    ] {
        let suite = place.write("keys.toml", format!("{section}qqqqqqqqq = 1\n"));
        let error = place.crashrate(&["list", suite.to_str().unwrap()]);
        let error = error.expect(96).stderr;
        let known = error.split(" expected ").nth(1);
        let known = known.unwrap_or_else(|| panic!("{section}: {error}"));
        for key in known.split('`').skip(1).step_by(2) {
            let is_there = [format!("`{key}`"), format!("[{key}]"), format!("{key} =")]
                .iter()
                .any(|form| page.contains(form));
            assert!(is_there, "{section}: {key} is missing in {page}");
        }
    }
}

#[test]
fn the_events_page_has_every_variable() {
    let place = Place::new();
    let page = place.crashrate(&["help", "events"]).expect(0).stdout;
    let env = ["run", "--rounds", "1", "--", "sh", "-c", "env >&2; exit 1"];
    place.crashrate(&env).expect(100);
    let journal = place.journal();
    let output = place.run().join(journal.ended[0].output.as_ref().unwrap());
    let output = std::fs::read_to_string(output).unwrap();
    let names = output.lines().filter_map(|line| line.split_once('='));
    let names: Vec<_> = names
        .map(|(name, _)| name)
        // The user sets these variables, not crashrate.
        .filter(|name| !["CRASHRATE_RUNS_DIR", "CRASHRATE_LOCKS"].contains(name))
        .filter(|name| name.starts_with("CRASHRATE_"))
        .collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        assert!(page.contains(name), "{name} is missing in {page}");
    }
}

#[test]
fn mistakes_have_hints() {
    let place = Place::new();
    place.program("race", "#!/bin/sh\nexit 0\n");
    place.crashrate(&["run", "--", "true"]).expect(0);
    for (args, hint) in [
        (
            &["run", "./race"][..],
            "a suite is a TOML file; to run a command: crashrate run -- ./race",
        ),
        (
            &["run", "race", "--threads", "8"],
            "To run a command with arguments: crashrate run -- COMMAND",
        ),
        (&["report", "2"], "its only run is 1-true-"),
        (&["report", "lastest"], "did you mean `latest`?"),
        (&["run", "--resume", "7"], "its only run is 1-true-"),
        (&["history", "treu"], "did you mean `true`?"),
        (&["help", "suites"], "did you mean `suite`?"),
        (&["report", "--format", "htm"], "'html'"),
        (&["rport"], "'report'"),
    ] {
        let done = place.crashrate(args).expect(96);
        assert!(done.stderr.contains(hint), "{args:?}: {}", done.stderr);
        assert_eq!(done.stderr.matches("error: ").count(), 1, "{args:?}");
    }
    assert_eq!(place.runs().len(), 1, "nothing was run");
}

#[test]
fn the_log_says_what_happens() {
    let place = Place::new();
    let hangs = ["-v", "run", "--rounds", "1", "--timeout", "100ms", "--"];
    let run = [&hangs[..], &["sleep", "300"]].concat();
    let done = place.crashrate(&run).expect(100);
    let lines: Vec<_> = done.stderr.lines().collect();
    assert!(lines.iter().any(|line| line.contains(" info")), "{lines:?}");
    assert!(!done.stderr.contains('\x1b'), "{:?}", done.stderr);
}

#[test]
fn colours_are_decided_by_option_and_environment() {
    let place = Place::new();
    let run = ["--color", "never", "run", "--rounds", "2", "--", "true"];
    place.crashrate(&run).expect(0);
    let is_colored = |option: &[&str], env: &[(&str, &str)]| {
        let mut report = place.command(&[option, &["report"]].concat());
        report.envs(env.iter().copied());
        place
            .start(&mut report)
            .wait()
            .expect(0)
            .stdout
            .contains('\x1b')
    };
    assert!(!is_colored(&[], &[]));
    assert!(is_colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_colored(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!is_colored(
        &[],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(is_colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!is_colored(
        &["--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
}
