//! pytest 7 to 9: <https://docs.pytest.org/en/stable/reference/reference.html>.
//!
//! The plugin `crashrate.pytest_plugin` does what pytest's own output cannot: it lists node ids
//! with any `addopts`, runs tests in a given order, and writes events. The words of the user
//! stay as they are, because only pytest knows which of them are paths; the plugin replaces those.

use serde::Deserialize;

use crate::Framework;
use crate::error::ListError;
use crate::group::{Group, Test};
use crate::listing::{Listing, Step, TestList};
use crate::process::{Invocation, Output};
use crate::words::file_name;

const PYTEST: Framework = Framework::Pytest;
const PLUGIN: [&str; 2] = ["-p", "crashrate.pytest_plugin"];

/// Tells the plugin to list the tests.
const LIST: &str = "CRASHRATE_PYTEST_LIST";

/// Tells the plugin to run only the test with this node id.
const ONLY: &str = "CRASHRATE_PYTEST_TEST";

/// Whether the words are a command or an argument of pytest.
pub(crate) fn is_pytest(command: &[String]) -> bool {
    launcher(command) > 0
        || command.iter().any(|word| {
            let path = word.split("::").next().unwrap_or_default();
            path.ends_with(".py") && !file_name(&command[0]).starts_with("python")
        })
}

/// How many of the first words start pytest: `pytest`, `python3 -m pytest`, `uv run pytest`.
fn launcher(command: &[String]) -> usize {
    let is_pytest = |word: &String| ["pytest", "py.test"].contains(&file_name(word));
    let Some(first) = command.first() else {
        return 0;
    };
    if is_pytest(first) {
        return 1;
    }
    let module = command
        .windows(2)
        .position(|pair| pair[0] == "-m" && is_pytest(&pair[1]));
    if let Some(at) = module {
        return at + 2;
    }
    if command.get(1).is_some_and(|word| word == "run") {
        return command.iter().position(is_pytest).map_or(0, |at| at + 1);
    }
    0
}

pub(crate) fn list(command: &[String]) -> Step {
    let (launcher, arguments) = match launcher(command) {
        0 => (
            ["python3", "-m", "pytest"].map(str::to_owned).to_vec(),
            command,
        ),
        words => (command[..words].to_vec(), &command[words..]),
    };
    let program = Invocation::new(launcher)
        .with(PLUGIN)
        .with(arguments.to_vec());
    let mut listing = program.with(["--collect-only", "-q"]);
    listing.env.insert(LIST.to_owned(), "1".to_owned());
    Listing::one(listing, move |process, output| {
        let tests = parse_list(process, &output)?;
        let group = Group {
            framework: PYTEST,
            name: None,
            program,
            tests,
        };
        Ok(TestList::done(vec![group], Vec::new()))
    })
}

#[derive(Deserialize)]
struct Gate {
    id: String,
    below: f64,
}

/// Reads the plugin's lines: `crashrate-test: "NODE ID"` for each test, and
/// `crashrate-gate: {"id": "NODE ID", "below": 0.01}` for a mark.
fn parse_list(process: &Invocation, output: &Output) -> Result<Vec<Test>, ListError> {
    // 5: no tests were collected.
    if output.exit == Some(5) {
        return Ok(Vec::new());
    }
    if output.exit != Some(0) {
        return Err(failed(process, output));
    }
    let unreadable = |line: &str, error: serde_json::Error| {
        ListError::unreadable(PYTEST, process, format!("{error} in `{line}`"))
    };
    let text = output.text();
    let mut tests: Vec<Test> = Vec::new();
    for line in text.lines() {
        if let Some(id) = line.strip_prefix("crashrate-test: ") {
            let name: String = serde_json::from_str(id).map_err(|error| unreadable(line, error))?;
            tests.push(Test::named(name));
        }
    }
    for line in text.lines() {
        if let Some(gate) = line.strip_prefix("crashrate-gate: ") {
            let gate: Gate = serde_json::from_str(gate).map_err(|error| unreadable(line, error))?;
            if !(gate.below > 0.0 && gate.below < 1.0) {
                let problem = format!("not a rate in `{line}`");
                return Err(ListError::unreadable(PYTEST, process, problem));
            }
            let marked = tests.iter_mut().filter(|test| test.name == gate.id);
            marked.for_each(|test| test.below = Some(gate.below));
        }
    }
    Ok(tests)
}

fn failed(process: &Invocation, output: &Output) -> ListError {
    // Collection errors are on standard output, and usage errors on standard error.
    let mut output = output.clone();
    if output.exit == Some(2) {
        output.stderr.clear();
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let missing = ["crashrate", "crashrate.pytest_plugin"]
        .iter()
        .any(|module| stderr.contains(&format!("No module named '{module}'")));
    if missing {
        return ListError::Command {
            framework: PYTEST,
            problem: format!(
                "this Python has no crashrate plugin: install it with `pip install crashrate` into \
                 the environment of `{}`",
                process.command[0]
            ),
        };
    }
    ListError::failed(PYTEST, process, &output)
}

pub(crate) fn isolated(group: &Group, test: &Test) -> Invocation {
    let mut process = group.program.clone();
    process.env.insert(ONLY.to_owned(), test.name.clone());
    process
}

/// The task says which tests run, in which order.
pub(crate) fn sequential(group: &Group) -> Invocation {
    group.program.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::words;

    #[test]
    fn the_launcher_ends_at_pytest() {
        let cases = [
            ("pytest -x", 1),
            ("/venv/bin/py.test", 1),
            ("python3.12 -X dev -m pytest tests", 5),
            ("uv run pytest tests", 3),
            ("tests/ -k pytest", 0),
            ("", 0),
        ];
        for (command, expected) in cases {
            assert_eq!(launcher(&words(command)), expected, "{command}");
        }
    }
}
