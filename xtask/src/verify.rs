//! Long simulations and checks. CI runs small versions of them as tests.

use anyhow::{Result, ensure};

use crate::workspace::{Workspace, call};

/// Name, and the arguments of cargo.
const SIMULATIONS: [(&str, &str); 17] = [
    ("verdicts", "run -p crashrate-stats --example verdicts"),
    ("shards", "run -p crashrate-stats --example shards"),
    (
        "campaigns",
        "run -p crashrate-supervisor --example campaigns",
    ),
    (
        "minimize",
        "run -p crashrate-stats --example minimize 1000 2",
    ),
    ("bisections", "run -p crashrate-stats --example bisect"),
    (
        "bisect",
        "test -p crashrate --test it -- --ignored --nocapture bisect::repository::in_twenty_repositories",
    ),
    (
        "provoke",
        "test -p crashrate --test it -- --ignored --nocapture provoke::",
    ),
    (
        "ab",
        "test -p crashrate --test it -- --ignored --nocapture ab::",
    ),
    ("provocations", "run -p crashrate-stats --example provoke"),
    ("histories", "run -p crashrate-stats --example histories"),
    ("simulate", "run -p crashrate-stats --example simulate"),
    (
        "real-campaigns",
        "test -p crashrate --test it -- --ignored --nocapture verdicts::real_campaigns",
    ),
    (
        "frameworks",
        "test -p crashrate --test it -- --ignored --nocapture planted::in_100_rounds",
    ),
    (
        "slurm",
        "test -p crashrate --test it -- --ignored --nocapture slurm::",
    ),
    (
        "pages",
        "test -p crashrate --test it -- --ignored --nocapture browser::a_live_page_for_two",
    ),
    (
        "merge",
        "test -p crashrate --test it -- --ignored --nocapture merge::a_million_rounds",
    ),
    (
        "journals",
        "test -p crashrate --test it -- --ignored --nocapture damaged_journal:: mutated::",
    ),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Simulations to run [default: all]
    ///
    /// `verdicts`: size and power of comparisons, gates and independence tests; `shards`: the same for
    /// campaigns over four machines that are looked at after every round; `campaigns`: gates on runs
    /// with slow hangs and several jobs; `real-campaigns`: the same on 100 real runs; `frameworks`: 100
    /// rounds of test suites with a crash at a chosen test; `journals`: every flipped bit of a journal,
    /// and 150,000 changed suites, reports and journals; `pages`: what a live page uses in two minutes;
    /// `merge`: time and memory for a million rounds in 16 shards; `slurm`: jobs on a real Slurm whose
    /// nodes fail, ten times; `histories`: marks in flat and changing histories; `minimize`: the search
    /// for needed chapters in simulated programs; `bisections`: the search for a commit in simulated
    /// histories; `bisect`: the same in 20 repositories with a real race; `provocations`: the search
    /// for a perturbation in simulated programs; `provoke`: the same for 12 programs with a real race,
    /// and 100 times for a clean one; `ab`: equal commands 200 times; `simulate`: exact error rates of
    /// the stopping rules.
    names: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    for (name, cargo) in choose(SIMULATIONS, |(name, _)| name, &arguments.names)? {
        say!("{name}");
        let (subcommand, rest) = cargo.split_once(' ').unwrap_or((cargo, ""));
        let mut cargo = workspace.cargo(&[subcommand, "--quiet", "--release"]);
        cargo.args(rest.split(' '));
        call(cargo, name)?;
    }
    Ok(())
}

/// The items with the chosen names; all if none is chosen.
pub(crate) fn choose<T>(
    items: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> &str,
    chosen: &[String],
) -> Result<Vec<T>> {
    let mut items = Vec::from_iter(items);
    let names = Vec::from_iter(items.iter().map(&name));
    for chosen in chosen {
        ensure!(
            names.contains(&chosen.as_str()),
            "there is no `{chosen}`; expected one of: {}",
            names.join(", ")
        );
    }
    items.retain(|item| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name(item)));
    Ok(items)
}

#[cfg(test)]
mod test {
    #[test]
    fn without_names_all_are_chosen_and_unknown_ones_are_errors() {
        let choose = |chosen: &[&str]| {
            let chosen: Vec<_> = chosen.iter().map(|&name| name.to_owned()).collect();
            super::choose(["one", "two"], |name| name, &chosen)
        };
        assert_eq!(choose(&[]).expect("all are chosen"), ["one", "two"]);
        assert_eq!(choose(&["two"]).expect("the name exists"), ["two"]);
        let error = choose(&["three"])
            .expect_err("the name does not exist")
            .to_string();
        assert!(error.contains("one, two"), "{error}");
    }
}
