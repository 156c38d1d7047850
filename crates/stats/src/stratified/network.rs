//! The exact p-value, by a walk over all tables at once.

use std::collections::HashMap;

use super::margins::Margins;

/// The most additions that preparing the walk may take: some hundredths of a second.
const MOST_STEPS: u64 = 5_000_000;

/// The most partial tables that the walk may visit. A report may test hundreds of units.
const MOST_PARTIAL: usize = 200_000;

/// Partial tables are the same if the logarithms of their probabilities agree to this.
const GRAIN: f64 = 1e-9;

/// The exact p-value; `None` if it takes too long.
///
/// A node of the network is a machine and the bad rounds that are left for it and those after it.
/// If even the likeliest way on is at most as likely as the observed table, all ways on count, and
/// the sum of their probabilities is known. If the least likely one is likelier, none does.
pub(super) fn exact(margins: &Margins) -> Option<f64> {
    let ends = Ends::of(margins)?;
    let last = margins.rounds.len();
    // By bad rounds left and probability so far: how many ways lead there.
    let mut open: HashMap<(u64, i64), Partial> = HashMap::new();
    open.insert(
        (margins.bad, 0),
        Partial {
            ln_so_far: 0.0,
            ways: 1.0,
        },
    );
    let (mut p, mut visited) = (0.0, 0);
    let ln_all = margins.ln_rest(0, margins.bad);
    for at in 0..last {
        let mut next: HashMap<(u64, i64), Partial> = HashMap::new();
        for ((left, _), partial) in open {
            let least = left.saturating_sub(margins.rest[at + 1]);
            for bad in least..=left.min(margins.rounds[at]) {
                visited += 1;
                if visited > MOST_PARTIAL {
                    return None;
                }
                let left = left - bad;
                let ln_so_far = partial.ln_so_far + ends.cells[at][bad as usize];
                let [least_likely, likeliest] = ends.of_rest[at + 1][left as usize];
                if ln_so_far + likeliest <= margins.ln_most {
                    let ln_p = ln_so_far + margins.ln_rest(at + 1, left) - ln_all;
                    p += partial.ways * ln_p.exp();
                } else if ln_so_far + least_likely <= margins.ln_most {
                    let key = (left, (ln_so_far / GRAIN).round() as i64);
                    let same = next.entry(key).or_insert(Partial {
                        ln_so_far,
                        ways: 0.0,
                    });
                    same.ways += partial.ways;
                }
            }
        }
        open = next;
    }
    Some(p)
}

#[derive(Clone, Copy)]
struct Partial {
    ln_so_far: f64,
    ways: f64,
}

/// The cells of each machine, and how likely the machines after it can make a table.
struct Ends {
    /// By machine and bad rounds.
    cells: Vec<Vec<f64>>,
    /// By machine and bad rounds left for it and those after it: the least and the most.
    of_rest: Vec<Vec<[f64; 2]>>,
}

impl Ends {
    fn of(margins: &Margins) -> Option<Ends> {
        let widths = margins.rounds.iter().map(|n| margins.bad.min(*n) + 1);
        let steps = widths.fold(0u64, |sum, width| {
            sum.saturating_add(width.saturating_mul(margins.bad + 1))
        });
        if steps > MOST_STEPS {
            return None;
        }
        let cells: Vec<Vec<f64>> = (0..margins.rounds.len())
            .map(|at| {
                let most = margins.bad.min(margins.rounds[at]);
                (0..=most).map(|bad| margins.ln_cell(at, bad)).collect()
            })
            .collect();
        let nowhere = [f64::INFINITY, f64::NEG_INFINITY];
        let mut of_rest = vec![vec![nowhere; margins.bad as usize + 1]; margins.rounds.len() + 1];
        of_rest[margins.rounds.len()][0] = [0.0, 0.0];
        for (at, cells) in cells.iter().enumerate().rev() {
            let (before, after) = of_rest.split_at_mut(at + 1);
            let most = margins.bad.min(margins.rest[at]) as usize;
            for (left, [least, likeliest]) in before[at].iter_mut().enumerate().take(most + 1) {
                for (bad, cell) in cells.iter().enumerate().take(left + 1) {
                    let [low, high] = after[0][left - bad];
                    *least = least.min(cell + low);
                    *likeliest = likeliest.max(cell + high);
                }
            }
        }
        Some(Ends { cells, of_rest })
    }
}
