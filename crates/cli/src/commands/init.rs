//! `crashrate init`: a suite file for the tests of a command.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_adapters::Framework;
use crashrate_supervisor::request::COMMAND_ROUNDS;
use crashrate_supervisor::suite::{Suite, TestSource, word_to_text};
use serde_json::json;

use crate::error::{Exit, Failure};
use crate::output::print;
use crate::tests_of::{framework, lister};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate init -- ./math_test
  crashrate init --from pytest --output mps.toml -- tests/test_mps.py")]
pub(crate) struct InitArguments {
    /// The command that runs the tests
    #[arg(last = true, required = true, value_name = "COMMAND")]
    argv: Vec<OsString>,

    /// The test framework of the command
    #[arg(long, value_name = "FRAMEWORK", value_parser = framework(), default_value = "auto")]
    // With its full path, clap takes the type as the value that the parser returns.
    from: std::option::Option<Framework>,

    /// The suite file to write; an existing file is not replaced
    #[arg(long, value_name = "FILE", default_value = "crashrate.toml")]
    output: PathBuf,
}

pub(crate) fn init(runs: &Path, arguments: &InitArguments) -> Result<Exit, Failure> {
    let lister = lister(runs);
    let words = arguments.argv.iter().map(|word| word_to_text(word));
    let words: Vec<String> = words.collect();
    let tests = |source: &TestSource| lister.list(source);
    let suite = Suite::of_tests(arguments.from, &words, COMMAND_ROUNDS, &tests)?;
    let path = &arguments.output;
    let shown = path.display();
    let text = text(&suite, directory(path).as_deref());
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::usage(match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{shown} exists already: remove it, or name another with --output")
            }
            _ => format!("{shown} cannot be written: {error}"),
        })
    })?;
    let tests = suite.chapters.len();
    print(&format!(
        "{shown}: {tests} tests\nrun it: crashrate run {shown}\n"
    ))?;
    Ok(Exit::Passed)
}

/// This directory, for a suite file in another one: a suite's directory is that of its file.
fn directory(file: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let folder = here.join(file.parent()?).canonicalize().ok()?;
    (folder != here.canonicalize().ok()?).then_some(here)
}

/// The suite file. JSON strings and lists of strings are TOML, too.
fn text(suite: &Suite, directory: Option<&Path>) -> String {
    let directory = directory.map_or_else(String::new, |directory| {
        format!("directory = {}\n", json!(directory.to_string_lossy()))
    });
    let source = &suite.tests[0];
    let framework = suite.chapters[0].test.as_ref().map(|test| test.framework);
    let from = framework.map_or_else(|| "auto".to_owned(), |framework| framework.to_string());
    let (name, command) = (json!(suite.name), json!(source.command));
    let sequence = match &source.sequence {
        Some(sequence) => format!(
            "\n# All tests in one process. Without this key, each test runs only in its own.\n\
             sequence = {}\n\
             # order = \"shuffled\"                  # given, reversed or shuffled\n",
            json!(sequence)
        ),
        None => String::new(),
    };
    let example = json!([suite.chapters[0].id, "-*slow*"]);
    format!(
        "# {} tests of {from}. `crashrate help suite` describes every key.\n\
         \n\
         [suite]\n\
         name = {name}\n\
         \n\
         [defaults]\n\
         rounds = {COMMAND_ROUNDS}                           # of each test and of the sequence\n\
         timeout = \"10m\"                       # of each test\n\
         \n\
         # The tests are listed again at the start of each run.\n\
         [[tests]]\n\
         from = \"{from}\"\n\
         command = {command}\n\
         {directory}\
         # Which tests: `*` stands for any text, and `-` leaves tests out.\n\
         # select = {example}\n\
         # isolated = false                    # do not run each test in its own process\n\
         {sequence}\
         \n\
         # [[gate]]                            # CI fails unless this is shown\n\
         # chapter = {}\n\
         # require = \"crashed < 1%\"\n",
        suite.chapters.len(),
        json!(suite.chapters[0].id)
    )
}
