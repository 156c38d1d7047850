//! First the chapters are reduced, then the numbers of one of them.

use crashrate_model::{Certificate, Death, MinimizeRule, Part, PartParams, ReducedParams, Without};
use crashrate_stats::{self as stats, Answer, Minimizer, Reducer, StatsError};

/// Smaller numbers still crash if they keep this share of the crash rate of the chapters.
const KEPT: f64 = 0.7;

/// The search for the smallest part that still crashes.
#[derive(Clone, Debug)]
pub(super) struct Reduction {
    chapters: Minimizer,
    /// The error probability of each of the two searches.
    error: f64,
    params: Option<ReducedParams>,
    /// The search among the numbers, once the chapters are known.
    numbers: Option<Reducer>,
}

impl Reduction {
    /// The search among this number of chapters.
    pub(super) fn new(chapters: usize, rule: &MinimizeRule) -> Result<Reduction, StatsError> {
        // Both searches together must not be wrong more often than the rule says.
        let error = match rule.params {
            None => rule.error,
            Some(_) => rule.error / 2.0,
        };
        let minimizer = Minimizer::new(chapters, error)?;
        Ok(Reduction {
            chapters: match rule.background {
                Some(rate) => minimizer.with_background(rate)?,
                None => minimizer,
            },
            error,
            params: rule.params.clone(),
            numbers: None,
        })
    }

    /// Applies a round of a part.
    pub(super) fn push(&mut self, part: &Part, death: Death) {
        let death = match death {
            Death::None => stats::Death::None,
            Death::Target(place) => stats::Death::Target(place.map(|index| index as usize)),
            Death::Other => stats::Death::Other,
        };
        match (&mut self.numbers, &self.params, &part.params) {
            (Some(numbers), Some(params), Some(own)) => numbers.push(&values(params, own), death),
            (None, _, None) => {
                self.chapters.push(&indices(part), death);
                self.numbers = self.first_numbers();
            }
            // It was still running when the search among the chapters ended.
            _ => {}
        }
    }

    /// The part that another round runs while rounds of these run; `None` if a result must come
    /// first.
    pub(super) fn next<'a>(&self, running: impl Iterator<Item = &'a Part>) -> Option<Part> {
        if self.is_answered() {
            return None;
        }
        if let (Some(numbers), Some(params)) = (&self.numbers, &self.params) {
            let own = running.filter_map(|part| part.params.as_ref());
            let running: Vec<_> = own.map(|own| values(params, own)).collect();
            let running: Vec<&[u64]> = running.iter().map(Vec::as_slice).collect();
            return numbers.next(&running).map(|values| self.smallest(&values));
        }
        let running: Vec<_> = running.map(indices).collect();
        let running: Vec<&[usize]> = running.iter().map(Vec::as_slice).collect();
        self.chapters.next(&running).map(|part| whole(&part))
    }

    pub(super) fn is_answered(&self) -> bool {
        match &self.numbers {
            Some(numbers) => numbers.is_answered(),
            None => self.chapters.is_answered(),
        }
    }

    /// The smallest part that is known to crash so far.
    pub(super) fn best(&self) -> Part {
        match &self.numbers {
            Some(numbers) => self.smallest(&numbers.best()),
            None => whole(&self.chapters.best()),
        }
    }

    /// The search among the chapters.
    pub(super) fn chapters(&self) -> &Minimizer {
        &self.chapters
    }

    /// The certificate of an answer of the search among the chapters.
    pub(super) fn certificate(&self, answer: &Answer) -> Certificate {
        let numbers = self.numbers.as_ref().and_then(Reducer::answer);
        Certificate {
            rounds: answer.rounds,
            deaths: answer.deaths,
            without: (answer.without.iter())
                .map(|without| Without {
                    chapter: without.chapter as u32,
                    rounds: without.rounds,
                    deaths: without.deaths,
                })
                .collect(),
            error: answer.error + numbers.map_or(0.0, |numbers| numbers.error),
        }
    }

    /// The search among the numbers, if it has begun.
    pub(super) fn numbers(&self) -> Option<&Reducer> {
        self.numbers.as_ref()
    }

    /// Begins the search among the numbers when the chapters are known and the one with the numbers
    /// is among them.
    fn first_numbers(&self) -> Option<Reducer> {
        let (answer, params) = (self.chapters.answer()?, self.params.as_ref()?);
        let is_kept = answer.kept.contains(&(params.chapter as usize));
        let first: Vec<u64> = params.numbers.iter().map(|number| number.value).collect();
        // Less may crash less often than the whole sequence.
        let own = answer.deaths as f64 / answer.rounds.max(1) as f64;
        let level = self.chapters.progress().level?.min(KEPT * own);
        let reducer = Reducer::new(&first, level, self.error);
        reducer.ok().filter(|_| is_kept)
    }

    /// The kept chapters with these numbers.
    fn smallest(&self, values: &[u64]) -> Part {
        let kept = self.chapters.answer().map(|Answer { kept, .. }| kept);
        let params = self.params.as_ref().map(|params| {
            let numbers = params.numbers.iter().zip(values);
            PartParams {
                chapter: params.chapter,
                values: (numbers
                    .map(|(number, &value)| (number.name.clone(), number.unit.parameter(value))))
                .collect(),
            }
        });
        Part {
            params,
            ..whole(&kept.unwrap_or_else(|| self.chapters.best()))
        }
    }
}

/// A part with the suite's own parameters.
fn whole(chapters: &[usize]) -> Part {
    Part {
        chapters: chapters.iter().map(|&index| index as u32).collect(),
        params: None,
    }
}

fn indices(part: &Part) -> Vec<usize> {
    part.chapters.iter().map(|&index| index as usize).collect()
}

/// The numbers of a part, in the order of the rule.
fn values(params: &ReducedParams, own: &PartParams) -> Vec<u64> {
    let value = |name: &String| own.values.get(name);
    let numbers = params.numbers.iter();
    numbers
        .map(|number| value(&number.name).and_then(|value| number.unit.value(value)))
        .map(Option::unwrap_or_default)
        .collect()
}
