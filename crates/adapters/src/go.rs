//! Go's `testing` package: `go help test`, `go help testflag`, `src/testing/testing.go`; Go 1.16 and
//! newer.
//!
//! A package becomes a test binary (`go test -c`) that runs in the package's folder, as `go test`
//! does it. Chapters are top-level tests; subtests belong to theirs.

use std::path::{Path, PathBuf};

use crate::error::{ListError, SequenceError};
use crate::framework::file_name;
use crate::group::{Group, Order, Test};
use crate::listing::{self, Context, Invocation, Listing, Step, TestList};
use crate::reader::{Chapters, Verdict};
use crate::{Framework, words};

const GO: Framework = Framework::Go;

/// Flags of `go build` whose value can be the next word.
#[rustfmt::skip]
const BUILD_VALUES: &[&str] = &[
    "-C", "-p", "-asmflags", "-buildmode", "-buildvcs", "-compiler", "-covermode", "-coverpkg",
    "-gccgoflags", "-gcflags", "-installsuffix", "-ldflags", "-mod", "-modfile", "-overlay", "-pgo",
    "-pkgdir", "-tags", "-toolexec",
];

/// Flags of a test binary, which `go test` takes without `test.`; those whose value can be the next
/// word, and those without one.
#[rustfmt::skip]
const TEST_VALUES: &[&str] = &[
    "-blockprofile", "-blockprofilerate", "-coverprofile", "-cpu", "-cpuprofile", "-memprofile",
    "-memprofilerate", "-mutexprofile", "-mutexprofilefraction", "-outputdir", "-run", "-skip",
    "-timeout", "-trace",
];
const TEST_FLAGS: &[&str] = &["-benchmem", "-failfast", "-fullpath", "-short"];

/// Flags that are for `go test` alone, or that the reader needs to be otherwise.
const DROPPED_VALUES: &[&str] = &[
    "-bench",
    "-benchtime",
    "-count",
    "-exec",
    "-fuzz",
    "-fuzztime",
    "-fuzzminimizetime",
    "-list",
    "-o",
    "-parallel",
    "-shuffle",
    "-vet",
];
const DROPPED_FLAGS: &[&str] = &["-c", "-json", "-v"];

/// The flag that chooses tests.
const RUN: &str = "-test.run=";

/// The words of `go test`.
#[derive(Debug, Default, PartialEq, Eq)]
struct GoTest {
    build: Vec<String>,
    packages: Vec<String>,
    test: Vec<String>,
}

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

impl GoTest {
    fn parse(arguments: &[String]) -> GoTest {
        let (own, last) = match arguments
            .iter()
            .position(|word| word == "-args" || word == "--args")
        {
            Some(at) => (&arguments[..at], &arguments[at + 1..]),
            None => (arguments, [].as_slice()),
        };
        let mut parsed = GoTest::default();
        let mut words = own.iter();
        while let Some(word) = words.next() {
            // Go takes `--flag` for `-flag`.
            let word = match word.strip_prefix("--") {
                Some(rest) => format!("-{rest}"),
                None => word.clone(),
            };
            let name = word.split('=').next().unwrap_or_default();
            let name = name
                .strip_prefix("-test.")
                .map_or(name.to_owned(), |rest| format!("-{rest}"));
            let is = |flags: &[&str]| flags.contains(&name.as_str());
            let takes_next =
                !word.contains('=') && (is(BUILD_VALUES) || is(TEST_VALUES) || is(DROPPED_VALUES));
            let value = if takes_next { words.next() } else { None };
            if !word.starts_with('-') {
                parsed.packages.push(word);
            } else if is(TEST_VALUES) || is(TEST_FLAGS) {
                let flag = word.trim_start_matches("-test.").trim_start_matches('-');
                parsed.test.push(match value {
                    Some(value) => format!("-test.{flag}={value}"),
                    None => format!("-test.{flag}"),
                });
            } else if !is(DROPPED_VALUES) && !is(DROPPED_FLAGS) {
                parsed.build.push(word);
                parsed.build.extend(value.cloned());
            }
        }
        parsed.test.extend(last.iter().cloned());
        parsed
    }
}

/// The arguments of a test binary: flags with their value in one word, without those that the
/// reader needs to be otherwise.
fn binary_arguments(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let flag = word.trim_start_matches('-');
        let Some(flag) = flag.strip_prefix("test.").filter(|_| word.starts_with('-')) else {
            kept.push(word.clone());
            continue;
        };
        let name = format!("-{}", flag.split('=').next().unwrap_or_default());
        let is = |flags: &[&str]| flags.contains(&name.as_str());
        let takes_next = !flag.contains('=') && (is(TEST_VALUES) || is(DROPPED_VALUES));
        let value = if takes_next { words.next() } else { None };
        if !is(DROPPED_VALUES) && !is(DROPPED_FLAGS) {
            let value = value.map(|value| format!("={value}")).unwrap_or_default();
            kept.push(format!("-test.{flag}{value}"));
        }
    }
    kept
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
    output: &listing::Output,
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

/// The part of a `-run` pattern that chooses top-level tests: all before the first slash that is
/// not in brackets.
fn top_level(pattern: &str) -> String {
    let (mut round, mut square, mut escaped) = (0, 0, false);
    for (at, character) in pattern.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => square += 1,
            ']' => square = 0.max(square - 1),
            '(' if square == 0 => round += 1,
            ')' if square == 0 => round = 0.max(round - 1),
            '/' if (round, square) == (0, 0) => return pattern[..at].to_owned(),
            _ => {}
        }
    }
    pattern.to_owned()
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
        Order::Shuffled { seed } => Ok(run(group, pattern, &(seed >> 1).to_string())),
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

/// The reader of the output of `-test.v`.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// A test that panics prints its failure before the panic. So a failure counts when the program
    /// goes on; otherwise the death that follows is charged to the test.
    failed: bool,
}

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        if self.failed && goes_on(line) {
            self.failed = false;
            chapters.end(Verdict::Failed);
        }
        if let Some(name) = marked(line, "=== RUN   ", chapters) {
            chapters.start(&name);
        } else if let Some(name) = marked(line, "=== CONT  ", chapters) {
            // Also printed when a test goes on after a subtest; then it is open.
            if chapters.open() != Some(&name) {
                chapters.start(&name);
            }
        } else if marked(line, "=== PAUSE ", chapters)
            .is_some_and(|name| chapters.open() == Some(&name))
        {
            chapters.pause();
        } else if let Some(verdict) = chapters.open().and_then(|open| verdict(line, open)) {
            match verdict {
                Verdict::Failed => self.failed = true,
                verdict => chapters.end(verdict),
            }
        } else if let Some(text) = line.strip_prefix("    ")
            && !text.trim_start().starts_with("--- ")
        {
            chapters.explain(text);
        }
    }
}

/// Whether the program printed this line after a test, and did not die in it.
fn goes_on(line: &str) -> bool {
    line.starts_with("=== ") || line.starts_with("--- ") || line == "FAIL" || line == "PASS"
}

/// The known name behind a mark. The mark can follow text without a newline, while no test runs.
fn marked(line: &str, mark: &str, chapters: &Chapters) -> Option<String> {
    let at = line.find(mark)?;
    let name = &line[at + mark.len()..];
    let own_line = at == 0 || chapters.open().is_none();
    (own_line && chapters.knows(name)).then(|| name.to_owned())
}

/// The verdict of the open test: `--- PASS: TestA (0.00s)`, also behind text without a newline.
/// Lines about subtests, and of a test's log, are indented.
fn verdict(line: &str, open: &str) -> Option<Verdict> {
    const MARKS: [(&str, Verdict); 3] = [
        ("--- PASS: ", Verdict::Passed),
        ("--- FAIL: ", Verdict::Failed),
        ("--- SKIP: ", Verdict::Skipped),
    ];
    if line.starts_with("    ") {
        return None;
    }
    MARKS.into_iter().find_map(|(mark, verdict)| {
        let (_, rest) = line.split_once(mark)?;
        let time = rest
            .strip_prefix(open)?
            .strip_prefix(" (")?
            .strip_suffix("s)")?;
        time.parse::<f64>().is_ok().then_some(verdict)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::words;

    #[test]
    fn words_of_go_test_are_for_the_build_or_for_the_binary() {
        let parsed = GoTest::parse(&words(
            "-race -tags a,b ./... -run ^TestA/x$ --short -count=3 -v -timeout=5m -args -x y",
        ));
        let expected = GoTest {
            build: words("-race -tags a,b"),
            packages: words("./..."),
            test: words("-test.run=^TestA/x$ -test.short -test.timeout=5m -x y"),
        };
        assert_eq!(parsed, expected);
    }

    #[test]
    fn flags_of_a_test_binary_are_one_word() {
        let arguments =
            binary_arguments(&words("-test.v -test.run TestA --test.count=3 -x test.y"));
        assert_eq!(arguments, words("-test.run=TestA -x test.y"));
    }

    #[test]
    fn the_top_level_of_a_pattern_ends_at_a_slash() {
        assert_eq!(top_level("TestA"), "TestA");
        assert_eq!(top_level("TestA/b/c"), "TestA");
        assert_eq!(top_level("Test(A/x)[/]\\//b"), "Test(A/x)[/]\\/");
    }
}
