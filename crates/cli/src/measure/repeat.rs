//! The command line that repeats a run, for a shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crashrate_report::one_line;

/// This process's command line, with the drawn seed and the calibrated dose added. Without the
/// shard: it repeats a round on any machine. A plan file that is run has the seed already.
pub(crate) fn command_line(seed: Option<u64>, dose: Option<u32>) -> String {
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| quoted(&argument))
        .collect();
    // The words after `--` belong to the user's command.
    let end = given.iter().position(|argument| argument == "--");
    let (own, command) = given.split_at(end.unwrap_or(given.len()));
    let has_seed = |argument: &String| argument == "--seed" || argument.starts_with("--seed=");
    let mut words = vec!["crashrate".to_owned()];
    words.extend(without_shard(own));
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

/// The words without `--shard` and `--plan-file`, and without their values.
fn without_shard(words: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or(word);
        match name {
            "--shard" | "--plan-file" if name == word => drop(words.next()),
            "--shard" | "--plan-file" => {}
            _ => left.push(word.clone()),
        }
    }
    left
}

/// A word in shell syntax, without characters that act on a terminal.
pub(crate) fn quoted(argument: &OsStr) -> String {
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
        let given = words("run a.toml --shard 3/16 --plan-file=p.json -n 4 --plan-file p.json");
        assert_eq!(without_shard(&given), words("run a.toml -n 4"));
    }

    #[test]
    fn a_shell_reads_the_same_words() {
        for word in [
            "",
            "a b",
            "it's",
            "$x `y` \\",
            "größer",
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
