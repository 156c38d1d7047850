//! Compares two sides block by block: the counts of block outcomes, and the exact test on the
//! discordant blocks.

use crate::compare::{Comparison, Test, compare};
use crate::counts::Counts;
use crate::error::StatsError;
use crate::hypergeometric::Hypergeometric;
use crate::tango::tango_interval;

/// The result of one side of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideEnd {
    /// Measured and good.
    Good,
    /// Measured and bad.
    Bad,
    /// Drawn, but the result is unknown: it may have been good or bad.
    Missing,
    /// Not drawn: not planned, not run yet, skipped, or not reached.
    Absent,
}

impl SideEnd {
    /// `Bad` or `Good`.
    pub fn measured(is_bad: bool) -> Self {
        if is_bad { Self::Bad } else { Self::Good }
    }
}

/// Counts of the blocks with both sides measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Both sides were bad.
    pub both: u64,
    /// Only side one was bad.
    pub only_one: u64,
    /// Only side two was bad.
    pub only_two: u64,
    /// Neither side was bad.
    pub neither: u64,
}

impl Blocks {
    /// The number of blocks.
    pub fn n(self) -> u64 {
        self.both + self.only_one + self.only_two + self.neither
    }

    /// Each side's bad rounds out of all blocks.
    ///
    /// # Errors
    /// There are more blocks than [`crate::MAX_ROUNDS`].
    pub fn sides(self) -> Result<[Counts; 2], StatsError> {
        let n = self.n();
        Ok([
            Counts::new(self.both + self.only_one, n)?,
            Counts::new(self.both + self.only_two, n)?,
        ])
    }
}

/// The direction of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worse {
    /// Side one is bad more often.
    One,
    /// Side two is bad more often.
    Two,
}

/// Counts of blocks by the results of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PairTable {
    cells: [[u64; 4]; 4],
}

impl PairTable {
    /// Adds a block.
    pub fn add(&mut self, one: SideEnd, two: SideEnd) {
        self.cells[one as usize][two as usize] += 1;
    }

    /// Adds the blocks of another table.
    pub fn add_all(&mut self, other: &Self) {
        let rows = self.cells.iter_mut().zip(&other.cells);
        for (cell, more) in rows.flat_map(|(row, more)| row.iter_mut().zip(more)) {
            *cell += more;
        }
    }

    fn cell(&self, one: SideEnd, two: SideEnd) -> u64 {
        self.cells[one as usize][two as usize]
    }

    /// The blocks with both sides measured.
    pub fn blocks(&self) -> Blocks {
        use SideEnd::{Bad, Good};
        Blocks {
            both: self.cell(Bad, Bad),
            only_one: self.cell(Bad, Good),
            only_two: self.cell(Good, Bad),
            neither: self.cell(Good, Good),
        }
    }

    /// Bad rounds out of measured rounds of each side, regardless of the other side.
    ///
    /// # Errors
    /// There are more rounds than [`crate::MAX_ROUNDS`].
    pub fn sides(&self) -> Result<[Counts; 2], StatsError> {
        let one = |end: SideEnd| self.cells[end as usize].iter().sum::<u64>();
        let two = |end: SideEnd| self.cells.iter().map(|row| row[end as usize]).sum::<u64>();
        let counts = |bad: u64, good: u64| Counts::new(bad, bad + good);
        Ok([
            counts(one(SideEnd::Bad), one(SideEnd::Good))?,
            counts(two(SideEnd::Bad), two(SideEnd::Good))?,
        ])
    }

    /// Rounds of each side with an unknown result.
    pub fn missing(&self) -> [u64; 2] {
        let missing = SideEnd::Missing as usize;
        [
            self.cells[missing].iter().sum(),
            self.cells.iter().map(|row| row[missing]).sum(),
        ]
    }

    /// The table with every unknown result set against `worse`: good on the side that looks worse,
    /// bad on the other.
    ///
    /// Horowitz and Manski 2000, "Nonparametric analysis of randomized experiments with missing
    /// covariate and outcome data", J. Amer. Statist. Assoc. 95.
    #[must_use]
    pub fn against(&self, worse: Worse) -> Self {
        use SideEnd::{Absent, Bad, Good, Missing};
        let [one, two] = match worse {
            Worse::One => [Good, Bad],
            Worse::Two => [Bad, Good],
        };
        let filled = |end, instead| if end == Missing { instead } else { end };
        let mut table = Self::default();
        for a in [Good, Bad, Missing, Absent] {
            for b in [Good, Bad, Missing, Absent] {
                table.cells[filled(a, one) as usize][filled(b, two) as usize] += self.cell(a, b);
            }
        }
        table
    }
}

/// The two-sided p-value of McNemar's exact test. The null: if the sides of a block differ, either
/// is the bad one with probability 1/2. 1 if no block differs.
///
/// McNemar 1947, "Note on the sampling error of the difference between correlated proportions or
/// percentages", Psychometrika 12.
pub fn mcnemar_exact(only_one: u64, only_two: u64) -> f64 {
    let (least, n) = (only_one.min(only_two), only_one + only_two);
    if only_one == only_two {
        return 1.0;
    }
    // P(X <= least) for X ~ Bin(n, 1/2) is the upper tail of a beta distribution.
    let tail = crate::special::beta_at(least as f64 + 1.0, (n - least) as f64, 0.5, 0.5).ln_upper;
    (2.0 * tail.exp()).min(1.0)
}

/// Significance level for treating two sides as mutually exclusive, which requires a comparison
/// within blocks.
const EXCLUSION: f64 = 0.1;

/// Whether the sides of a block tend to exclude each other: fewer blocks have both sides bad than
/// expected by chance (one-sided hypergeometric, at most 0.1). A test for independent sides then
/// gives p-values that are too small.
pub(crate) fn exclude_each_other(blocks: Blocks) -> bool {
    let n = blocks.n();
    let (one, two) = (blocks.both + blocks.only_one, blocks.both + blocks.only_two);
    if one == 0 || two == 0 || one == n || two == n {
        return false;
    }
    Hypergeometric::new(one, n - one, two).at_most(blocks.both) <= EXCLUSION + 1e-12
}

/// The relation between the two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Both sides of a block are always drawn and do not disturb each other. An unpaired test is
    /// valid, even if a shared seed correlates the sides, and it has more power with few rounds. If
    /// the blocks show that the sides exclude each other, the matched test must agree.
    Complete,
    /// The block's seed may censor a side, or the sides may collide. Only blocks with both sides
    /// measured are informative, and of those only the discordant ones.
    Matched,
}

/// Compares two sides at error `alpha` (0 < `alpha` < 1), with the number of rounds fixed in
/// advance. Differences are side two minus side one.
///
/// `Matched` uses [`mcnemar_exact`] with [`tango_interval`]. `Complete` uses [`compare`]; if the
/// sides exclude each other, it returns the less significant of the two results.
///
/// # Errors
/// `alpha` is not between 0 and 1, or there are too many rounds.
pub fn compare_blocks(
    table: &PairTable,
    design: Design,
    alpha: f64,
) -> Result<Comparison, StatsError> {
    let blocks = table.blocks();
    if design == Design::Matched {
        return matched(blocks, alpha);
    }
    let [one, two] = table.sides()?;
    let complete = compare(two, one, alpha)?;
    if !exclude_each_other(blocks) {
        return Ok(complete);
    }
    let matched = matched(blocks, alpha)?;
    Ok(if matched.p > complete.p {
        matched
    } else {
        complete
    })
}

pub(crate) fn matched(blocks: Blocks, alpha: f64) -> Result<Comparison, StatsError> {
    let n = blocks.n();
    let difference = blocks.only_two as f64 - blocks.only_one as f64;
    Ok(Comparison {
        difference: (n > 0).then(|| difference / n as f64),
        interval: tango_interval(blocks.only_two, blocks.only_one, n, alpha)?,
        p: mcnemar_exact(blocks.only_one, blocks.only_two),
        test: Test::McNemar,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use SideEnd::{Absent, Bad, Good, Missing};

    fn table(blocks: &[(SideEnd, SideEnd, u64)]) -> PairTable {
        let mut table = PairTable::default();
        for &(one, two, n) in blocks {
            (0..n).for_each(|_| table.add(one, two));
        }
        table
    }

    #[test]
    fn exact_p_values() {
        // scipy.stats.binomtest(k, n).pvalue
        for (one, two, p) in [
            (0, 0, 1.0),
            (5, 5, 1.0),
            (0, 6, 0.031_25),
            (8, 2, 0.109_375),
            (1, 10, 0.011_718_75),
            (0, 4, 0.125),
        ] {
            assert!((mcnemar_exact(one, two) - p).abs() < 1e-12, "{one} {two}");
            assert!((mcnemar_exact(two, one) - p).abs() < 1e-12, "{two} {one}");
        }
    }

    #[test]
    fn seed_determined_results_show_no_difference() {
        // The seed crashes both sides alike. Side two has no result where the sequence crashed
        // before it.
        let seen = table(&[(Bad, Absent, 20), (Good, Good, 20), (Bad, Bad, 5)]);
        let unpaired = compare_blocks(&seen, Design::Complete, 0.05).unwrap();
        assert!(unpaired.p < 0.01, "{unpaired:?}");
        let matched = compare_blocks(&seen, Design::Matched, 0.05).unwrap();
        assert_eq!((matched.p, matched.difference), (1.0, Some(0.0)));
    }

    #[test]
    fn few_complete_blocks_are_decided_by_the_unpaired_test() {
        let seen = table(&[(Good, Bad, 4)]);
        let complete = compare_blocks(&seen, Design::Complete, 0.05).unwrap();
        assert!((complete.p - 0.007_812_5).abs() < 1e-6, "{complete:?}");
        assert_eq!(complete.test, Test::Boschloo);
    }

    #[test]
    fn mutually_exclusive_sides_use_mcnemar() {
        let seen = table(&[(Good, Bad, 21), (Bad, Good, 9)]);
        let [one, two] = seen.sides().unwrap();
        assert!(compare(two, one, 0.05).unwrap().p < 0.01);
        let complete = compare_blocks(&seen, Design::Complete, 0.05).unwrap();
        assert_eq!(complete.test, Test::McNemar);
        assert!(complete.p > 0.04, "{complete:?}");
    }

    #[test]
    fn unknown_results_count_against_the_verdict() {
        let seen = table(&[(Good, Bad, 6), (Good, Missing, 2), (Missing, Bad, 3)]);
        assert_eq!(seen.missing(), [3, 2]);
        let worst = seen.against(Worse::Two).blocks();
        assert_eq!((worst.only_two, worst.both, worst.neither), (6, 3, 2));
        let best = seen.against(Worse::One).blocks();
        assert_eq!((best.only_two, best.only_one), (11, 0));
    }
}
