//! Measures as tables: those with labels such as `threads=8` become a row per label, the others a
//! list.

use std::cmp::Ordering;

use crashrate_protocol::chapters::{RATIOS, short_head};

use super::parts::has_part;
use super::source::Source;
use super::{Block, Table, Text};
use crate::view::{MeasureStat, Spread};
use crate::words::{count, measured, of_chapter, seconds, shown_unit};

/// How the columns of measures are headed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heads {
    /// By the measure's name and unit.
    Full,
    /// As the tables of built-in chapters.
    Short,
}

impl Heads {
    fn of(self, name: &str, unit: &str) -> String {
        let short = match self {
            Heads::Short => short_head(name, unit),
            Heads::Full => None,
        };
        let full = || {
            format!("{name} {}", shown_unit(name, unit))
                .trim_end()
                .to_owned()
        };
        short.map_or_else(full, str::to_owned)
    }
}

/// The measures of chapters that are no built-in ones.
pub(super) fn others(source: &Source) -> Vec<Block> {
    let view = source.view;
    let rows = view.chapters.iter().filter(|row| !has_part(view, row));
    let tables = rows.flat_map(|row| {
        let stats: Vec<_> = row.results.measures.iter().collect();
        tables(&of_chapter(row), &stats, Heads::Full)
    });
    tables.map(Block::Table).collect()
}

/// The median with its unit in three digits: `459 ops/s`, `17.7%`, `0.85`.
pub(super) fn rounded(stat: &MeasureStat) -> String {
    let median = stat.spread.median;
    let unit = shown_unit(&stat.name, &stat.unit);
    if unit == "s" {
        return seconds(median);
    }
    let bare = measured(&stat.name, &stat.unit, median, true);
    let value = match (bare.ends_with(['%', 'x']), median.abs()) {
        (true, _) => bare,
        (false, 100.0..1000.0) => format!("{median:.0}"),
        (false, 0.1..10.0) if !whole(&[stat.spread.min, median, stat.spread.max]) => {
            format!("{median:.2}")
        }
        (false, _) => bare,
    };
    format!("{value} {unit}").trim_end().to_owned()
}

/// The tables of some measures, titled by this name and the number of values.
pub(super) fn tables(name: &str, stats: &[&MeasureStat], heads: Heads) -> Vec<Table> {
    let mut groups: Vec<Group> = Vec::new();
    for stat in stats.iter().copied() {
        let keys = keys(&stat.label);
        match groups.iter_mut().find(|group| group.keys == keys) {
            Some(group) => group.stats.push(stat),
            None => groups.push(Group {
                keys,
                stats: vec![stat],
            }),
        }
    }
    let (tables, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(Group::is_table);
    let rest: Vec<_> = rest.into_iter().flat_map(|group| group.stats).collect();
    let mut out: Vec<_> = tables
        .iter()
        .map(|group| group.table(name, heads))
        .collect();
    if !rest.is_empty() {
        out.push(list(name, &rest));
    }
    // A title that the table before has too is left out.
    let mut last = String::new();
    for table in &mut out {
        if table.title == last {
            table.title.clear();
        } else {
            last.clone_from(&table.title);
        }
    }
    out
}

/// Measures whose labels have the same keys.
struct Group<'a> {
    keys: Vec<&'a str>,
    stats: Vec<&'a MeasureStat>,
}

impl Group<'_> {
    /// A single label makes no table.
    fn is_table(&self) -> bool {
        let first = self.stats.first().map(|stat| &stat.label);
        !self.keys.is_empty() && self.stats.iter().any(|stat| Some(&stat.label) != first)
    }

    fn table(&self, chapter: &str, heads: Heads) -> Table {
        let mut columns: Vec<(&str, &str)> = Vec::new();
        let mut labels: Vec<&str> = Vec::new();
        for stat in &self.stats {
            if !columns.contains(&(&stat.name, &stat.unit)) {
                columns.push((&stat.name, &stat.unit));
            }
            if !labels.contains(&stat.label.as_str()) {
                labels.push(&stat.label);
            }
        }
        sort_numbers(&mut labels);
        let mut table = Table::titled(&format!("{chapter}: {}", of_columns(&self.stats)));
        for key in &self.keys {
            table = table.number(key);
        }
        for (name, unit) in &columns {
            table = table.number(&heads.of(name, unit));
        }
        for label in labels {
            let values = label_pairs(label).into_iter().flatten();
            let mut cells: Vec<_> = values.map(|(_, value)| Text::plain(value)).collect();
            cells.extend(columns.iter().map(|column| self.cell(*column, label)));
            table.rows.push(cells);
        }
        table
    }

    fn cell(&self, (name, unit): (&str, &str), label: &str) -> Text {
        let column = self
            .stats
            .iter()
            .filter(|s| s.name == name && s.unit == unit);
        let medians: Vec<_> = column.clone().map(|s| s.spread.median).collect();
        let value = column.clone().find(|s| s.label == label);
        let value = value.map(|s| measured(name, unit, s.spread.median, whole(&medians)));
        Text::plain(value.as_deref().unwrap_or("-"))
    }
}

fn whole(values: &[f64]) -> bool {
    values.iter().all(|value| value.fract() == 0.0)
}

fn list(chapter: &str, stats: &[&MeasureStat]) -> Table {
    let spread = stats
        .iter()
        .any(|stat| stat.spread.n > 1 && stat.spread.min != stat.spread.max);
    let units = stats
        .iter()
        .any(|stat| !shown_unit(&stat.name, &stat.unit).is_empty());
    let mut table = Table::default().text("measure").number("value");
    if units {
        table = table.text("unit");
    }
    if spread {
        table = table.number("min").number("max");
    }
    let counts = stats.iter().any(|stat| stat.spread.n != stats[0].spread.n);
    if counts {
        table = table.number("n");
    }
    table.title = format!("{chapter}: {}", of_columns(stats));
    for stat in stats {
        let name = match stat.label.as_str() {
            "" => stat.name.clone(),
            label => format!("{} ({label})", stat.name),
        };
        let Spread {
            min, median, max, ..
        } = stat.spread;
        let whole = whole(&[min, median, max]);
        let value = |value: f64| Text::plain(&measured(&stat.name, &stat.unit, value, whole));
        let mut cells = vec![Text::plain(&name), value(median)];
        if units {
            cells.push(Text::plain(shown_unit(&stat.name, &stat.unit)));
        }
        if spread {
            cells.push(value(min));
            cells.push(value(max));
        }
        if counts {
            cells.push(Text::plain(&count(stat.spread.n.into())));
        }
        table.rows.push(cells);
    }
    table
}

/// What the numbers of a table are: of one value each, or the middle of several.
fn of_values(stats: &[&MeasureStat]) -> String {
    let n = stats.iter().map(|stat| stat.spread.n);
    let (least, most) = (n.clone().min().unwrap_or(0), n.max().unwrap_or(0));
    let (fewest, many) = (count(least.into()), count(most.into()));
    match (least, most) {
        (_, 1) => "n = 1".to_owned(),
        (least, most) if least == most => format!("medians, n = {many}"),
        _ => format!("medians, n = {fewest} to {many}"),
    }
}

/// The same with a remark where a ratio is shown beside other numbers: its median is not the ratio
/// of their medians.
fn of_columns(stats: &[&MeasureStat]) -> String {
    let is_ratio = |stat: &&MeasureStat| {
        let name = stat.name.replace(['-', '_', ' '], "");
        RATIOS.iter().any(|kind| name.ends_with(kind))
    };
    let several = stats.iter().any(|stat| stat.spread.n > 1);
    let ratios = stats.iter().copied().filter(|stat| is_ratio(stat)).count();
    let remark = match several && (1..stats.len()).contains(&ratios) {
        true => "; ratios taken per round",
        false => "",
    };
    of_values(stats) + remark
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

fn keys(label: &str) -> Vec<&str> {
    let pairs = label_pairs(label).into_iter().flatten();
    pairs.map(|(key, _)| key).collect()
}

/// Sorts labels by their numbers; labels with other values keep their order.
fn sort_numbers(labels: &mut Vec<&str>) {
    let numbers = |label| -> Option<Vec<f64>> {
        let pairs = label_pairs(label)?;
        pairs.iter().map(|(_, value)| value.parse().ok()).collect()
    };
    let sorted: Option<Vec<_>> = labels.iter().map(|l| Some((numbers(l)?, *l))).collect();
    let Some(mut sorted) = sorted else {
        return;
    };
    sorted.sort_by(|(a, _), (b, _)| {
        let sizes = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
        sizes.fold(Ordering::Equal, Ordering::then)
    });
    *labels = sorted.into_iter().map(|(_, label)| label).collect();
}
