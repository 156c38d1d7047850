//! Gatekeeping: explanatory comparisons are tested only after the primary ones succeed.

use crate::error::StatsError;
use crate::multiple::holm;

/// The purpose of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Answers the question of the run.
    Primary,
    /// Explains the answer.
    Explains,
}

/// Adjusted p-values, in the order given. Primary comparisons are adjusted by [`holm`] among
/// themselves. The others are adjusted among themselves, and none is below the largest adjusted
/// p-value of a primary one. Comparing each with alpha keeps the probability of any false verdict
/// at most alpha, because the others are shown only if all primary ones are.
///
/// Maurer, Hothorn and Lehmacher 1995, "Multiple comparisons in drug clinical trials and
/// preclinical assays: a-priori ordered hypotheses"; Westfall and Krishen 2001, "Optimally
/// weighted, fixed sequence and gatekeeper multiple testing procedures", J. Statist. Plann.
/// Inference 99.
///
/// # Errors
/// A p-value is not between 0 and 1.
pub fn gatekeeping(tests: &[(Role, f64)]) -> Result<Vec<f64>, StatsError> {
    let of = |role: Role| -> Vec<f64> {
        let same = tests.iter().filter(|(other, _)| *other == role);
        same.map(|(_, p)| *p).collect()
    };
    let primary = holm(&of(Role::Primary))?;
    let gate = primary.iter().copied().fold(0.0, f64::max);
    let mut primary = primary.into_iter();
    let mut others = holm(&of(Role::Explains))?.into_iter().map(|p| p.max(gate));
    let adjusted = tests.iter().map(|(role, _)| match role {
        Role::Primary => primary.next(),
        Role::Explains => others.next(),
    });
    Ok(adjusted.map(|p| p.unwrap_or(1.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Explains, Primary};

    #[test]
    fn the_primary_question_has_the_whole_error() {
        let mut tests = vec![(Primary, 0.0078)];
        tests.extend([(Explains, 0.001), (Explains, 0.4)]);
        assert_eq!(gatekeeping(&tests), Ok(vec![0.0078, 0.0078, 0.4]));
        // Without a primary result no explanation is shown.
        assert_eq!(
            gatekeeping(&[(Explains, 0.0001), (Primary, 0.2)]),
            Ok(vec![0.2, 0.2])
        );
        assert_eq!(
            gatekeeping(&[(Primary, 0.02), (Primary, 0.01), (Explains, 0.01)]),
            Ok(vec![0.02, 0.02, 0.02])
        );
        assert_eq!(gatekeeping(&[(Explains, 0.03)]), Ok(vec![0.03]));
    }
}
