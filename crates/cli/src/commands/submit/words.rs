//! The words of the command line, divided into those of `plan-file` and those of `run`.

use clap::{Arg, Command};

/// An option of a command.
#[derive(Debug)]
struct Opt {
    long: Option<String>,
    short: Option<char>,
    has_value: bool,
}

impl Opt {
    fn of(arg: &Arg) -> Opt {
        Opt {
            long: arg.get_long().map(str::to_owned),
            short: arg.get_short(),
            has_value: arg.get_action().takes_values(),
        }
    }

    fn of_command(command: &Command) -> Vec<Opt> {
        let options = command.get_arguments().filter(|arg| !arg.is_positional());
        options.map(Opt::of).collect()
    }

    /// How many words the option has here, if the word is this option.
    fn words(&self, word: &str) -> Option<usize> {
        if let Some(name) = word.strip_prefix("--") {
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (name, None),
            };
            let is_own = self.long.as_deref() == Some(name);
            return is_own.then_some(1 + usize::from(self.has_value && value.is_none()));
        }
        let mut letters = word.strip_prefix('-')?.chars();
        let is_own = self.short.is_some() && letters.next() == self.short;
        let is_alone = letters.next().is_none();
        is_own.then_some(1 + usize::from(self.has_value && is_alone))
    }
}

/// Options that say how a shard is run and change no plan.
const OF_RUN: [&str; 6] = [
    "for",
    "places",
    "core-dumps",
    "devices",
    "all-cpus",
    "no-device-lock",
];
/// Options that the plan needs, and each shard again: where the worker is.
const OF_BOTH: [&str; 1] = ["worker"];
/// A job has no use for it: the shards are always quiet.
const OF_NONE: [&str; 1] = ["quiet"];

/// The words that plan the run and those that only say how a shard is run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) plan: Vec<String>,
    pub(super) run: Vec<String>,
}

/// Divides the words of `crashrate submit ...`, without the program's name. Options of `own` and
/// options that all commands have are left out. Those of `plan` belong to the plan, with the
/// exceptions above.
///
/// The parser has accepted the words, so every option is known.
pub(super) fn divide(given: &[String], all: &Command, own: &Command, plan: &Command) -> Words {
    let mut left_out = Opt::of_command(all);
    left_out.extend(Opt::of_command(own));
    let plan = Opt::of_command(plan);
    let (mut words, mut is_command_named) = (Words::default(), false);
    let mut place = 0;
    while let Some(word) = given.get(place) {
        if word == "--" {
            words.plan.extend_from_slice(&given[place..]);
            break;
        }
        let find = |options: &[Opt]| {
            let found = options
                .iter()
                .find_map(|o| Some((o.words(word)?, o.long.clone())));
            found.map(|(count, long)| (count, long.unwrap_or_default()))
        };
        let (is_left_out, option) = match find(&left_out) {
            Some(option) => (true, Some(option)),
            None => (false, find(&plan)),
        };
        let count = option.as_ref().map_or(1, |(count, _)| *count);
        let end = given.len().min(place + count);
        let these = &given[place..end];
        let is_of = |names: &[&str]| {
            let name = option.as_ref().map(|(_, name)| name.as_str());
            name.is_some_and(|name| names.contains(&name))
        };
        if option.is_none() && !is_command_named {
            is_command_named = true;
        } else if !is_left_out && !is_of(&OF_NONE) {
            if !is_of(&OF_RUN) {
                words.plan.extend_from_slice(these);
            }
            if is_of(&OF_RUN) || is_of(&OF_BOTH) {
                words.run.extend_from_slice(these);
            }
        }
        place = end;
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn option(name: &'static str) -> Arg {
        Arg::new(name).long(name)
    }

    fn divided(line: &str) -> Words {
        let all = Command::new("crashrate")
            .arg(option("runs-dir"))
            .arg(Arg::new("v").short('v').action(ArgAction::Count));
        let own = Command::new("own")
            .arg(option("on"))
            .arg(Arg::new("dry").long("dry-run").action(ArgAction::SetTrue));
        let plan = Command::new("plan-file").args([
            option("rounds").short('n'),
            option("for"),
            option("worker"),
        ]);
        let given: Vec<String> = line.split(' ').map(str::to_owned).collect();
        divide(&given, &all, &own, &plan)
    }

    #[test]
    fn words_are_divided_by_what_they_belong_to() {
        let words = |plan: &[&str], run: &[&str]| Words {
            plan: plan.iter().map(|&word| word.to_owned()).collect(),
            run: run.iter().map(|&word| word.to_owned()).collect(),
        };
        assert_eq!(
            divided("--runs-dir submit submit a.toml --on slurm -n 60 --dry-run --for 3h -v"),
            words(&["a.toml", "-n", "60"], &["--for", "3h"])
        );
        assert_eq!(
            divided("submit --on=slurm -n60 --worker=w -- x --on y"),
            words(
                &["-n60", "--worker=w", "--", "x", "--on", "y"],
                &["--worker=w"]
            )
        );
    }
}
