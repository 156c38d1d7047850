//! Which attempts a page describes: all of a run whose rounds have a square each; else those that
//! did not pass, at least one for each square that has any.

use std::collections::{BTreeMap, BTreeSet};

use crashrate_model::{Ended, Outcome};

use super::grid::{Squares, cells};
use super::unit_rows::unit_rows;
use crate::view::{AttemptDetail, AttemptPlace, Ends, View};

/// The most rounds of each unit that are described in a long run, besides one for each square.
const LISTED: usize = 100;
/// The most rounds that are described in a long run.
const MOST: usize = 2_000;
/// Attempts with output, of each unit and outcome.
const WITH_OUTPUT: u32 = 3;
/// Bytes of output on a page.
const OUTPUT: usize = 100_000;

/// Reads what pages say of single attempts. The view must know the attempts' places
/// ([`crate::ViewBuilder::with_attempts`]). An attempt that cannot be read is left out.
pub fn add_details(view: &mut View, files: &mut dyn Ends) {
    let chosen = chosen(view);
    let places = view.attempts.iter();
    let places = places.filter(|at| chosen.contains(&(at.unit, at.round)));
    let mut places: Vec<AttemptPlace> = places.copied().collect();
    // A round that was run again has several first attempts, and a lost one has no place.
    places.sort_by_key(|at| (at.unit, at.round, at.attempt, at.end));
    let mut outputs = Outputs::default();
    let details = places.iter().filter_map(|at| {
        let mut ended = match at.end {
            Some(place) => files.end(place.get()).ok()?,
            None => Ended::of(at.unit, at.round, at.attempt, Outcome::Lost),
        };
        ended.measures.clear();
        let chapters = ended.chapters.iter_mut();
        chapters.for_each(|chapter| chapter.measures.clear());
        let output = outputs.of(&ended, files);
        let seed = view.run.seed;
        let seed = seed.and_then(|seed| files.round_seed(seed, at.round));
        Some(AttemptDetail {
            ended,
            seed,
            output,
        })
    });
    view.details = details.collect();
}

/// The units and rounds that are described.
fn chosen(view: &View) -> BTreeSet<(u32, u32)> {
    let rows = unit_rows(view);
    let mut chosen = BTreeSet::new();
    let Some(squares) = Squares::of(view, &rows) else {
        return chosen;
    };
    for row in &rows {
        let Some(unit) = row.unit else { continue };
        let mut listed = 0;
        for rounds in squares.of_row(row.results) {
            let cells = (*rounds.start()..).zip(cells(row.results, &rounds));
            if squares.is_single() {
                chosen.extend(cells.map(|(round, _)| (unit, round)));
                continue;
            }
            let remarkable = cells.filter(|(_, cell)| cell.is_remarkable());
            for (place, (round, _)) in remarkable.enumerate() {
                if (place > 0 && listed >= LISTED) || chosen.len() >= MOST {
                    break;
                }
                listed += usize::from(chosen.insert((unit, round)));
            }
        }
    }
    chosen
}

/// The outputs that a page shows: the first ones of each unit and outcome.
#[derive(Default)]
struct Outputs {
    shown: BTreeMap<(u32, Outcome), u32>,
    bytes: usize,
}

impl Outputs {
    fn of(&mut self, ended: &Ended, files: &mut dyn Ends) -> Option<[String; 2]> {
        let file = ended.output.as_ref()?;
        let shown = self.shown.entry((ended.unit, ended.outcome)).or_default();
        if *shown == WITH_OUTPUT || self.bytes >= OUTPUT {
            return None;
        }
        let output = files.output(file)?;
        *shown += 1;
        self.bytes += output
            .iter()
            .map(String::len)
            .sum::<usize>()
            .min(OUTPUT / 10);
        Some(output)
    }
}
