//! Rates by device, devices that stopped working, and rounds during which something else happened.

use crashrate_model::{DeviceFailure, StopReason};

use super::{Block, Table, Text};
use crate::clean::{SENTENCE, clean};
use crate::view::{DeviceRow, Disturbances, RateTest, Share, View};
use crate::words::{
    Places, count, counts, difference, estimate, first_lines, joined, of_unit, plural,
    rate_tests_method, share, short_estimate,
};

/// Units that are named before the rest are counted.
const NAMED: usize = 3;

/// A row for each device, and the units whose rates differ between devices.
pub(super) fn devices(view: &View) -> Vec<Block> {
    if view.devices.len() < 2 {
        return Vec::new();
    }
    let stopping = view.run.optional_stopping();
    let mut table = Table::default()
        .texts(["device", "model"])
        .numbers(["crashed"]);
    for row in &view.devices {
        let of = row.first_attempt;
        let rate = match view.units.len() {
            1 => short_estimate(of, stopping),
            // The units have rates of their own.
            _ => share(of.bad, of.n),
        };
        table.rows.push(vec![
            Text::plain(name(row, &view.devices)),
            Text::known(row.device.model.clone()),
            Text::rate(rate, of.bad),
        ]);
    }
    let differing = view.device_tests.iter().filter(|test| test.differs);
    let differing = differing.filter_map(|test| differ(view, test)).collect();
    let mut blocks = Block::table(table);
    blocks.extend(Block::list(first_lines(
        differing,
        NAMED,
        "more units differ between devices",
    )));
    blocks.extend(rate_tests_method(&view.device_tests, Places::Devices).map(Block::line));
    blocks
}

/// The unit whose rates differ, with its rate on each device.
fn differ(view: &View, test: &RateTest) -> Option<String> {
    let unit = view.units.get(test.unit)?;
    let unit = of_unit(&unit.name, Some(unit.mode), &unit.variant);
    let shares = view.devices.iter();
    let shares = shares.map(|row| {
        let share = row.of_unit(test.unit as u32);
        (name(row, &view.devices), share)
    });
    Some(difference(&unit, test, Places::Devices, shares.collect()))
}

/// The name of a device, with its machine in a merged run, and the start of its UUID if another one
/// of `all` has the same name: a run that was resumed may have others.
fn name(row: &DeviceRow, all: &[DeviceRow]) -> String {
    const SHOWN: usize = 12;
    let name = |row: &DeviceRow| match &row.host {
        Some(host) => format!("{host} {}", row.device.name),
        None => row.device.name.clone(),
    };
    let own = name(row);
    let is_double = all.iter().filter(|other| name(other) == own).count() > 1;
    match row.device.uuid.as_ref().filter(|_| is_double) {
        Some(uuid) => own + " " + &uuid.chars().take(SHOWN).collect::<String>(),
        None => own,
    }
}

/// Devices that stopped working, a sentence for each.
pub(super) fn failed(view: &View) -> Vec<String> {
    // The reason why the run ended says it already. That of a merged run names only shards.
    let is_merged = view.run.merged.is_some();
    if !is_merged && view.run.stopped == Some(StopReason::DeviceFailed) {
        return Vec::new();
    }
    let failures = view.run.device_failures.iter();
    let sentence = |failure: &DeviceFailure| {
        let sentence = clean(&failure.sentence(), SENTENCE);
        format!("{sentence}; nothing more was started on it.")
    };
    failures.map(sentence).collect()
}

/// How the rate looks without disturbed rounds, if something was bad and not all were disturbed.
pub(super) fn disturbed_in_short(view: &View) -> Vec<Block> {
    let is_told = |all: &&Disturbances| {
        let bad = all.disturbed.bad + all.undisturbed.bad;
        bad > 0 && all.undisturbed.n > 0
    };
    let told = view.disturbances.as_ref().filter(is_told);
    told.map(|all| Block::line(sentence(all)))
        .into_iter()
        .collect()
}

/// `Disturbed: 12 of 100 rounds (9 under load). Bad with them: 5/100; without them: 3/88.`
fn sentence(all: &Disturbances) -> String {
    let [marked, rest] = [all.disturbed, all.undisturbed];
    let kinds = counts([
        (all.load.into(), "under load"),
        (all.processes.into(), "beside other processes on the GPU"),
        (all.slept.into(), "while the machine slept"),
    ]);
    let kinds = joined(kinds, ", ").unwrap_or_default();
    let n = marked.n + rest.n;
    format!(
        "Disturbed: {} of {} ({kinds}). Bad with them: {}; without them: {}.",
        count(marked.n.into()),
        plural(n, "round"),
        share(marked.bad + rest.bad, n),
        share(rest.bad, rest.n),
    )
}

/// The rates of disturbed rounds and of the others.
pub(super) fn disturbed(view: &View) -> Vec<Block> {
    let Some(all) = &view.disturbances else {
        return Vec::new();
    };
    let stopping = view.run.optional_stopping();
    let rate = |of: Share| Text::rate(estimate(of.bad, of.n, stopping), of.bad);
    let mut table = Table::default()
        .texts(["unit"])
        .numbers(["disturbed", "others"]);
    for row in &all.units {
        let unit = view.units.get(row.unit as usize);
        let name = unit.map(|unit| of_unit(&unit.name, Some(unit.mode), &unit.variant));
        table.rows.push(vec![
            Text::known(name),
            rate(row.disturbed),
            rate(row.undisturbed),
        ]);
    }
    let mut blocks = vec![Block::line(sentence(all))];
    blocks.extend(Block::table(table));
    blocks.push(Block::line(
        "Disturbed rounds are in every rate of this report. Load is marked where the load average \
         exceeded the host's number of cores plus one for each attempt at a time.",
    ));
    blocks
}
