//! Two sides compared within each of several machines.

use crate::compare::{Comparison, Test};
use crate::counts::Counts;
use crate::error::StatsError;
use crate::mantel_haenszel::mantel_haenszel;
use crate::paired::{Design, PairTable, compare_blocks, exclude_each_other, matched};
use crate::rate::newcombe;

/// Compares two sides over `machines`, a table for each, at error `alpha` (0 < `alpha` < 1), with
/// the number of rounds fixed in advance. Differences are side two minus side one.
///
/// `Complete` uses [`mantel_haenszel`], as [`compare_blocks`] otherwise would an unpaired test: a
/// machine's own rate cancels. Without an interval of its difference, Newcombe's of the sums is
/// used; a block runs on one machine, so both sides have the same machines. `Matched` needs no
/// strata besides its blocks. Likewise for a single machine.
///
/// # Errors
/// `alpha` is not between 0 and 1, or there are too many rounds.
pub fn compare_machines(
    machines: &[PairTable],
    design: Design,
    alpha: f64,
) -> Result<Comparison, StatsError> {
    let mut all = PairTable::default();
    machines.iter().for_each(|table| all.add_all(table));
    let strata = machines.iter().map(|table| table.sides());
    let strata: Result<Vec<[Counts; 2]>, StatsError> = strata.collect();
    let strata: Vec<(Counts, Counts)> = (strata?.into_iter())
        .map(|[one, two]| (two, one))
        .filter(|(two, one)| two.n() > 0 && one.n() > 0)
        .collect();
    if design == Design::Matched || strata.len() < 2 {
        return compare_blocks(&all, design, alpha);
    }
    let within = mantel_haenszel(&strata, alpha)?;
    let [one, two] = all.sides()?;
    let interval = match within.interval {
        Some(interval) => interval,
        None => newcombe(two, one, alpha)?,
    };
    let complete = Comparison {
        difference: within.difference,
        interval,
        p: within.p,
        test: Test::MantelHaenszel,
    };
    if !exclude_each_other(all.blocks()) {
        return Ok(complete);
    }
    let matched = matched(all.blocks(), alpha)?;
    Ok(if matched.p > complete.p {
        matched
    } else {
        complete
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paired::SideEnd::{self, Bad, Good};

    fn table(blocks: &[(SideEnd, SideEnd, u64)]) -> PairTable {
        let mut table = PairTable::default();
        for &(one, two, n) in blocks {
            (0..n).for_each(|_| table.add(one, two));
        }
        table
    }

    #[test]
    fn a_machine_that_always_crashes_hides_no_difference() {
        let broken = table(&[(Bad, Bad, 30)]);
        let sound = table(&[(Good, Bad, 7), (Good, Good, 23)]);
        let within = compare_machines(&[broken, sound], Design::Complete, 0.05).unwrap();
        assert_eq!(within.test, Test::MantelHaenszel);
        assert!(within.differs(within.p, 0.05), "{within:?}");
        let mut pooled = broken;
        pooled.add_all(&sound);
        let pooled = compare_blocks(&pooled, Design::Complete, 0.05).unwrap();
        assert!(pooled.p > 0.1, "{pooled:?}");
    }

    #[test]
    fn matched_blocks_need_no_strata() {
        let machines = [
            table(&[(Good, Bad, 6), (Good, Good, 3)]),
            table(&[(Bad, Good, 1), (Bad, Bad, 4)]),
        ];
        let mut all = machines[0];
        all.add_all(&machines[1]);
        assert_eq!(
            compare_machines(&machines, Design::Matched, 0.05),
            compare_blocks(&all, Design::Matched, 0.05)
        );
        assert_eq!(
            compare_machines(&machines[..1], Design::Complete, 0.05),
            compare_blocks(&machines[0], Design::Complete, 0.05)
        );
    }
}
