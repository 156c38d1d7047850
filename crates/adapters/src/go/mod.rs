//! Go's `testing` package: `go help test`, `go help testflag`, `src/testing/testing.go`; from
//! Go 1.16 on.
//!
//! A package becomes a test binary (`go test -c`) that runs in the package's folder, as `go test`
//! does it. Chapters are top-level tests; subtests belong to theirs.

use std::path::{Path, PathBuf};

use crate::Framework;
use crate::error::{ListError, SequenceError};
use crate::group::{Group, Order, Test};
use crate::listing::{Context, Listing, Step, TestList};
use crate::process::{self, Invocation};
use crate::words::file_name;

mod flags;
mod output;

use flags::{GoTest, RUN, binary_arguments, top_level};
pub(crate) use output::Output;

const GO: Framework = Framework::Go;

pub(crate) fn list(command: &[String], context: Context<'_>) -> Result<Step, ListError> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words.as_slice() {
        [program, ..] if program.ends_with(".test") => {
            let arguments = binary_arguments(&command[1..]);
            let program = Invocation::new([*program]);
            Ok(list_programs(vec![(None, program)], arguments))
        }
        [go, "test", ..] if file_name(go) == "go" => Ok(list_packages(go, &command[2..], context)),
        [] | [_, ..] if words.first().is_none_or(|word| file_name(word) != "go") => {
            Ok(list_packages("go", command, context))
        }
        _ => Err(ListError::Command {
            framework: GO,
            problem: "expected packages, `go test ...` or a test binary: command = [\"./...\"]"
                .to_owned(),
        }),
    }
}

/// A package that has tests, and the folder it is in.
struct Package {
    path: String,
    folder: PathBuf,
}

/// Finds the packages, builds the test binary of each, and asks it for its tests.
fn list_packages(go: &str, arguments: &[String], context: Context<'_>) -> Step {
    let words = GoTest::parse(arguments);
    let go = Invocation::new([go]);
    let scratch = context.scratch.to_owned();
    let format = "{{.ImportPath}}\t{{.Dir}}\t{{len .TestGoFiles}}\t{{len .XTestGoFiles}}";
    let find = go
        .with(["list", "-f", format])
        .with(words.build.clone())
        .with(words.packages.clone());
    Listing::one(find, move |process, output| {
        let packages = parse_packages(process, &output)?;
        let binaries: Vec<String> = packages
            .iter()
            .enumerate()
            .map(|package| binary(&scratch, package))
            .collect();
        let builds = packages.iter().zip(&binaries).map(|(package, binary)| {
            go.with(["test", "-c", "-o", binary])
                .with(words.build.clone())
                .with([&package.path])
        });
        let builds: Vec<Invocation> = builds.collect();
        Ok(Listing::step(builds, move |processes, outputs| {
            for (process, output) in processes.iter().zip(&outputs) {
                if output.exit != Some(0) {
                    return Err(ListError::failed(GO, process, output));
                }
            }
            let programs = packages.into_iter().zip(binaries).map(|(package, binary)| {
                let mut program = Invocation::new([binary]);
                program.directory = Some(package.folder);
                (Some(package.path), program)
            });
            Ok(list_programs(programs.collect(), words.test))
        }))
    })
}

/// The path of a package's test binary.
fn binary(scratch: &Path, (index, package): (usize, &Package)) -> String {
    let name = format!("{index}-{}.test", file_name(&package.path));
    scratch.join(name).to_string_lossy().into_owned()
}

fn parse_packages(
    process: &Invocation,
    output: &process::Output,
) -> Result<Vec<Package>, ListError> {
    if output.exit != Some(0) {
        return Err(ListError::failed(GO, process, output));
    }
    let mut packages = Vec::new();
    for line in output.text().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, folder, inside, outside] = fields.as_slice() else {
            let problem = format!("unexpected line `{line}`");
            return Err(ListError::unreadable(GO, process, problem));
        };
        if (*inside, *outside) != ("0", "0") {
            packages.push(Package {
                path: (*path).to_owned(),
                folder: (*folder).into(),
            });
        }
    }
    Ok(packages)
}

/// Asks test binaries for their tests. `-test.list` follows no other flag, so `arguments`, with the
/// user's `-run`, is for the runs.
fn list_programs(programs: Vec<(Option<String>, Invocation)>, arguments: Vec<String>) -> Step {
    let chosen = arguments
        .iter()
        .find_map(|word| word.strip_prefix(RUN))
        .map(top_level);
    let pattern = chosen.unwrap_or_else(|| ".".to_owned());
    let asked = programs
        .iter()
        .map(|(_, program)| program.with(["-test.list", &pattern]));
    Listing::step(asked.collect(), move |processes, outputs| {
        let mut groups = Vec::new();
        for (((name, program), process), output) in programs.into_iter().zip(processes).zip(outputs)
        {
            if output.exit != Some(0) {
                return Err(ListError::failed(GO, process, &output));
            }
            groups.push(Group {
                framework: GO,
                name,
                program: program.with(arguments.clone()),
                tests: parse_list(&output.text())
                    .into_iter()
                    .map(Test::named)
                    .collect(),
            });
        }
        Ok(TestList::done(groups, Vec::new()))
    })
}

/// Reads the list: a name a line. Benchmarks are left out, because tests run without them.
fn parse_list(text: &str) -> Vec<String> {
    let is_test = |name: &&str| {
        let kinds = ["Test", "Fuzz", "Example"];
        kinds.iter().any(|kind| name.starts_with(kind)) && !name.contains(char::is_whitespace)
    };
    text.lines().filter(is_test).map(str::to_owned).collect()
}

pub(crate) fn isolated(group: &Group, test: &Test) -> Invocation {
    run(group, Some(pattern(group, &[test])), "off")
}

pub(crate) fn sequential(
    group: &Group,
    tests: &[&Test],
    order: Order,
) -> Result<Invocation, SequenceError> {
    let pattern = (!group.is_all(tests)).then(|| pattern(group, tests));
    match order {
        Order::Given => Ok(run(group, pattern, "off")),
        // The seed is a signed 64-bit number.
        Order::Shuffled { seed } => Ok(run(group, pattern, &(seed & (u64::MAX >> 1)).to_string())),
        Order::Reversed => Err(SequenceError::Order {
            framework: GO,
            order: "reversed",
            possible: "use `given` or `shuffled`",
        }),
    }
}

/// The argument that chooses tests. The user's pattern for subtests stays: `-run TestA/sub` becomes
/// `^(TestA)$/sub`.
fn pattern(group: &Group, tests: &[&Test]) -> String {
    let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    let own = group
        .program
        .command
        .iter()
        .find_map(|word| word.strip_prefix(RUN));
    let subtests = own.map_or("", |pattern| &pattern[top_level(pattern).len()..]);
    format!("{RUN}^({})${subtests}", names.join("|"))
}

/// Runs tests, parallel ones one after another. As with `go test`, `os.Exit(0)` in a test is a
/// panic: otherwise it would look like success.
fn run(group: &Group, pattern: Option<String>, shuffle: &str) -> Invocation {
    let mut process = group.program.clone();
    // Flags must stand before the arguments that the user's tests read themselves.
    let mut arguments = process.command.split_off(1);
    if pattern.is_some() {
        arguments.retain(|word| !word.starts_with(RUN));
    }
    process
        .with([
            "-test.v=true",
            "-test.count=1",
            "-test.parallel=1",
            "-test.paniconexit0",
        ])
        .with([format!("-test.shuffle={shuffle}")])
        .with(pattern)
        .with(arguments)
}
