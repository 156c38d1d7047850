//! Whether several machines have the same rate.

use super::draws::drawn;
use super::margins::Margins;
use super::network::exact;
use crate::counts::Counts;

/// How a p-value was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomogeneityMethod {
    /// Exactly, over all tables with the same margins.
    Exact,
    /// From this many random tables.
    MonteCarlo {
        /// The number of tables.
        draws: u32,
    },
}

/// The result of a test of equal rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homogeneity {
    /// The p-value of "all machines have the same rate", not adjusted for other tests.
    pub p: f64,
    /// How it was computed.
    pub method: HomogeneityMethod,
}

/// Tests whether all machines have the same rate, by the exact test of Freeman and Halton; `None`
/// if their numbers of rounds and of bad rounds allow only one table, which tests nothing.
///
/// The test is conditional on the rounds of each machine and on all bad rounds together. The p-value
/// is the probability of all tables at most as likely as the observed one. It is exact where
/// enumerating the tables takes little time. Otherwise it comes from random tables with the same
/// margins, drawn from a fixed seed, until a hundred are at most as likely or 20,000 are drawn. That
/// p-value is valid, too: under the null hypothesis it is at most alpha with probability at most
/// alpha.
///
/// Requires independent rounds whose numbers were not decided by the differences between machines.
///
/// Freeman and Halton 1951, "Note on an exact treatment of contingency, goodness of fit and other
/// problems of significance", Biometrika 38. Enumeration: Mehta and Patel 1983, "A network
/// algorithm for performing Fisher's exact test in r x c contingency tables", JASA 78. Random
/// tables: Besag and Clifford 1991, "Sequential Monte Carlo p-values", Biometrika 78.
pub fn homogeneity(machines: &[Counts]) -> Option<Homogeneity> {
    let margins = Margins::of(machines)?;
    let (p, method) = match exact(&margins) {
        Some(p) => (p, HomogeneityMethod::Exact),
        None => {
            let (p, draws) = drawn(&margins);
            (p, HomogeneityMethod::MonteCarlo { draws })
        }
    };
    Some(Homogeneity {
        p: p.min(1.0),
        method,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fisher::fisher_exact;

    fn counts(all: &[(u64, u64)]) -> Vec<Counts> {
        let counts = all.iter().map(|&(bad, n)| Counts::new(bad, n).unwrap());
        counts.collect()
    }

    fn p_of(all: &[(u64, u64)]) -> f64 {
        let found = homogeneity(&counts(all)).unwrap();
        assert_eq!(found.method, HomogeneityMethod::Exact);
        found.p
    }

    fn choose(n: u64, k: u64) -> f64 {
        (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
    }

    /// The p-value by its definition.
    fn by_hand(all: &[(u64, u64)]) -> f64 {
        fn visit(sizes: &[u64], left: u64, weight: f64, found: &mut Vec<f64>) {
            match sizes {
                [] if left == 0 => found.push(weight),
                [] => {}
                [n, others @ ..] => {
                    for x in 0..=left.min(*n) {
                        visit(others, left - x, weight * choose(*n, x), found);
                    }
                }
            }
        }
        let sizes: Vec<u64> = all.iter().map(|(_, n)| *n).collect();
        let (mut tables, bad) = (Vec::new(), all.iter().map(|(bad, _)| bad).sum());
        visit(&sizes, bad, 1.0, &mut tables);
        let observed: f64 = all.iter().map(|(bad, n)| choose(*n, *bad)).product();
        let extreme = tables.iter().filter(|w| **w <= observed * (1.0 + 1e-7));
        extreme.sum::<f64>() / tables.iter().sum::<f64>()
    }

    #[test]
    fn small_tables_computed_by_hand() {
        // Of the 84 ways to choose 3 of 9 rounds, 3 have all of them on one machine. A table with
        // two on one machine has 9 of them, and the one with one on each has 27.
        assert!((p_of(&[(3, 3), (0, 3), (0, 3)]) - 3.0 / 84.0).abs() < 1e-12);
        let two_on_one = 1.0 - 27.0 / 84.0;
        assert!((p_of(&[(2, 3), (1, 3), (0, 3)]) - two_on_one).abs() < 1e-12);
        assert!((p_of(&[(1, 3), (1, 3), (1, 3)]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn exact_p_values_equal_their_definition() {
        for table in [
            vec![(5, 10), (0, 10), (1, 12), (2, 7)],
            vec![(0, 4), (4, 4), (2, 4), (2, 4), (1, 4)],
            vec![(12, 20), (3, 18), (9, 25)],
            vec![(17, 20), (12, 18), (25, 25)],
            vec![(1, 1), (0, 30), (0, 2)],
        ] {
            let (got, expected) = (p_of(&table), by_hand(&table));
            assert!((got - expected).abs() < 1e-9, "{table:?}: {got} {expected}");
        }
    }

    #[test]
    fn two_machines_are_fishers_test() {
        for table in [
            [(7, 20), (2, 30)],
            [(1, 400), (9, 500)],
            [(30, 60), (31, 60)],
        ] {
            let sides = counts(&table);
            let expected = fisher_exact(sides[0], sides[1]).two_sided;
            assert!((p_of(&table) - expected).abs() < 1e-9, "{table:?}");
        }
    }

    #[test]
    fn one_possible_table_tests_nothing() {
        for table in [
            vec![],
            vec![(3, 9)],
            vec![(0, 9), (0, 9)],
            vec![(9, 9), (5, 5)],
            vec![(3, 9), (0, 0)],
        ] {
            assert_eq!(homogeneity(&counts(&table)), None, "{table:?}");
        }
    }

    #[test]
    fn large_tables_are_drawn() {
        let even: Vec<(u64, u64)> = (0..16).map(|at| (6_200 + 10 * at, 62_500)).collect();
        let found = homogeneity(&counts(&even)).unwrap();
        assert!(matches!(found.method, HomogeneityMethod::MonteCarlo { .. }));
        assert!(found.p > 0.05, "{found:?}");
        let mut uneven = even;
        uneven[3].0 = 7_500;
        let found = homogeneity(&counts(&uneven)).unwrap();
        let expected = HomogeneityMethod::MonteCarlo { draws: 19_999 };
        assert_eq!((found.p, found.method), (1.0 / 20_000.0, expected));
    }

    #[test]
    fn drawn_p_values_approach_the_exact_ones() {
        for table in [
            vec![(5, 10), (0, 10), (1, 12), (2, 7)],
            vec![(12, 20), (3, 18), (9, 25)],
        ] {
            let margins = Margins::of(&counts(&table)).unwrap();
            let (p, draws) = drawn(&margins);
            let expected = by_hand(&table);
            let deviation = (expected * (1.0 - expected) / f64::from(draws)).sqrt();
            assert!(
                (p - expected).abs() < 4.0 * deviation + 1e-4,
                "{p} {expected}"
            );
        }
    }

    #[test]
    fn equal_rates_are_rarely_rejected() {
        let mut random = crate::random::Random::new(5);
        let mut rejected = 0;
        for _ in 0..400 {
            let table: Vec<(u64, u64)> = (0..4)
                .map(|_| {
                    (
                        (0..25).filter(|_| random.uniform() < 0.2).count() as u64,
                        25,
                    )
                })
                .collect();
            let found = homogeneity(&counts(&table));
            rejected += u32::from(found.is_some_and(|found| found.p <= 0.05));
        }
        // Three standard deviations above 5 %.
        assert!(rejected <= 33, "{rejected}");
    }
}
