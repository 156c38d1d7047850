//! The words of the command line, divided into those of `plan-file` and those of `run`.

use clap::{Arg, Command};
use crashrate_supervisor::device::ALL_CUDA;

use crate::measure::is_of_run;

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

/// Divides `-qn60` into `-q` and `-n60`: the letters may belong to different commands.
fn split_letters(word: &str, options: &[&[Opt]]) -> Option<[String; 2]> {
    let letters = word.strip_prefix('-')?;
    let first = letters.chars().next()?;
    let rest = &letters[first.len_utf8()..];
    let is_flag = |option: &Opt| option.short == Some(first) && !option.has_value;
    let has_more = !rest.is_empty() && options.iter().copied().flatten().any(is_flag);
    has_more.then(|| [format!("-{first}"), format!("-{rest}")])
}

/// The option that chooses the devices of a shard. Its plan is then for all devices.
const DEVICES: &str = "devices";
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

impl Words {
    /// Adds an option with its value, or an argument, which has no name.
    fn push(&mut self, name: &str, words: &[String], commands: Commands) {
        let is_of_run = is_of_run(name);
        let is_repeated = OF_BOTH.contains(&name) && commands == Commands::PlanAndRun;
        if OF_NONE.contains(&name) {
            return;
        }
        if !is_of_run {
            self.plan.extend_from_slice(words);
        }
        if is_of_run || is_repeated {
            self.run.extend_from_slice(words);
        }
        if name == DEVICES && commands == Commands::PlanAndRun {
            self.plan.extend(["--device", ALL_CUDA].map(str::to_owned));
        }
    }

    /// Replaces the value of an option of `run`, if it is given.
    pub(super) fn replace_value(&mut self, option: &str, value: &str) {
        let words = &mut self.run;
        let place = words.iter().position(|word| word == option);
        if let Some(word) = place.and_then(|place| words.get_mut(place + 1)) {
            value.clone_into(word);
        }
        let with_value = format!("{option}=");
        if let Some(word) = words.iter_mut().find(|word| word.starts_with(&with_value)) {
            *word = with_value + value;
        }
    }
}

/// The commands that the words are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commands {
    /// `plan-file` with the words of the plan, then `run` with the others.
    PlanAndRun,
    /// `run` with all words. It makes the plan.
    Run,
}

/// Divides the words of `crashrate submit ...`, without the program's name. Options of `own` and
/// options that all commands have are left out. Those of `plan` belong to the plan, with the
/// exceptions above.
///
/// The parser has accepted the words, so every option is known.
pub(super) fn divide(
    given: &[String],
    all: &Command,
    own: &Command,
    plan: &Command,
    commands: Commands,
) -> Words {
    let mut left_out = Opt::of_command(all);
    left_out.extend(Opt::of_command(own));
    let plan = Opt::of_command(plan);
    let mut given = given.to_vec();
    let (mut words, mut is_command_named) = (Words::default(), false);
    let mut place = 0;
    while let Some(word) = given.get(place) {
        if word == "--" {
            words.plan.extend_from_slice(&given[place..]);
            break;
        }
        if let Some(split) = split_letters(word, &[&left_out, &plan]) {
            given.splice(place..=place, split);
            continue;
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
        let name = option.as_ref().map(|(_, name)| name.as_str());
        if name.is_none() && !is_command_named {
            is_command_named = true;
        } else if !is_left_out {
            words.push(name.unwrap_or_default(), &given[place..end], commands);
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

    fn divided(line: &str, commands: Commands) -> Words {
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
            option("places"),
            option("devices"),
            option("quiet").short('q').action(ArgAction::SetTrue),
        ]);
        let given: Vec<String> = line.split(' ').map(str::to_owned).collect();
        divide(&given, &all, &own, &plan, commands)
    }

    fn words(plan: &[&str], run: &[&str]) -> Words {
        Words {
            plan: plan.iter().map(|&word| word.to_owned()).collect(),
            run: run.iter().map(|&word| word.to_owned()).collect(),
        }
    }

    #[test]
    fn words_are_divided_by_what_they_belong_to() {
        let divided = |line| divided(line, Commands::PlanAndRun);
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

    #[test]
    fn letters_of_one_word_are_divided() {
        let divided = |line| divided(line, Commands::PlanAndRun);
        for line in ["submit -qn60 a", "submit -vvqn60 a", "-v submit -n60 a -qv"] {
            let Words { plan, run } = divided(line);
            assert!(plan.contains(&"-n60".to_owned()), "{line}: {plan:?}");
            assert_eq!((plan.len(), run.len()), (2, 0), "{line}: {plan:?}");
        }
        assert_eq!(
            divided("submit -vn 60 a -- x -qn60"),
            words(&["-n", "60", "a", "--", "x", "-qn60"], &[])
        );
        // The value of an option.
        assert_eq!(divided("submit -n -qn60"), words(&["-n", "-qn60"], &[]));
    }

    #[test]
    fn one_command_has_each_option_once() {
        let given = "submit a.toml --worker w --places=3";
        assert_eq!(
            divided(given, Commands::Run),
            words(&["a.toml", "--worker", "w"], &["--places=3"])
        );
    }

    #[test]
    fn the_plan_of_shards_with_devices_is_for_all_devices() {
        let given = "submit --devices cuda:0,cuda:1 -- x";
        let run = ["--devices", "cuda:0,cuda:1"];
        assert_eq!(
            divided(given, Commands::PlanAndRun),
            words(&["--device", "cuda:*", "--", "x"], &run)
        );
        assert_eq!(divided(given, Commands::Run), words(&["--", "x"], &run));
    }

    #[test]
    fn values_are_replaced() {
        for (given, replaced) in [
            (
                "submit --places 3 --for 1h",
                &["--places", "/3", "--for", "1h"][..],
            ),
            (
                "submit --for 1h --places=3",
                &["--for", "1h", "--places=/3"],
            ),
            ("submit --for 1h", &["--for", "1h"]),
        ] {
            let mut divided = divided(given, Commands::PlanAndRun);
            divided.replace_value("--places", "/3");
            assert_eq!(divided, words(&[], replaced));
        }
    }
}
