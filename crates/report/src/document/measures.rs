//! Measures as tables: those with labels such as `threads=8` become a row per label, the others a
//! list.

use std::cmp::Ordering;

use crashrate_protocol::chapters::{RATIOS, short_head};

use super::table::grouped;
use super::{Block, Table, Text};
use crate::view::MeasureStat;
use crate::words::{count, measured, seconds, shown_unit};

/// How the columns of measures are headed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Heads {
    /// By the measure's name and unit.
    Full,
    /// As the tables of built-in chapters.
    Short,
}

/// Measures whose labels have the same keys.
type Group<'a> = (Vec<&'a str>, Vec<&'a MeasureStat>);

/// The tables of some measures, titled by this name and the number of values.
pub(super) fn tables(name: &str, stats: &[&MeasureStat], heads: Heads) -> Vec<Block> {
    let keyed = stats.iter().copied().map(|stat| {
        let pairs = label_pairs(&stat.label).unwrap_or_default().into_iter();
        (pairs.map(|(key, _)| key).collect(), stat)
    });
    // A single label makes no table.
    let is_table = |(keys, stats): &Group| {
        !keys.is_empty() && stats.iter().any(|stat| stat.label != stats[0].label)
    };
    let (groups, rest): (Vec<_>, Vec<_>) = grouped(keyed).into_iter().partition(is_table);
    let tables = groups.iter().map(|group| by_label(name, group, heads));
    let mut tables: Vec<_> = tables.collect();
    let rest: Vec<_> = rest.into_iter().flat_map(|(_, stats)| stats).collect();
    if !rest.is_empty() {
        tables.push(list(name, &rest));
    }
    // A title that the table before has too is left out.
    let mut last = String::new();
    for table in &mut tables {
        match table.title == last {
            true => table.title.clear(),
            false => last.clone_from(&table.title),
        }
    }
    tables.into_iter().map(Block::Table).collect()
}

fn by_label(name: &str, (keys, stats): &Group, heads: Heads) -> Table {
    let columns = grouped(stats.iter().map(|stat| {
        let column = (stat.name.as_str(), stat.unit.as_str());
        (column, *stat)
    }));
    let labels = grouped(stats.iter().map(|stat| (stat.label.as_str(), ())));
    let mut labels: Vec<_> = labels.into_iter().map(|(label, _)| label).collect();
    sort_numbers(&mut labels);
    let mut table = Table::titled(format!("{name}: {}", of_columns(stats)));
    for key in keys {
        table = table.numbers([key]);
    }
    for ((name, unit), _) in &columns {
        let short = short_head(name, unit).filter(|_| heads == Heads::Short);
        let full = format!("{name} {}", shown_unit(name, unit));
        table = table.numbers([short.unwrap_or(full.trim_end())]);
    }
    for label in labels {
        let values = label_pairs(label).unwrap_or_default().into_iter();
        let cells = columns.iter().map(|(_, column)| cell(column, label));
        table.row(values.map(|(_, value)| Text::plain(value)).chain(cells));
    }
    table
}

fn cell(column: &[&MeasureStat], label: &str) -> Text {
    let medians: Vec<_> = column.iter().map(|s| s.spread.median).collect();
    let value = column.iter().find(|s| s.label == label);
    Text::known(value.map(|s| measured(&s.name, &s.unit, s.spread.median, whole(&medians))))
}

fn list(name: &str, stats: &[&MeasureStat]) -> Table {
    let mut table = Table::titled(format!("{name}: {}", of_columns(stats)))
        .texts(["measure"])
        .numbers(["value"])
        .texts(["unit"])
        .numbers(["min", "max", "n"]);
    for stat in stats {
        let whole = is_whole(stat);
        let value = |value: f64| Text::plain(measured(&stat.name, &stat.unit, value, whole));
        table.row([
            Text::plain(name_of(stat)),
            value(stat.spread.median),
            Text::plain(shown_unit(&stat.name, &stat.unit)),
            value(stat.spread.min),
            value(stat.spread.max),
            Text::count(stat.spread.n),
        ]);
    }
    let any = |test: &dyn Fn(&MeasureStat) -> bool| stats.iter().any(|stat| test(stat));
    let units = any(&|stat| !shown_unit(&stat.name, &stat.unit).is_empty());
    let spread = any(&|stat| stat.spread.n > 1 && stat.spread.min != stat.spread.max);
    let counts = any(&|stat| stat.spread.n != stats[0].spread.n);
    table.keep(&[true, true, units, spread, spread, counts]);
    table
}

/// The measure with its label.
pub(super) fn name_of(stat: &MeasureStat) -> String {
    match stat.label.as_str() {
        "" => stat.name.clone(),
        label => format!("{} ({label})", stat.name),
    }
}

/// What the numbers of a table are: of one value each, or the middle of several. Where a ratio is
/// shown beside other numbers, a remark: its median is not the ratio of their medians.
fn of_columns(stats: &[&MeasureStat]) -> String {
    let n = stats.iter().map(|stat| stat.spread.n);
    let (least, most) = (n.clone().min().unwrap_or(0), n.max().unwrap_or(0));
    let (fewest, many) = (count(least.into()), count(most.into()));
    let values = match (least, most) {
        (_, 1) => "n = 1".to_owned(),
        (least, most) if least == most => format!("medians, n = {many}"),
        _ => format!("medians, n = {fewest} to {many}"),
    };
    let is_ratio = |stat: &&&MeasureStat| {
        let name = stat.name.replace(['-', '_', ' '], "");
        RATIOS.iter().any(|kind| name.ends_with(kind))
    };
    let ratios = stats.iter().filter(is_ratio).count();
    match most > 1 && (1..stats.len()).contains(&ratios) {
        true => values + "; ratios taken per round",
        false => values,
    }
}

/// The median with its unit in three digits: `459 ops/s`, `17.7%`, `0.85`.
pub(super) fn rounded(stat: &MeasureStat) -> String {
    let median = stat.spread.median;
    if shown_unit(&stat.name, &stat.unit) == "s" {
        return seconds(median);
    }
    let bare = measured(&stat.name, &stat.unit, median, true);
    let value = match (bare.ends_with(['%', 'x']), median.abs()) {
        (true, _) => bare,
        (false, 100.0..1000.0) => format!("{median:.0}"),
        (false, 0.1..10.0) if !is_whole(stat) => format!("{median:.2}"),
        (false, _) => bare,
    };
    with_unit(value, stat)
}

/// The median with its unit, and the range of the values.
pub(super) fn with_range(stat: &MeasureStat) -> String {
    let whole = is_whole(stat);
    let is_time = stat.unit == "s";
    let value = |value: f64| match is_time {
        true => seconds(value),
        false => measured(&stat.name, &stat.unit, value, whole),
    };
    let median = value(stat.spread.median);
    let median = if is_time {
        median
    } else {
        with_unit(median, stat)
    };
    match (value(stat.spread.min), value(stat.spread.max)) {
        (least, most) if least == most => median,
        (least, most) => format!("{median} ({least} to {most})"),
    }
}

/// A value of the measure with its unit.
pub(super) fn with_unit(value: String, stat: &MeasureStat) -> String {
    match shown_unit(&stat.name, &stat.unit) {
        "" => value,
        unit => format!("{value} {unit}"),
    }
}

fn is_whole(stat: &MeasureStat) -> bool {
    whole(&[stat.spread.min, stat.spread.median, stat.spread.max])
}

fn whole(values: &[f64]) -> bool {
    values.iter().all(|value| value.fract() == 0.0)
}

/// The keys and values of a label such as `threads=8,batch=1`; nothing for any other label.
pub(super) fn label_pairs(label: &str) -> Option<Vec<(&str, &str)>> {
    let pairs = label.split(',').map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        let word = |text: &str| !text.is_empty() && !text.contains(['=', ' ', '/']);
        (word(key) && word(value)).then_some((key, value))
    });
    pairs.collect()
}

/// Sorts labels by their numbers; labels with other values keep their order.
fn sort_numbers(labels: &mut [&str]) {
    let numbers = |label: &str| -> Option<Vec<f64>> {
        let pairs = label_pairs(label)?;
        let numbers = pairs.iter().map(|(_, value)| value.parse().ok());
        // Finite numbers have an order.
        let finite = numbers.map(|number| number.filter(|number: &f64| number.is_finite()));
        finite.collect()
    };
    if labels.iter().all(|label| numbers(label).is_some()) {
        let order = |a: &&str, b: &&str| numbers(a).partial_cmp(&numbers(b));
        labels.sort_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
    }
}
