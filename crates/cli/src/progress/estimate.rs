//! How long the rest of a run takes, by the durations of the rounds that have ended.

use std::collections::VecDeque;
use std::time::Duration;

use crashrate_supervisor::plan::Plan;

/// Durations kept of each unit: the median follows a drift of the machine, and thousands of units
/// take little memory.
const KEPT: usize = 15;

/// The durations of a run's rounds, and how many are left.
pub(super) struct Estimate {
    units: Vec<UnitRounds>,
    jobs: u32,
}

struct UnitRounds {
    left: u32,
    recent: VecDeque<f32>,
    median: Option<f32>,
}

/// The time that is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TimeLeft {
    About(f64),
    /// Units of which no round has ended take this much longer.
    AtLeast(f64),
}

impl Estimate {
    pub(super) fn new(plan: &Plan, jobs: u32) -> Estimate {
        let units = plan.units.iter().map(|unit| UnitRounds {
            left: plan.rounds_of(unit),
            recent: VecDeque::new(),
            median: None,
        });
        Estimate {
            units: units.collect(),
            jobs: jobs.max(1),
        }
    }

    /// An attempt of a unit ended. A retry prolongs its round.
    pub(super) fn ended(&mut self, unit: u32, attempt: u32, took: Duration) {
        let unit = &mut self.units[unit as usize];
        let secs = took.as_secs_f32();
        match unit.recent.back_mut() {
            Some(round) if attempt > 1 => *round += secs,
            _ => {
                unit.left = unit.left.saturating_sub(1);
                unit.recent.push_back(secs);
                if unit.recent.len() > KEPT {
                    unit.recent.pop_front();
                }
            }
        }
        let mut sorted: Vec<f32> = unit.recent.iter().copied().collect();
        sorted.sort_by(f32::total_cmp);
        unit.median = Some(sorted[sorted.len() / 2]);
    }

    /// The time left; `running` are the units of running rounds, and for how long each has run.
    /// Nothing before the first round has ended.
    pub(super) fn left(&self, running: impl Iterator<Item = (u32, Duration)>) -> Option<TimeLeft> {
        let with_rounds = self.units.iter().filter(|unit| unit.left > 0);
        let (mut secs, mut rounds, mut is_partial, mut is_known) = (0.0, 0, false, false);
        for unit in with_rounds {
            rounds += u64::from(unit.left);
            match unit.median {
                None => is_partial = true,
                Some(median) => {
                    is_known = true;
                    secs += f64::from(unit.left) * f64::from(median);
                }
            }
        }
        for (unit, ran) in running {
            let median = self.units[unit as usize].median.unwrap_or(0.0);
            secs -= ran.as_secs_f64().min(f64::from(median));
        }
        let secs = secs.max(0.0) / f64::from(self.jobs).min(rounds.max(1) as f64);
        match (is_known, is_partial) {
            (false, _) => None,
            (true, true) => Some(TimeLeft::AtLeast(secs)),
            (true, false) => Some(TimeLeft::About(secs)),
        }
    }
}

/// A time of which only the size matters: `0.4 s`, `12 s`, `45 min`, `3.5 h`, `4.2 days`.
pub(super) fn rough(secs: f64) -> String {
    match secs {
        ..0.95 => format!("{:.1} s", secs.max(0.1)),
        ..59.5 => format!("{secs:.0} s"),
        ..5970.0 => format!("{:.0} min", secs / 60.0),
        ..172_800.0 => format!("{:.1} h", secs / 3600.0),
        _ => format!("{:.1} days", secs / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use crashrate_supervisor::plan::Selection;
    use crashrate_supervisor::suite::Suite;
    use std::iter::empty;
    use std::path::Path;

    use super::*;

    fn estimate(jobs: u32) -> Estimate {
        let chapter = |id| format!("[[chapter]]\nid = \"{id}\"\ncommand = [\"true\"]\n");
        let text = format!(
            "[suite]\nname = \"x\"\n[defaults]\nrounds = 10\n{}{}",
            chapter("a"),
            chapter("b")
        );
        let no_tests = |_: &_| Err("no tests".to_owned());
        let suite = Suite::parse(&text, Path::new("/x.toml"), &no_tests).unwrap();
        Estimate::new(&Plan::new(suite, &Selection::default(), 1).unwrap(), jobs)
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn nothing_is_claimed_before_it_is_known() {
        let mut estimate = estimate(1);
        assert_eq!(estimate.left(empty()), None);
        estimate.ended(0, 1, secs(2));
        assert_eq!(estimate.left(empty()), Some(TimeLeft::AtLeast(18.0)));
        estimate.ended(1, 1, secs(10));
        assert_eq!(estimate.left(empty()), Some(TimeLeft::About(108.0)));
    }

    #[test]
    fn medians_ignore_outliers_and_retries_prolong_rounds() {
        let mut estimate = estimate(2);
        for took in [1, 1, 500] {
            estimate.ended(0, 1, secs(took));
        }
        estimate.ended(1, 1, secs(1));
        estimate.ended(1, 2, secs(3));
        // 7 rounds of 1 s and 9 of 4 s, two at a time.
        assert_eq!(estimate.left(empty()), Some(TimeLeft::About(21.5)));
        // Running rounds have a part behind them, at most the whole.
        let running = [(0, secs(60)), (1, secs(2))];
        let left = estimate.left(running.into_iter());
        assert_eq!(left, Some(TimeLeft::About(20.0)));
    }

    #[test]
    fn times_are_rough() {
        for (secs, text) in [
            (0.01, "0.1 s"),
            (0.42, "0.4 s"),
            (12.3, "12 s"),
            (75.0, "1 min"),
            (2700.0, "45 min"),
            (12_600.0, "3.5 h"),
            (360_000.0, "4.2 days"),
        ] {
            assert_eq!(rough(secs), text);
        }
    }
}
