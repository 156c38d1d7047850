//! Expected length of a run that stops at its verdict.

use crate::error::{StatsError, probability};
use crate::multiple::ln_threshold;
use crate::pair_watch::ln_e_matched;
use crate::special::{beta_at, count_while};

/// Runs that need more discordant blocks than this are not computed.
const MOST_DISCORDANT: usize = 3000;

/// The share of runs that may remain undecided at that point.
const LEFT_OVER: f64 = 1e-6;

/// The number of blocks until a [`crate::PairWatch`] decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UntilDecided {
    /// The mean.
    pub mean: f64,
    /// Nine of ten runs are decided within this many blocks.
    pub nine_of_ten: u64,
}

/// The number of blocks until [`crate::PairWatch`], inspected after every block at error `alpha` (0
/// < `alpha` < 1), shows a difference between two independent sides with the rates `one` and `two`
/// (0 to 1).
///
/// Exact: the number of discordant blocks comes from the distribution of the walk of (only side one
/// bad, only side two bad), and the number of all blocks from the negative binomial distribution
/// given that.
///
/// # Errors
/// An argument is out of range, the rates are equal, or they are so close that more than one in a
/// million runs needs over 3,000 discordant blocks.
pub fn blocks_until_decided(one: f64, two: f64, alpha: f64) -> Result<UntilDecided, StatsError> {
    let (one, two) = (probability("a rate", one)?, probability("a rate", two)?);
    if one == two {
        return Err(StatsError::EqualRates { rate: one });
    }
    let needed = ln_threshold(alpha, 1)?;
    let [only_one, only_two] = [one * (1.0 - two), two * (1.0 - one)];
    let discordant = only_one + only_two;
    let share = only_one / discordant;
    // Indexed by the number of blocks with only side one bad among the discordant blocks so far.
    let mut walks = vec![1.0];
    let mut decided = vec![0.0];
    let mut left = 1.0;
    while left > LEFT_OVER {
        if decided.len() > MOST_DISCORDANT {
            return Err(StatsError::NotReached {
                limit: MOST_DISCORDANT as u64,
            });
        }
        let mut next = vec![0.0; walks.len() + 1];
        for (k, chance) in walks.iter().enumerate() {
            next[k] += chance * (1.0 - share);
            next[k + 1] += chance * share;
        }
        let n = next.len() - 1;
        let mut absorbed = 0.0;
        for (k, chance) in next.iter_mut().enumerate() {
            if *chance > 0.0 && ln_e_matched(k as u64, (n - k) as u64) >= needed {
                absorbed += std::mem::take(chance);
            }
        }
        left -= absorbed;
        decided.push(absorbed);
        walks = next;
    }
    let discordant_mean: f64 = (decided.iter().enumerate())
        .map(|(d, p)| d as f64 * p)
        .sum();
    Ok(UntilDecided {
        mean: discordant_mean / discordant,
        nine_of_ten: quantile(&decided, discordant, 0.9),
    })
}

/// The smallest number of blocks within which this share of runs is decided.
fn quantile(decided: &[f64], discordant: f64, share: f64) -> u64 {
    let reached = |blocks: u64| -> f64 {
        let by = decided.iter().enumerate().filter(|(_, p)| **p > 0.0);
        by.map(|(d, p)| p * at_least(d as u64, blocks, discordant))
            .sum()
    };
    let mut enough = 1;
    while reached(enough) < share {
        enough *= 2;
    }
    count_while(enough, |blocks| reached(blocks) < share)
}

/// P(X >= d) for X ~ Bin(`blocks`, p).
fn at_least(d: u64, blocks: u64, p: f64) -> f64 {
    match d {
        0 => 1.0,
        d if d > blocks => 0.0,
        _ if p >= 1.0 => 1.0,
        d => beta_at(d as f64, (blocks - d) as f64 + 1.0, p, 1.0 - p)
            .ln_lower
            .exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_agree_with_a_simulation() {
        // An independent simulation of 4,000 runs gave 17.0 to 17.4 blocks for the first pair of
        // rates, and 100.7 for the second.
        let found = blocks_until_decided(0.6, 0.1, 0.05).unwrap();
        assert!((found.mean - 17.1).abs() < 0.4, "{found:?}");
        assert!(
            found.nine_of_ten > 17 && found.nine_of_ten < 40,
            "{found:?}"
        );
        let found = blocks_until_decided(0.1, 0.01, 0.05).unwrap();
        assert!((found.mean - 100.7).abs() < 2.0, "{found:?}");
        assert_eq!(
            blocks_until_decided(0.01, 0.1, 0.05).unwrap().nine_of_ten,
            found.nine_of_ten
        );
        // Seven discordant blocks are needed, and every block is discordant.
        let found = blocks_until_decided(1.0, 0.0, 0.05).unwrap();
        assert_eq!((found.mean, found.nine_of_ten), (7.0, 7));
        assert!(blocks_until_decided(0.5, 0.5, 0.05).is_err());
        assert!(blocks_until_decided(0.5, 0.500_01, 0.05).is_err());
    }
}
