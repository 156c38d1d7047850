//! CTest: `ctest --show-only=json-v1` (since CMake 3.14), see `ctest(1)`; the properties of tests
//! are in `cmake-properties(7)`.
//!
//! Each test is a program, so each is a group, and a sequence is impossible. Properties that choose
//! the process and judge its exit code are followed; others become notes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::error::ListError;
use crate::group::{Group, Test};
use crate::listing::{Context, Listing, Step, TestList};
use crate::process::Invocation;
use crate::words::file_name;
use crate::{Framework, OutputRules};

const CTEST: Framework = Framework::Ctest;

#[derive(Deserialize)]
struct Info {
    tests: Vec<Declared>,
}

#[derive(Deserialize)]
struct Declared {
    name: String,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    value: Value,
}

pub(crate) fn list(command: &[String], context: Context<'_>) -> Result<Step, ListError> {
    let process = match command {
        [] => Invocation::new(["ctest"]),
        [program, ..] if file_name(program) == "ctest" => Invocation::new(command.to_vec()),
        [folder] if !folder.starts_with('-') => Invocation::new(["ctest", "--test-dir", folder]),
        _ => {
            return Err(ListError::Command {
                framework: CTEST,
                problem: "expected a build folder or `ctest ...`: command = [\"build\"]".to_owned(),
            });
        }
    };
    let process = process.with(["--show-only=json-v1"]);
    let env = context.env.clone();
    Ok(Listing::one(process, move |process, output| {
        if output.exit != Some(0) {
            return Err(ListError::failed(CTEST, process, &output));
        }
        let info: Info = serde_json::from_slice(&output.stdout)
            .map_err(|error| ListError::unreadable(CTEST, process, error))?;
        let enabled = info.tests.into_iter().filter(|test| !test.is("DISABLED"));
        let groups: Result<Vec<Group>, ListError> = enabled.map(|test| group(test, &env)).collect();
        Ok(TestList::done(groups?, Vec::new()))
    }))
}

fn group(declared: Declared, env: &BTreeMap<String, String>) -> Result<Group, ListError> {
    let mut program = Invocation::new(declared.command.clone());
    let mut test = Test::named(declared.name.clone());
    let mut notes = Vec::new();
    let mut rules = OutputRules::default();
    if program.command.is_empty() {
        return Err(declared.error("has no program: build the project first"));
    }
    for property in &declared.properties {
        let value = &property.value;
        match property.name.as_str() {
            "WORKING_DIRECTORY" => program.directory = value.as_str().map(Into::into),
            "ENVIRONMENT" => program.env.extend(texts(value).filter_map(variable)),
            "TIMEOUT" => test.timeout = timeout(value),
            "SKIP_RETURN_CODE" => test.exit_codes.skipped.extend(integer(value)),
            "WILL_FAIL" => test.exit_codes.inverted = is_true(value),
            "REQUIRED_FILES" => {
                let files: Vec<&str> = texts(value).collect();
                notes.push(format!(
                    "needs the files {}, which crashrate does not check",
                    files.join(", ")
                ));
            }
            "FIXTURES_REQUIRED" => {
                let fixtures: Vec<&str> = texts(value).collect();
                notes.push(format!(
                    "needs the fixtures {}, which crashrate does not set up",
                    fixtures.join(", ")
                ));
            }
            "PASS_REGULAR_EXPRESSION" => rules.required.extend(texts(value).map(str::to_owned)),
            "FAIL_REGULAR_EXPRESSION" => rules.failing.extend(texts(value).map(str::to_owned)),
            "SKIP_REGULAR_EXPRESSION" => rules.skipping.extend(texts(value).map(str::to_owned)),
            name @ ("TIMEOUT_AFTER_MATCH" | "RESOURCE_GROUPS") => {
                notes.push(format!("has {name}, which crashrate does not follow"));
            }
            _ => {}
        }
    }
    // Also if it stands before `ENVIRONMENT` in the list, it applies to what that sets.
    for property in &declared.properties {
        if property.name == "ENVIRONMENT_MODIFICATION" {
            for change in texts(&property.value) {
                modify(&mut program, change, env).map_err(|problem| declared.error(&problem))?;
            }
        }
    }
    if let Some(problem) = rules.problem() {
        return Err(declared.error(&problem));
    }
    test.exit_codes.output = rules;
    test.notes = notes;
    Ok(Group {
        framework: CTEST,
        name: None,
        program,
        tests: vec![test],
    })
}

impl Declared {
    fn is(&self, name: &str) -> bool {
        let mut properties = self.properties.iter();
        properties.any(|property| property.name == name && is_true(&property.value))
    }

    fn error(&self, problem: &str) -> ListError {
        ListError::Test {
            framework: CTEST,
            test: self.name.clone(),
            problem: problem.to_owned(),
        }
    }
}

/// The strings of a list, or the only string.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let one = value.as_str();
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(one)
}

fn variable(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

fn integer(value: &Value) -> Option<i32> {
    let number = value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    i32::try_from(number).ok()
}

/// The time limit in seconds. CMake takes 0 for no limit.
fn timeout(value: &Value) -> Option<Duration> {
    let seconds = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|limit| !limit.is_zero())
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| {
        value.as_str().is_some_and(|text| {
            ["1", "on", "yes", "true", "y"].contains(&text.to_ascii_lowercase().as_str())
        })
    })
}

/// Applies a change `NAME=OPERATION:VALUE` of `ENVIRONMENT_MODIFICATION` (CMake 3.22).
fn modify(
    program: &mut Invocation,
    change: &str,
    env: &BTreeMap<String, String>,
) -> Result<(), String> {
    let parts = change.split_once('=');
    let parts = parts.and_then(|(name, rest)| Some((name, rest.split_once(':')?)));
    let Some((name, (operation, value))) = parts else {
        return Err(format!(
            "has an invalid ENVIRONMENT_MODIFICATION `{change}`"
        ));
    };
    let now = match program.env.get(name) {
        Some(value) => value.as_str(),
        None if program.unset.contains(name) => "",
        None => env.get(name).map_or("", String::as_str),
    };
    let join = |first: &str, separator: &str, second: &str| {
        if first.is_empty() || second.is_empty() {
            format!("{first}{second}")
        } else {
            format!("{first}{separator}{second}")
        }
    };
    let new = match operation {
        "set" => value.to_owned(),
        "string_append" => join(now, "", value),
        "string_prepend" => join(value, "", now),
        "path_list_append" => join(now, ":", value),
        "path_list_prepend" => join(value, ":", now),
        "cmake_list_append" => join(now, ";", value),
        "cmake_list_prepend" => join(value, ";", now),
        "unset" => {
            program.env.remove(name);
            program.unset.insert(name.to_owned());
            return Ok(());
        }
        "reset" => {
            program.env.remove(name);
            program.unset.remove(name);
            return Ok(());
        }
        other => {
            return Err(format!(
                "has the unknown operation `{other}` in ENVIRONMENT_MODIFICATION `{change}`"
            ));
        }
    };
    program.unset.remove(name);
    program.env.insert(name.to_owned(), new);
    Ok(())
}
