//! Efficiency curves: the throughput of each thread relative to one thread alone, with the ideal
//! line.

use crashrate_protocol::chapters::EFFICIENCY;

use super::measures::label_pairs;
use super::pictures::{Curve, Curves};
use super::plot::Tick;
use super::source::Source;
use super::{Block, Table, Text};
use crate::clean::{NAME, clean};
use crate::view::{ByChapter, ChapterRow, MeasureStat};
use crate::words::{measured, of_unit, percent_of};

/// A mode, sequence or variant in which a chapter ran, with its medians.
struct Way {
    name: String,
    past: bool,
    values: Vec<(f64, f64)>,
}

/// The curves of every chapter that measured an efficiency under at least two labels such as
/// `threads=8`.
pub(super) fn efficiency(source: &Source) -> Vec<Block> {
    let by_chapter = ByChapter::of(source.view);
    let baseline = source.view.baseline.as_deref();
    let baseline = baseline.map(|baseline| ("baseline", baseline));
    let previous = source.previous.map(|previous| ("previous run", previous));
    let others = baseline.into_iter().chain(previous);
    let others: Vec<_> = others
        .map(|(what, other)| {
            let prefix = format!("{what} (N={}), ", other.run.number);
            (prefix, ByChapter::of(other))
        })
        .collect();
    let drawn = by_chapter.ids().filter_map(|chapter| {
        let mut key = None;
        let mut ways = ways(by_chapter.rows(chapter), "", false, &mut key);
        for (prefix, other) in others.iter().take(if ways.is_empty() { 0 } else { 2 }) {
            ways.extend(self::ways(other.rows(chapter), prefix, true, &mut key));
        }
        draw(&clean(chapter, NAME), &key?, &ways)
    });
    drawn.map(Block::Curves).collect()
}

fn ways(rows: &[&ChapterRow], prefix: &str, past: bool, key: &mut Option<String>) -> Vec<Way> {
    let ways = rows.iter().filter_map(|row| {
        let values = values(row, key);
        (values.len() > 1).then(|| Way {
            name: format!("{prefix}{}", way(row)),
            past,
            values,
        })
    });
    ways.collect()
}

fn way(row: &ChapterRow) -> String {
    match &row.sequence {
        None => of_unit(row.mode.word(), None, &row.variant),
        Some(sequence) => format!("in {}", of_unit(sequence, None, &row.variant)),
    }
}

/// The values under labels with one number. The key of the first label is the key of all.
fn values(row: &ChapterRow, key: &mut Option<String>) -> Vec<(f64, f64)> {
    let is_share = |stat: &&MeasureStat| {
        stat.name == EFFICIENCY && matches!(stat.unit.as_str(), "" | "1" | "ratio")
    };
    let stats = row.results.measures.iter().filter(is_share);
    let mut values: Vec<_> = stats
        .filter_map(|stat| {
            let pairs = label_pairs(&stat.label)?;
            let [(name, value)] = pairs.as_slice() else {
                return None;
            };
            let value: f64 = value.parse().ok()?;
            let same = key.get_or_insert_with(|| (*name).to_owned()) == name;
            let usable = same && value.is_finite() && value > 0.0 && stat.spread.median.is_finite();
            usable.then_some((value, stat.spread.median.max(0.0)))
        })
        .collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values
}

fn draw(chapter: &str, key: &str, ways: &[Way]) -> Option<Curves> {
    let mut all: Vec<f64> = ways
        .iter()
        .flat_map(|way| &way.values)
        .map(|v| v.0)
        .collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let (first, last) = (*all.first()?, *all.last()?);
    if first == last {
        return None;
    }
    let most = ways.iter().flat_map(|way| &way.values).map(|v| v.1);
    // Efficiencies above 1 occur if the single thread was slow.
    let top = most.fold(1.0, f64::max);
    let across = |value: f64| (value / first).ln() / (last / first).ln();
    let mut table = Table::default().number(key);
    for way in ways {
        table = table.number(&way.name);
    }
    for value in &all {
        let of_way = |way: &Way| {
            let found = way.values.iter().find(|v| v.0 == *value);
            let said = found.map(|v| measured(EFFICIENCY, "", v.1, false));
            Text::plain(said.as_deref().unwrap_or("-"))
        };
        let label = Text::plain(&value.to_string());
        table.rows.push(
            std::iter::once(label)
                .chain(ways.iter().map(of_way))
                .collect(),
        );
    }
    let curve = |way: &Way| Curve {
        name: way.name.clone(),
        past: way.past,
        points: way
            .values
            .iter()
            .map(|(x, y)| (across(*x), y / top))
            .collect(),
    };
    Some(Curves {
        title: format!("{chapter}: efficiency by {}", clean(key, NAME)),
        key: clean(key, NAME),
        curves: ways.iter().map(curve).collect(),
        table,
        across: (all.iter())
            .map(|value| Tick {
                place: across(*value),
                label: value.to_string(),
            })
            .collect(),
        up: [0.0, 0.25, 0.5, 0.75, 1.0]
            .map(|share| Tick {
                place: share / top,
                label: percent_of(share),
            })
            .to_vec(),
        ideal: 1.0 / top,
    })
}
