//! Rates by device, devices that stopped working, and rounds during which something else happened.

use crashrate_model::{ALPHA, DeviceFailure, StopReason};
use crashrate_stats::{Counts, homogeneity};

use super::{Block, Table, Text};
use crate::clean::{SENTENCE, clean};
use crate::view::{DeviceRow, Disturbances, Share, View};
use crate::words::{
    count, counts, estimate, joined, of_unit, p_value, plural, share, short_estimate,
};

/// A row for each device, and whether their rates differ.
pub(super) fn devices(view: &View) -> Vec<Block> {
    if view.devices.len() < 2 {
        return Vec::new();
    }
    let stopping = view.run.optional_stopping();
    let mut table = Table::default()
        .texts(["device", "model"])
        .numbers(["bad rounds (95%)"]);
    for row in &view.devices {
        let of = row.first_attempt;
        table.rows.push(vec![
            Text::plain(name(row, &view.devices)),
            Text::known(row.device.model.clone()),
            Text::rate(short_estimate(of, stopping), of.bad),
        ]);
    }
    let mut blocks = Block::table(table);
    // The test is valid for a number of rounds that does not depend on their results.
    if !stopping.is_possible() {
        blocks.extend(differ(&view.devices).map(Block::line));
    }
    blocks
}

/// The name of a device, with its machine in a merged run, and the begin of its UUID if another one
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

/// Whether the rates of devices differ.
fn differ(rows: &[DeviceRow]) -> Option<String> {
    let counts = |row: &DeviceRow| {
        let of = row.first_attempt;
        Counts::new(of.bad.into(), of.n.into()).ok()
    };
    let p = homogeneity(&rows.iter().map(counts).collect::<Option<Vec<_>>>()?)?.p;
    let word = match p < ALPHA {
        true => "The rates of the devices differ",
        false => "No difference between the devices is shown",
    };
    Some(format!("{word} (p = {}).", p_value(p)))
}

/// Devices that stopped working, a sentence for each.
pub(super) fn failed(view: &View) -> Vec<String> {
    // The reason why the run ended says it already.
    if view.run.stopped == Some(StopReason::DeviceFailed) {
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
         exceeded the number of cores plus one for each attempt at a time.",
    ));
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(shares: &[(u32, u32)]) -> Vec<DeviceRow> {
        let row = |&(bad, n)| DeviceRow {
            host: None,
            device: Default::default(),
            first_attempt: Share { bad, n },
        };
        shares.iter().map(row).collect()
    }

    #[test]
    fn devices_differ_only_if_one_differs_from_the_others() {
        assert_eq!(differ(&rows(&[(0, 9), (0, 9)])), None);
        assert_eq!(differ(&rows(&[(9, 9), (9, 9)])), None);
        let same = differ(&rows(&[(3, 9), (3, 9), (3, 9)])).unwrap();
        assert_eq!(same, "No difference between the devices is shown (p = 1).");
        let apart = differ(&rows(&[(0, 20), (15, 20)])).unwrap();
        assert!(
            apart.starts_with("The rates of the devices differ"),
            "{apart}"
        );
        let three = differ(&rows(&[(0, 20), (0, 20), (15, 20)])).unwrap();
        assert!(
            three.starts_with("The rates of the devices differ"),
            "{three}"
        );
    }
}
