//! The command line that repeats a run, for a shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crashrate_report::one_line;

/// This process's command line, with the drawn seed and the calibrated dose added. A shard's has no
/// options of its engine: it repeats a round on any machine, and writes no run into the folder of
/// the job. A plan file that is run has the seed already.
pub(crate) fn command_line(seed: Option<u64>, dose: Option<u32>) -> String {
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| quoted(&argument))
        .collect();
    let given = command_first(given);
    // The words after `--` belong to the user's command.
    let end = given.iter().position(|argument| argument == "--");
    let (own, command) = given.split_at(end.unwrap_or(given.len()));
    let has_seed = |argument: &String| name_of(argument) == "--seed";
    let mut words = vec!["crashrate".to_owned()];
    words.extend(match own.iter().any(|word| name_of(word) == "--shard") {
        true => without(own, &OF_SHARD, &FLAGS_OF_SHARD),
        false => without(own, &[PLAN_FILE], &[]),
    });
    if let Some(seed) = seed
        && !own.iter().any(has_seed)
    {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if let Some(dose) = dose {
        words.extend(["--dose".to_owned(), dose.to_string()]);
    }
    words.extend_from_slice(command);
    words.join(" ")
}

/// Moves options that precede the subcommand after it: `--color never run` becomes `run --color
/// never`.
fn command_first(mut words: Vec<String>) -> Vec<String> {
    const VALUED: [&str; 2] = ["--runs-dir", "--color"];
    let mut place = 0;
    while let Some(word) = words.get(place).filter(|word| word.starts_with('-')) {
        place += 1 + usize::from(VALUED.contains(&word.as_str()));
    }
    if place < words.len() {
        words[..=place].rotate_right(1);
    }
    words
}

/// The file that the shards share. The suite and the options are on the command line, too.
const PLAN_FILE: &str = "--plan-file";
/// Options with a value that belong to a shard and its engine.
const OF_SHARD: [&str; 4] = [PLAN_FILE, "--shard", "--runs-dir", "--number"];
/// Options without a value that belong to a shard and its engine.
const FLAGS_OF_SHARD: [&str; 4] = ["--continue", "--report-only", "--quiet", "-q"];

/// The option of a word, without its value.
fn name_of(word: &str) -> &str {
    // A value may need quotes, which begin before the name.
    let word = word.trim_start_matches('\'');
    word.split('=').next().unwrap_or(word)
}

/// The words without these options, with and without a value.
fn without(words: &[String], valued: &[&str], flags: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = name_of(word);
        match valued.contains(&name) {
            true if name == word => drop(words.next()),
            true => {}
            false if flags.contains(&word.as_str()) => {}
            false => left.push(word.clone()),
        }
    }
    left
}

/// A word in shell syntax, without characters that act on a terminal.
pub(crate) fn quoted(argument: &OsStr) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,%+".contains(c);
    // An option with its value needs no quotes. Reports look for some of them.
    if let Some(option) = argument.to_str()
        && option.starts_with('-')
        && option.chars().all(is_plain)
    {
        return option.to_owned();
    }
    let printable = argument.to_str().filter(|word| one_line(word) == *word);
    match printable.and_then(|word| shlex::try_quote(word).ok()) {
        Some(word) => word.into_owned(),
        None => escaped(argument.as_bytes()),
    }
}

/// Bytes in the `$'...'` syntax of bash and zsh.
fn escaped(bytes: &[u8]) -> String {
    let bytes = bytes.iter().map(|&byte| match byte {
        b'\n' => r"\n".to_owned(),
        b'\\' => r"\\".to_owned(),
        b'\'' => r"\'".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!(r"\x{byte:02x}"),
    });
    format!("$'{}'", bytes.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_round_needs_no_shard() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let left = |text| without(&words(text), &OF_SHARD, &FLAGS_OF_SHARD);
        assert_eq!(
            left("run a.toml --shard 3/16 --plan-file=p.json -n 4 --plan-file p.json"),
            words("run a.toml -n 4")
        );
        assert_eq!(
            left(
                "run j/plan.json --shard 1/6 --continue --report-only -q --runs-dir j/runs --for 1h"
            ),
            words("run j/plan.json --for 1h")
        );
        assert_eq!(
            without(
                &words("run a.toml --plan-file p.json --quiet"),
                &[PLAN_FILE],
                &[]
            ),
            words("run a.toml --quiet")
        );
    }

    #[test]
    fn the_subcommand_comes_first() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (given, moved) in [
            (
                "--runs-dir run -v --color=never run a.toml -- run -x",
                "run --runs-dir run -v --color=never a.toml -- run -x",
            ),
            ("run a.toml --runs-dir r", "run a.toml --runs-dir r"),
            ("--color never", "--color never"),
        ] {
            assert_eq!(command_first(words(given)), words(moved));
        }
    }

    #[test]
    fn a_shell_reads_the_same_words() {
        for word in [
            "",
            "a b",
            "it's",
            "$x `y` \\",
            "größer",
            "--seed=7",
            "--x==~",
            "a\nb 'c' \"d\" \\e",
            "\x1b[2J\u{202e}\u{9b}ä\t1",
        ] {
            let line = quoted(word.as_ref());
            assert_eq!(one_line(&line), line);
            let shell = std::process::Command::new("bash")
                .args(["-c", &format!("printf %s {line}")])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), word, "{line}");
        }
    }
}
