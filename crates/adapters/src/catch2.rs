//! Catch2 2.x and 3.x: `docs/command-line.md` and `docs/reporters.md` of the library.
//!
//! Both versions stream the XML reporter's output: the line of a test case is flushed before it
//! runs. Version 3 lists tests as XML; version 2 has `--list-test-names-only`, which version 3
//! removed, so both are asked.

use quick_xml::escape::unescape;

use crate::chapters::{Chapters, Verdict};
use crate::error::{ListError, SequenceError};
use crate::group::{Group, Order, Test};
use crate::listing::{Listing, Step, TestList};
use crate::process::{self, Invocation};
use crate::{Framework, words};

const CATCH2: Framework = Framework::Catch2;

/// The options whose value is the next word.
#[rustfmt::skip]
const TAKES_VALUE: &[&str] = &[
    "-r", "--reporter", "-o", "--out", "-n", "--name", "-x", "--abortx", "-w", "--warn",
    "-d", "--durations", "-D", "--min-duration", "-f", "--input-file", "-c", "--section",
    "-g", "--generator-index", "-p", "--path-filter", "-v", "--verbosity", "--order", "--rng-seed",
    "--libidentify", "--wait-for-keypress", "--use-colour", "--colour-mode", "--benchmark-samples",
    "--benchmark-resamples", "--benchmark-confidence-interval", "--benchmark-warmup-time",
    "--shard-count", "--shard-index",
];

/// Options with a value that the reader or the order of a run needs to be otherwise.
const DROPPED: &[&str] = &[
    "-r",
    "--reporter",
    "-o",
    "--out",
    "-v",
    "--verbosity",
    "--order",
];

pub(crate) fn list(command: &[String]) -> Result<Step, ListError> {
    if command.is_empty() {
        return Err(ListError::Command {
            framework: CATCH2,
            problem: "needs the test program: command = [\"./tests\"]".to_owned(),
        });
    }
    let program = Invocation::new(words::without(command, DROPPED, true));
    let version_3 = program.with(["--list-tests", "--reporter", "xml"]);
    let version_2 = program.with(["--list-test-names-only"]);
    let processes = vec![version_3, version_2];
    Ok(Listing::step(processes, move |processes, outputs| {
        let tests = if outputs[0].stdout.trim_ascii_start().starts_with(b"<?xml") {
            parse_xml(&outputs[0].text())
                .map_err(|problem| ListError::unreadable(CATCH2, &processes[0], problem))?
        } else {
            parse_names(&processes[1], &outputs[1])?
        };
        let group = Group {
            framework: CATCH2,
            name: None,
            program,
            tests: tests.into_iter().map(Test::named).collect(),
        };
        Ok(TestList::done(vec![group], Vec::new()))
    }))
}

/// Reads the list of version 3. Hidden tests are not in it.
fn parse_xml(text: &str) -> Result<Vec<String>, String> {
    use quick_xml::events::Event;
    let mut xml = quick_xml::Reader::from_str(text);
    let mut names: Vec<String> = Vec::new();
    let mut inside = false;
    loop {
        let event = xml.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(tag) if tag.name().as_ref() == b"Name" => {
                inside = true;
                names.push(String::new());
            }
            Event::End(tag) if tag.name().as_ref() == b"Name" => inside = false,
            Event::Text(part) if inside => {
                let part = part.decode().map_err(|error| error.to_string())?;
                names.last_mut().expect("a name began").push_str(&part);
            }
            Event::GeneralRef(part) if inside => {
                let part = part.decode().map_err(|error| error.to_string())?;
                let part = format!("&{part};");
                let part = unescape(&part).map_err(|error| error.to_string())?;
                names.last_mut().expect("a name began").push_str(&part);
            }
            Event::Eof => return Ok(names),
            _ => {}
        }
    }
}

/// Reads the list of version 2: a name a line; the exit code is the number of tests.
fn parse_names(process: &Invocation, output: &process::Output) -> Result<Vec<String>, ListError> {
    let text = output.text();
    // A name that begins with `#` is quoted, because the list can be a file with comments.
    let unquoted = |line: &str| -> String {
        let inner = line
            .strip_prefix('"')
            .and_then(|line| line.strip_suffix('"'));
        inner
            .filter(|name| name.starts_with('#'))
            .unwrap_or(line)
            .to_owned()
    };
    let names: Vec<String> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(unquoted)
        .collect();
    // The exit code has 8 bits on Unix; Catch2 also stops at 255.
    let count = i32::try_from(names.len()).unwrap_or(i32::MAX);
    let is_count = |code| code == count || code == 255 && count > 255 || code == count % 256;
    match output.exit {
        Some(code) if is_count(code) => Ok(names),
        _ => Err(ListError::failed(CATCH2, process, output)),
    }
}

pub(crate) fn isolated(group: &Group, test: &Test) -> Invocation {
    let spec = spec(group, &[test]);
    run(&without_spec(&group.program)).with(["--order", "decl", &spec])
}

pub(crate) fn sequential(
    group: &Group,
    tests: &[&Test],
    order: Order,
) -> Result<Invocation, SequenceError> {
    let process = if group.is_all(tests) {
        run(&group.program)
    } else {
        run(&without_spec(&group.program)).with([spec(group, tests)])
    };
    match order {
        Order::Given => Ok(process.with(["--order", "decl"])),
        Order::Shuffled { seed } => {
            // The seed has 32 bits, and 0 is the time in version 2.
            let seed = (seed % u64::from(u32::MAX) + 1).to_string();
            let mut process = process;
            // The option must not be given twice. Without an order it seeds the user's generators.
            process.command = words::without(&process.command, &["--rng-seed"], true);
            Ok(process.with(["--order", "rand", "--rng-seed", &seed]))
        }
        Order::Reversed => Err(SequenceError::Order {
            framework: CATCH2,
            order: "reversed",
            possible: "use `given` or `shuffled`",
        }),
    }
}

fn run(program: &Invocation) -> Invocation {
    program.with(["--reporter", "xml"])
}

/// The program without the user's test spec: beside another spec it would add tests.
fn without_spec(program: &Invocation) -> Invocation {
    let mut process = program.clone();
    let arguments = process.command.split_off(1);
    process.with(words::separate(&arguments, TAKES_VALUE).options)
}

/// The test spec that chooses these tests: words behind each other must all apply, and commas
/// separate alternatives.
fn spec(group: &Group, tests: &[&Test]) -> String {
    let is_chosen = |other: &Test| tests.iter().any(|test| test.name == other.name);
    let alternatives = tests.iter().map(|test| {
        let mut spec = quoted(&test.name);
        let others = group.tests.iter().filter(|other| {
            chooses(&test.name, &other.name)
                && !chooses(&other.name, &test.name)
                && !is_chosen(other)
        });
        for other in others {
            spec.push('~');
            spec.push_str(&quoted(&other.name));
        }
        spec
    });
    alternatives.collect::<Vec<_>>().join(",")
}

/// Whether the quoted name of a test also chooses another test (`WildcardPattern::matches`).
fn chooses(name: &str, other: &str) -> bool {
    if !name.starts_with(['*', ' ']) && !name.ends_with(['*', ' ']) && !name.starts_with(EXCLUDE) {
        return name.eq_ignore_ascii_case(other);
    }
    let [name, other] = [name, other].map(|name| name.trim().to_ascii_lowercase());
    let (start, name) = match (name.strip_prefix('*'), name.strip_prefix(EXCLUDE)) {
        (Some(rest), _) => (true, rest.to_owned()),
        (None, Some(rest)) => (true, format!("{}{rest}", &EXCLUDE[1..])),
        (None, None) => (false, name),
    };
    match (start, name.strip_suffix('*')) {
        (false, None) => other == name,
        (true, None) => other.ends_with(&name),
        (false, Some(name)) => other.starts_with(name),
        (true, Some(name)) => other.contains(name),
    }
}

/// What makes a pattern negative, also in quotes.
const EXCLUDE: &str = "exclude:";

/// The test spec that chooses a name, in both versions: the name in quotes.
///
/// Inside of quotes, a backslash still takes the meaning from a comma, a bracket, a quote and another
/// backslash. Two things keep theirs: `*` at an end, and `exclude:` at the beginning, which becomes
/// `*xclude:`. Then the spec also chooses names with the same rest. Without quotes, versions 2.13
/// and 3.7 read an escaped `~` before a blank, or a name of one escaped character, in another way
/// than documented.
fn quoted(name: &str) -> String {
    let mut spec = String::with_capacity(name.len() + 2);
    spec.push('"');
    for (index, character) in name.char_indices() {
        if index == 0 && name.starts_with(EXCLUDE) {
            spec.push('*');
            continue;
        }
        if matches!(character, '\\' | ',' | '[' | '"') {
            spec.push('\\');
        }
        spec.push(character);
    }
    spec.push('"');
    spec
}

/// The reader of the XML reporter's output.
///
/// The lines are read one by one, because tests print between them. A verdict counts when its test
/// case closes, on a line of its own.
#[derive(Debug, Default)]
pub(crate) struct Output {
    verdict: Option<Verdict>,
    /// Catch2 handles fatal signals: it reports a failure, then dies of the signal.
    fatal: bool,
    /// A test with `[!mayfail]` or `[!shouldfail]` passes with failures.
    fails: bool,
    explains: bool,
    /// Test cases that the running test printed, and that are not closed: Catch2 nests none.
    printed: u32,
}

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        let starts = started(line);
        if chapters.open().is_none() {
            if let Some(name) = starts.filter(|name| chapters.knows(name)) {
                *self = Output::default();
                chapters.start(&name);
            }
        } else if starts.is_some() {
            self.printed += 1;
        } else if self.printed > 0 {
            self.printed -= u32::from(line.trim() == "</TestCase>");
        } else if line.ends_with(" </TestCase>") && line.trim_start() == "</TestCase>" {
            match self.verdict.take() {
                // The test is left open, so that the death that follows is charged to it.
                _ if self.fatal => {}
                Some(verdict) => chapters.end(verdict),
                None => {}
            }
        } else if let Some(at) = line.find("<OverallResult success=\"") {
            let result = &line[at..];
            self.verdict = Some(if result.contains("success=\"false\"") {
                Verdict::Failed
            } else if result.contains(" skips=\"")
                && !result.contains(" skips=\"0\"")
                && !self.fails
            {
                Verdict::Skipped
            } else {
                Verdict::Passed
            });
            self.explains = false;
        } else {
            self.fatal |= line.contains("<FatalErrorCondition filename=");
            self.explain(line, chapters);
        }
    }

    /// Keeps the text of failures: the assertion with its values, the exception, the reason.
    fn explain(&mut self, line: &str, chapters: &mut Chapters) {
        const KINDS: [&str; 4] = [
            "<Expression success=\"false\"",
            "<Failure",
            "<Exception",
            "<Skip",
        ];
        let text = line.trim();
        if let Some(kind) = KINDS.iter().find(|kind| text.starts_with(**kind)) {
            self.explains = true;
            self.fails |= *kind != KINDS[3];
            let position = match (attribute(text, "filename"), attribute(text, "line")) {
                (Some(file), Some(line)) => format!("{file}:{line}:"),
                _ => String::new(),
            };
            if *kind == KINDS[0] {
                chapters.explain(&format!(
                    "{position} {}",
                    attribute(text, "type").unwrap_or_default()
                ));
            } else {
                chapters.explain(&position);
            }
        } else if text == "</Expression>" || text.starts_with("</Fail") || text == "</Skip>" {
            self.explains = false;
        } else if self.explains && !text.starts_with('<') {
            chapters.explain(&unescape(text).map_or(text.into(), |text| text));
        }
    }
}

/// The name of a test case that starts. Catch2 also prints where the test is, which tells the line
/// from a test's own.
fn started(line: &str) -> Option<String> {
    let tag = &line[line.find("<TestCase name=\"")?..];
    attribute(tag, "filename")?;
    attribute(tag, "name").map(|name| name.trim().to_owned())
}

/// The value of an attribute. Quotes inside of values are escaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let key = format!(" {name}=\"");
    let start = tag.find(&key)? + key.len();
    let end = tag[start..].find('"')? + start;
    Some(unescape(&tag[start..end]).ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The parser of test specs ends a name at an unescaped quote, comma or bracket.
        #[test]
        fn a_quoted_name_is_one_name(name in "[a\\\\,\\[\"~* -]{1,12}") {
            let spec = quoted(&name);
            let inner = spec.strip_prefix('"').and_then(|spec| spec.strip_suffix('"')).unwrap();
            let mut read = String::new();
            let mut characters = inner.chars();
            while let Some(character) = characters.next() {
                prop_assert!(!matches!(character, '"' | ',' | '['));
                let escaped = if character == '\\' { characters.next() } else { None };
                read.push(escaped.unwrap_or(character));
            }
            prop_assert_eq!(read, name);
        }
    }
}
