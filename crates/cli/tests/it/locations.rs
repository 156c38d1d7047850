//! How relative paths and worker names in suites and on the command line are resolved.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crashrate_testkit::programs;

use crate::util::Place;

#[test]
fn relative_paths_in_a_suite_are_relative_to_its_folder() {
    let place = Place::new();
    place.program(
        "suites/bin/here.sh",
        "#!/bin/sh\npwd > pwd-$CRASHRATE_CHAPTER\n",
    );
    fs::create_dir(place.path().join("suites/sub")).unwrap();
    fs::copy(
        &programs().sequence_runner,
        place.path().join("suites/bin/worker"),
    )
    .unwrap();
    place.write(
        "suites/suite.toml",
        format!(
            r#"
            [suite]
            name = "{}"
            worker = "bin/worker"

            [defaults]
            rounds = 1

            [[chapter]]
            id = "here"
            command = ["bin/here.sh"]

            [[chapter]]
            id = "sub"
            directory = "sub"
            command = ["../bin/here.sh"]

            [[chapter]]
            id = "worker"
            worker = "act"
            "#,
            place.name
        ),
    );
    place.crashrate(&["run", "suites/suite.toml"]).expect(0);
    let suites = place.path().join("suites").canonicalize().unwrap();
    let said = |file: &str| fs::read_to_string(suites.join(file)).unwrap();
    assert_eq!(said("pwd-here").trim(), suites.to_str().unwrap());
    assert_eq!(
        said("sub/pwd-sub").trim(),
        suites.join("sub").to_str().unwrap()
    );
}

#[test]
fn worker_precedence() {
    let place = Place::new();
    let good = &programs().sequence_runner;
    let bad = place.program("bad.sh", "#!/bin/sh\nexit 1\n");
    let suite = |worker: &str| {
        place.suite(&format!(
            "{worker}\n[[chapter]]\nid = \"x\"\nrounds = 1\nworker = \"act\"\n"
        ))
    };
    let run = |worker: Option<&Path>, variable: &Path| {
        let mut run = place.command(&["run", "suite.toml"]);
        run.env("CRASHRATE_WORKER", variable);
        run.args(
            worker
                .iter()
                .flat_map(|path| [OsStr::new("--worker"), path.as_os_str()]),
        );
        place.start(&mut run).wait().code()
    };
    suite("");
    assert_eq!(run(None, good), 0, "the variable alone");
    assert_eq!(
        run(Some(good), &bad),
        0,
        "the option overrides the variable"
    );
    suite(&format!("worker = {good:?}"));
    assert_eq!(run(None, &bad), 0, "the suite overrides the variable");
    assert_eq!(run(Some(&bad), good), 96, "the option overrides the suite");
}
