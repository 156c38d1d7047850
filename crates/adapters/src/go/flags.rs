//! The words of `go test` and of a test binary.

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
pub(super) const RUN: &str = "-test.run=";

/// The words of `go test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GoTest {
    pub(super) build: Vec<String>,
    pub(super) packages: Vec<String>,
    pub(super) test: Vec<String>,
}

impl GoTest {
    pub(super) fn parse(arguments: &[String]) -> GoTest {
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
pub(super) fn binary_arguments(arguments: &[String]) -> Vec<String> {
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

/// The part of a `-run` pattern that chooses top-level tests: all before the first slash that is
/// not in brackets.
pub(super) fn top_level(pattern: &str) -> String {
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
