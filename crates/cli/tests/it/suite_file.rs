//! `crashrate.toml`, which is found where nothing is named, and the short options of `run`.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use crate::util::{Done, Place, skip};

const SUITE: &str = "[suite]\nname = \"found\"\n[[chapter]]\nid = \"a\"\nrounds = 2\n\
    command = [\"sh\", \"-c\", \"test -e here\"]\n";

/// Runs crashrate in a folder of the place.
fn crashrate_in(place: &Place, folder: &str, args: &[&str]) -> Done {
    let mut command = place.command(args);
    place
        .start(command.current_dir(place.path().join(folder)))
        .wait()
}

#[test]
fn a_suite_file_is_found_up_to_the_root_of_the_repository() {
    let place = Place::new();
    place.write("crashrate.toml", SUITE);
    place.write("here", "");
    for folder in ["repository/deep/deeper", "repository/.git"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }

    let done = place.crashrate(&["run"]).expect(0);
    let title = done.stdout.lines().next().unwrap();
    assert!(title.starts_with("found · 2 rounds in "), "{title}");
    assert!(title.ends_with(" · run 1 · crashrate.toml"), "{title}");
    assert_eq!(done.stderr, "suite crashrate.toml\n");
    let listed = place.crashrate(&["list"]).expect(0).stdout;
    assert!(
        listed.starts_with("suite found, device auto, crashrate.toml\n"),
        "{listed}"
    );

    // A file above the repository is not looked for.
    for folder in ["repository", "repository/deep/deeper"] {
        for command in ["run", "list"] {
            let error = crashrate_in(&place, folder, &[command]).expect(96).stderr;
            assert!(
                error.contains("there is no crashrate.toml in this directory"),
                "{error}"
            );
            assert!(
                error.contains("name a suite file, or a command after `--`"),
                "{error}"
            );
        }
    }

    // Relative paths in it start at its own folder.
    place.write("repository/crashrate.toml", SUITE);
    place.write("repository/here", "");
    let done = crashrate_in(&place, "repository/deep/deeper", &["run", "-n", "1"]).expect(0);
    assert!(
        done.stdout.contains(" · run 2 · ../../crashrate.toml\n"),
        "{}",
        done.stdout
    );
    // What is named is not looked for.
    let done = crashrate_in(&place, "repository", &["run", "--resume", "latest"]).expect(0);
    assert_eq!(done.stderr, "");
    crashrate_in(&place, "repository", &["run", "--", "true"]).expect(0);
}

#[test]
fn without_a_repository_only_this_directory_is_looked_into() {
    let place = Place::new();
    place.write("crashrate.toml", SUITE);
    place.write("inner/here", "");
    let error = crashrate_in(&place, "inner", &["run"]).expect(96).stderr;
    assert!(!error.contains("or above"), "{error}");
}

#[test]
fn a_suite_file_of_another_user_is_refused() {
    let place = Place::new();
    let real = place.write("of-another.toml", SUITE);
    place.write("here", "");
    if chown(&real, Some(12_345), None).is_err() {
        return skip("only the superuser can give a file to another user");
    }
    // A link of one's own does not make it one's own.
    symlink(&real, place.path().join("crashrate.toml")).unwrap();
    for command in ["run", "list"] {
        let error = place.crashrate(&[command]).expect(96).stderr;
        assert!(
            error.contains("crashrate.toml belongs to another user (uid 12345)"),
            "{error}"
        );
        assert!(
            error.contains("name it: crashrate run crashrate.toml"),
            "{error}"
        );
    }
    assert!(place.runs().is_empty());
    place.crashrate(&["run", "crashrate.toml"]).expect(0);
}

#[test]
fn short_options_and_the_name_of_a_command() {
    let place = Place::new();
    let run = ["run", "-n", "4", "-j", "2", "--name", "three.is-bad", "--"];
    let command = ["sh", "-c", "test $CRASHRATE_ROUND != 3"];
    place
        .crashrate(&[&run[..], &command[..]].concat())
        .expect(100);
    let json = place.json();
    assert_eq!(json["run"]["suite"], "three.is-bad");
    assert_eq!(json["chapters"][0]["chapter"], "three.is-bad");
    assert_eq!(json["chapters"][0]["outcomes"]["passed"], 3);
    assert_eq!(place.journal().opened[0].run.jobs, 2);
    let history = place
        .crashrate(&["history", "three.is-bad"])
        .expect(0)
        .stdout;
    assert!(history.contains("three.is-bad"), "{history}");

    for (args, says) in [
        (
            &["run", "--name", "A b", "--", "true"][..],
            "that begin with a letter or digit",
        ),
        (&["run", "--name", "x", "suite.toml"], "cannot be used with"),
        (
            &["run", "--name", "x", "--resume", "latest"],
            "cannot be used with",
        ),
    ] {
        let error = place.crashrate(args).expect(96).stderr;
        assert!(error.contains(says), "{args:?}: {error}");
    }
}

#[test]
fn a_quiet_run_prints_the_title_and_the_verdict() {
    let place = Place::new();
    let mut run = place.command(&["run", "-q", "-n", "2", "--", "sh", "-c", "exit 7"]);
    let done = place.start(run.env("CI", "true")).wait().expect(100);
    assert_eq!(done.stderr, "");
    let lines: Vec<_> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("sh · 2 rounds in "), "{lines:?}");
    assert_eq!(lines[1..3], ["", "FAIL  sh failed in 2 of 2 rounds"]);
    assert!(lines.len() <= 6, "{lines:?}");
    assert!(!done.stdout.contains("report"), "{lines:?}");
    // Errors are printed.
    let error = place
        .crashrate(&["run", "-q", "--", "./missing"])
        .expect(96)
        .stderr;
    assert!(error.contains("missing"), "{error}");
}
