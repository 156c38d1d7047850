//! Which units of two runs run the same, and are thus compared.

use std::collections::{HashMap, HashSet};

use crashrate_model::{Mode, RunInfo, Unit, agree};

use super::{ChapterRow, Row, View};

/// The name, mode and variant of a unit.
pub(crate) type UnitKey<'a> = (&'a str, Mode, &'a str);

fn unit_key(unit: &Unit) -> UnitKey<'_> {
    (&unit.name, unit.mode, &unit.variant)
}

impl<'a> Row<'a> {
    /// The unit that it belongs to.
    pub(crate) fn unit(&self) -> UnitKey<'a> {
        let name = self.sequence.or(self.chapter);
        (name.map_or("", String::as_str), self.mode, self.variant)
    }
}

impl ChapterRow {
    /// The unit that it belongs to.
    pub(crate) fn unit(&self) -> UnitKey<'_> {
        (
            self.sequence.as_ref().unwrap_or(&self.chapter),
            self.mode,
            &self.variant,
        )
    }
}

impl View {
    /// The identity of each unit: a hash of what it runs. Empty for an imported run.
    pub(crate) fn identities(&self) -> HashMap<UnitKey<'_>, &str> {
        let units = self.units.iter().zip(&self.run.identities);
        units
            .map(|(unit, identity)| (unit_key(unit), &**identity))
            .collect()
    }

    /// Whether the other run has a unit of the same name that runs the same, as far as that is on
    /// record: an imported run is known by its names only.
    pub fn runs_some_of(&self, other: &RunInfo) -> bool {
        let identities = self.identities();
        let keys: HashSet<_> = self.units.iter().map(unit_key).collect();
        other.units.iter().enumerate().any(|(index, unit)| {
            let key = unit_key(unit);
            let identity = other.identities.get(index).map(String::as_str);
            keys.contains(&key) && agree(identities.get(&key).copied(), identity)
        })
    }
}

/// The units of two runs by what they run.
pub(crate) struct Identities<'a>([HashMap<UnitKey<'a>, &'a str>; 2]);

impl<'a> Identities<'a> {
    pub(crate) fn of(views: [&'a View; 2]) -> Identities<'a> {
        Identities(views.map(View::identities))
    }

    /// Whether a unit of both runs runs the same, as far as that is on record.
    pub(crate) fn agree_on(&self, unit: &UnitKey<'_>) -> bool {
        let [one, two] = &self.0;
        agree(one.get(unit).copied(), two.get(unit).copied())
    }
}
