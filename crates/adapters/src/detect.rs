//! Which framework a command belongs to.

use crate::words::file_name;
use crate::{Framework, pytest};

/// What the caller found at the path that a command begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Nothing: the word is a program on the search path, or an option.
    Nothing,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A folder with a `CTestTestfile.cmake`: the build folder of a CMake project.
    CmakeBuild,
}

/// Which framework a command belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// The words tell it.
    Known(Framework),
    /// The program must be asked: list its tests with each of these in turn. The first that lists
    /// at least one test is the framework. The order matters: GoogleTest ignores the options of
    /// other frameworks and would run its tests, whereas the others refuse GoogleTest's option.
    Probe(&'static [Framework]),
    /// Neither: a program on the search path, such as an interpreter, which would do something when
    /// it is asked.
    Unknown,
}

const PROBED: &[Framework] = &[Framework::Gtest, Framework::Libtest, Framework::Catch2];

impl Framework {
    /// Detects the framework from the words of a command and from what its first word names.
    pub fn detect(command: &[String], first: PathKind) -> Detection {
        let Some(word) = command.first() else {
            return Detection::Unknown;
        };
        let known = match (file_name(word), first) {
            (_, PathKind::CmakeBuild) | ("ctest", _) => Framework::Ctest,
            ("cargo", _) => Framework::Libtest,
            ("go", _) => Framework::Go,
            (name, _) if name.ends_with(".test") || word.ends_with("...") => Framework::Go,
            (_, PathKind::Folder) => Framework::Pytest,
            _ if pytest::is_pytest(command) => Framework::Pytest,
            (_, PathKind::File) => return Detection::Probe(PROBED),
            _ => return Detection::Unknown,
        };
        Detection::Known(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::words;

    #[test]
    fn the_words_tell_most_frameworks() {
        let known = [
            ("pytest -x", PathKind::Nothing, Framework::Pytest),
            (
                "python3.12 -m pytest tests",
                PathKind::Nothing,
                Framework::Pytest,
            ),
            ("tests/", PathKind::Folder, Framework::Pytest),
            ("test_a.py::test_b", PathKind::Nothing, Framework::Pytest),
            ("uv run pytest", PathKind::Nothing, Framework::Pytest),
            ("cargo nextest run", PathKind::Nothing, Framework::Libtest),
            ("go test ./...", PathKind::Nothing, Framework::Go),
            ("./...", PathKind::Nothing, Framework::Go),
            ("./words.test", PathKind::File, Framework::Go),
            ("ctest", PathKind::Nothing, Framework::Ctest),
            ("build", PathKind::CmakeBuild, Framework::Ctest),
        ];
        for (command, first, framework) in known {
            let detected = Framework::detect(&words(command), first);
            assert_eq!(detected, Detection::Known(framework), "{command}");
        }
        let detect = |command: &str, first| Framework::detect(&words(command), first);
        assert_eq!(
            detect("./math_test", PathKind::File),
            Detection::Probe(PROBED)
        );
        assert_eq!(
            detect("python3 script.py", PathKind::Nothing),
            Detection::Unknown
        );
        assert_eq!(detect("", PathKind::Nothing), Detection::Unknown);
    }
}
