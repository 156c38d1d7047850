//! File names for the output and the crash of an attempt.

use crashrate_model::Unit;

use crate::safe_file::readable_name;
use crate::schedule::Running;

/// A file name without extension that is unique in the run. The unit's index keeps similar names
/// apart, also on file systems that ignore case.
pub(crate) fn name(unit: &Unit, running: Running) -> String {
    let Running { key, attempt, .. } = running;
    format!(
        "{}-{}-{}-{}-r{}-a{attempt}",
        key.unit,
        readable_name(&unit.name),
        unit.mode,
        readable_name(&unit.variant),
        key.round
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crashrate_model::{Mode, Spawn};

    use super::*;
    use crate::plan::RoundKey;

    /// Two units must not share a file, even if the file system ignores case or characters are
    /// replaced.
    #[test]
    fn similar_names_give_different_files() {
        let long = "long".repeat(100);
        let units = [
            ("a", "isolated-x"),
            ("a-isolated", "x"),
            ("A", "isolated-x"),
            ("a/b", "x"),
            ("a_b", "x"),
            ("a\u{e9}b", "x"),
            ("..", "."),
            (&long, &long),
        ];
        let mut names = HashSet::new();
        for (unit_index, (name, variant)) in (0..).zip(units) {
            let unit = Unit {
                name: name.into(),
                mode: Mode::Isolated,
                variant: variant.into(),
                perturb: Default::default(),
                spawn: Spawn::Exec,
                chapters: vec![name.into()],
                rounds: 2,
            };
            for (round, attempt) in [(1, 1), (1, 2), (2, 1)] {
                let running = Running {
                    slot: 0,
                    key: RoundKey {
                        unit: unit_index,
                        round,
                    },
                    attempt,
                };
                let name = super::name(&unit, running);
                assert!(name.len() < 230 && !name.contains('/'), "{name}");
                assert!(names.insert(name.to_lowercase()), "{name}");
            }
        }
    }
}
