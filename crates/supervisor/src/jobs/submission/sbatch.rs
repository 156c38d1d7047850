//! Checks of the user's own options of `sbatch`.

use crate::jobs::JobError;

/// The options that the scripts set themselves, and that `submit` adds, and those that keep a job
/// from being submitted: with other values, shards would be missing, or never start, or not be found.
const OWN: [(&str, Option<char>); 10] = [
    ("array", Some('a')),
    ("chdir", Some('D')),
    ("dependency", Some('d')),
    ("hold", Some('H')),
    ("job-name", Some('J')),
    ("output", Some('o')),
    ("parsable", None),
    ("test-only", None),
    ("wait", Some('W')),
    ("wrap", None),
];

/// Refuses options that belong to crashrate, and words that are no options.
///
/// # Errors
/// Such a word.
pub(in crate::jobs) fn check(options: &[String]) -> Result<(), JobError> {
    let problem = |option: &str| match name(option) {
        _ if !option.starts_with('-') => Some("expected an option, such as --exclusive"),
        Some(_) => Some("crashrate submits the job in its own way; leave this option out"),
        None if has_another(option) => {
            Some("this has several options; give each with an --sbatch, as in --sbatch=--exclusive")
        }
        None => None,
    };
    let mut options = options.iter();
    let refused = options.find_map(|option| Some((option, problem(option)?)));
    match refused {
        Some((option, problem)) => Err(JobError::Value {
            option: "--sbatch",
            value: option.clone(),
            problem,
        }),
        None => Ok(()),
    }
}

/// Whether a second option follows. In a script it would be a part of the first one's value.
fn has_another(option: &str) -> bool {
    let is_option = |word: &str| {
        let name = word.trim_start_matches('-');
        name.len() < word.len() && name.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    option.split_whitespace().skip(1).any(is_option)
}

/// The option of [`OWN`] that this is.
fn name(option: &str) -> Option<&'static str> {
    let is_own = |(long, short): &&(&str, Option<char>)| match option.strip_prefix("--") {
        // Slurm accepts the beginning of a name if it is unambiguous.
        Some(word) => {
            let word = word.split([' ', '=']).next().unwrap_or_default();
            word.len() > 1 && long.starts_with(word)
        }
        None => {
            let letter = option
                .strip_prefix('-')
                .and_then(|word| word.chars().next());
            letter.is_some() && letter == *short
        }
    };
    OWN.iter().find(is_own).map(|(long, _)| *long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(option: &str) -> bool {
        check(&[option.to_owned()]).is_err()
    }

    #[test]
    fn options_of_the_scripts_are_refused() {
        for option in [
            "--array=1-3",
            "--arr=1-3",
            "-a1-3",
            "-a 1-3",
            "-d",
            "--dependency=afterok:1",
            "-H",
            "--hold",
            "--parsable",
            "--output=x",
            "-o",
            "-Jx",
            "--job-name x",
            "exclusive",
            "--exclusive --mem=1G",
            "-A team -p gpu",
        ] {
            assert!(is_refused(option), "{option}");
        }
        for option in [
            "--exclusive",
            "--constraint=a b",
            "--comment=1 - 2",
            "-C big",
            "--open-mode=truncate",
            "--deadline=noon",
            "-A team",
            "--oversubscribe",
        ] {
            assert!(!is_refused(option), "{option}");
        }
    }
}
