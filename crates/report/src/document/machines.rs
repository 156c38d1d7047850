//! The machines of a merged run.

use crashrate_model::Outcome;

use super::{Block, Table, Text, Tone};
use crate::view::{Machine, ShardState, View};
use crate::words::{
    NOTHING, count, first_lines, joined, machine_differences, machine_name, machine_state,
    machines_method, shard_list, share, short_estimate,
};

/// Loads of a machine that are listed.
const LOADS: usize = 3;

/// A row for each machine, and one for the shards that are missing.
pub(super) fn machines(view: &View) -> Vec<Block> {
    let Some(machines) = &view.machines else {
        return Vec::new();
    };
    let has_failed = machines.list.iter().any(|machine| machine.failed() > 0);
    let shows_failed = has_failed && !view.run.bad.contains(Outcome::Failed);
    let mut table = Table::default()
        .texts(["machine", "shards", "processor", "device", "driver", "load"])
        .numbers(["rounds", "crashed", "failed"])
        .texts(["state"]);
    for machine in &machines.list {
        table.row(row(view, machine));
    }
    if !machines.missing_shards.is_empty() {
        let shards = shard_list(machines.missing_shards.iter().copied());
        let mut cells = vec![Text::plain(NOTHING); 10];
        cells[1] = Text::long(numbers(&shards));
        cells[9] = Text::new("missing", Tone::Doubtful);
        table.row(cells);
    }
    let shown: Vec<bool> = (0..table.columns.len())
        .map(|at| match at {
            2..=5 => table.rows.iter().any(|row| row[at].text != NOTHING),
            8 => shows_failed,
            _ => true,
        })
        .collect();
    table.keep(&shown);
    let mut blocks = Block::table(table);
    blocks.extend(Block::list(machine_differences(view)));
    blocks.extend(machines_method(machines).map(Block::line));
    blocks
}

fn row(view: &View, machine: &Machine) -> Vec<Text> {
    let fact = |name: &str| machine.facts.get(name).cloned();
    let models = machine
        .devices
        .iter()
        .filter_map(|device| device.model.clone());
    let drivers = machine
        .devices
        .iter()
        .filter_map(|device| device.driver.clone());
    let device = distinct(models).or_else(|| fact("gpu"));
    let device = device.or_else(|| machine.reported.clone());
    let driver = distinct(drivers).or_else(|| fact("driver"));
    let loads = first_lines(machine.loads.clone(), LOADS, "more");
    let of = machine.first_attempt;
    let rate = match machine.units.len() {
        1 => short_estimate(of, view.run.optional_stopping()),
        // The units have rates of their own.
        _ => share(of.bad, of.n),
    };
    let is_complete = |(_, state): &(u32, ShardState)| *state == ShardState::Complete;
    let tone = match machine.shards.iter().all(is_complete) || view.run.complete {
        true => Tone::Plain,
        false => Tone::Doubtful,
    };
    let shards = shard_list(machine.shards.iter().map(|(index, _)| *index));
    let rounds = [machine.ended, machine.planned].map(|n| count(n.into()));
    vec![
        Text::plain(machine_name(machine)),
        Text::long(numbers(&shards)),
        Text::known(fact("cpu")),
        Text::known(device),
        Text::known(driver),
        Text::known(joined(loads.into_iter(), ", ")),
        Text::plain(rounds.join("/")),
        Text::rate(rate, of.bad),
        Text::new(
            share(machine.failed(), of.n),
            Tone::Doubtful.if_any(machine.failed()),
        ),
        Text::new(machine_state(machine), tone),
    ]
}

/// The numbers of shards under a head that says what they are.
fn numbers(shards: &str) -> &str {
    shards
        .split_once(' ')
        .map_or(shards, |(_, numbers)| numbers)
}

/// The distinct words, in their order.
fn distinct(words: impl Iterator<Item = String>) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    words.for_each(|word| {
        if !all.contains(&word) {
            all.push(word);
        }
    });
    joined(all.into_iter(), ", ")
}
