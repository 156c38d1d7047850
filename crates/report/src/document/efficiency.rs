//! Efficiency curves: the throughput of each thread relative to one thread alone, with the ideal
//! line.

use crashrate_protocol::chapters::EFFICIENCY;

use super::measures::label_pairs;
use super::{Block, Curve, Curves, Table, Text, Tick};
use crate::clean::{NAME, clean};
use crate::view::{ByChapter, ChapterRow, Identities, MeasureStat, View};
use crate::words::{measured, of_mode, percent_of};

/// The curves of every chapter that measured an efficiency under at least two labels such as
/// `threads=8`.
pub(super) fn efficiency(view: &View, previous: Option<&View>) -> Vec<Block> {
    let by_chapter = ByChapter::of(view);
    let baseline = view.baseline.as_deref().map(|other| ("baseline", other));
    let previous = previous.map(|other| ("previous run", other));
    let others = baseline.into_iter().chain(previous).map(|(what, other)| {
        let prefix = format!("{what} (N={}), ", other.run.number);
        (prefix, ByChapter::of(other), Identities::of([view, other]))
    });
    let others: Vec<_> = others.collect();
    let drawn = by_chapter.ids().filter_map(|chapter| {
        let mut key = None;
        let mut all = curves(by_chapter.rows(chapter), None, &mut key);
        if !all.is_empty() {
            for (prefix, other, identities) in &others {
                let rows = other.rows(chapter).iter().copied();
                let rows: Vec<_> = rows
                    .filter(|row| identities.agree_on(&row.unit()))
                    .collect();
                all.extend(curves(&rows, Some(prefix), &mut key));
            }
        }
        draw(&clean(chapter, NAME), &key?, all)
    });
    drawn.map(Block::Curves).collect()
}

/// The rows with at least two values, which are not scaled yet. Those of another run have a prefix.
fn curves(rows: &[&ChapterRow], past: Option<&String>, key: &mut Option<String>) -> Vec<Curve> {
    let curves = rows.iter().map(|row| Curve {
        name: format!("{}{}", past.map_or("", String::as_str), of_mode(row)),
        past: past.is_some(),
        points: values(row, key),
    });
    curves.filter(|curve| curve.points.len() > 1).collect()
}

/// The values under labels with one number. The key of the first label is the key of all.
fn values(row: &ChapterRow, key: &mut Option<String>) -> Vec<(f64, f64)> {
    let is_share = |stat: &&MeasureStat| {
        stat.name == EFFICIENCY && matches!(stat.unit.as_str(), "" | "1" | "ratio")
    };
    let stats = row.results.measures.iter().filter(is_share);
    let values = stats.filter_map(|stat| {
        let pairs = label_pairs(&stat.label)?;
        let [(name, value)] = pairs.as_slice() else {
            return None;
        };
        let value: f64 = value.parse().ok()?;
        let same = key.get_or_insert_with(|| (*name).to_owned()) == name;
        let usable = same && value.is_finite() && value > 0.0 && stat.spread.median.is_finite();
        usable.then_some((value, stat.spread.median.max(0.0)))
    });
    let mut values: Vec<_> = values.collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values
}

fn draw(chapter: &str, key: &str, mut curves: Vec<Curve>) -> Option<Curves> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let mut all: Vec<f64> = points().map(|(value, _)| *value).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let (first, last) = (*all.first()?, *all.last()?);
    if first == last {
        return None;
    }
    // Efficiencies above 1 occur if the single thread was slow.
    let top = points().map(|(_, share)| *share).fold(1.0, f64::max);
    let table = table(key, &all, &curves);
    let across = |value: f64| (value / first).ln() / (last / first).ln();
    for (x, y) in curves.iter_mut().flat_map(|curve| &mut curve.points) {
        *x = across(*x);
        *y /= top;
    }
    let tick = |place, label| Tick { place, label };
    let labels = all
        .iter()
        .map(|value| tick(across(*value), value.to_string()));
    let shares = [0.0, 0.25, 0.5, 0.75, 1.0];
    let key = clean(key, NAME);
    Some(Curves {
        title: format!("{chapter}: efficiency by {key}"),
        key,
        curves,
        table,
        across: labels.collect(),
        up: shares
            .map(|share| tick(share / top, percent_of(share)))
            .into(),
        ideal: 1.0 / top,
    })
}

fn table(key: &str, all: &[f64], curves: &[Curve]) -> Table {
    let mut table = Table::default().numbers([key]);
    for curve in curves {
        table = table.numbers([&curve.name]);
    }
    for value in all {
        let cells = curves.iter().map(|curve| {
            let found = curve.points.iter().find(|(other, _)| other == value);
            Text::known(found.map(|(_, share)| measured(EFFICIENCY, "", *share, false)))
        });
        table.row(std::iter::once(Text::plain(value.to_string())).chain(cells));
    }
    table
}
