//! From what a user asks of `crashrate minimize` to its plan and rule.

use crashrate_adapters::{Framework, Order};
use crashrate_model::{MinimizeRule, Mode, NumberUnit, ReducedNumber, ReducedParams};
use serde_json::Value;
use thiserror::Error;

use crate::names::unknown;
use crate::plan::{Plan, in_order};
use crate::suite::{Action, ChapterOrder};

/// What to search.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimizeOptions {
    /// The sequence; needed if there are several.
    pub sequence: Option<String>,
    /// The signature, or a text in it; the most frequent one if `None`.
    pub signature: Option<String>,
    /// The error probability of the answer.
    pub error: f64,
    /// An upper bound of the rate at which parts that do not crash die with the signature.
    pub background: Option<f64>,
    /// The chapter whose numbers are reduced as well, and their names; all of them if empty.
    pub params: Option<(String, Vec<String>)>,
}

/// A search that cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MinimizeError {
    /// There is no such sequence, or it is unclear which one.
    #[error("{0}")]
    Sequence(String),
    /// The sequence has another order in each round, or an order that its program cannot repeat for
    /// a part of the chapters.
    #[error("the sequence `{0}` is shuffled: choose the order of one round with --order RUN:ROUND")]
    Shuffled(String),
    /// The framework has its own order.
    #[error(
        "the sequence `{sequence}` is shuffled by {framework}, which cannot repeat that order for \
         a part of its tests; use `order = \"given\"`"
    )]
    ShuffledByFramework {
        /// The sequence.
        sequence: String,
        /// The framework.
        framework: Framework,
    },
    /// `--params` names something that has no numbers.
    #[error("--params: {0}")]
    Params(String),
}

/// Leaves only the sequence in the plan, with the order of its chapters fixed.
pub(crate) fn plan(
    mut plan: Plan,
    options: &MinimizeOptions,
) -> Result<(Plan, MinimizeRule), MinimizeError> {
    plan.units.retain(|unit| unit.mode == Mode::Sequential);
    if let Some(id) = &options.sequence {
        let known: Vec<String> = plan.units.iter().map(|unit| unit.name.clone()).collect();
        plan.units.retain(|unit| unit.name == *id);
        if plan.units.is_empty() {
            let known = known.iter().map(String::as_str);
            return Err(MinimizeError::Sequence(unknown("sequence", id, known)));
        }
    }
    if let [first, others @ ..] = plan.units.as_slice()
        && !others.is_empty()
        && others.iter().all(|unit| unit.name == first.name)
    {
        return Err(MinimizeError::Sequence(format!(
            "`{}` would run in several ways; choose one with --variant or --spawn",
            first.name
        )));
    }
    if plan.units.len() > 1 {
        let names: Vec<_> = (plan.units.iter().map(|unit| format!("`{}`", unit.name))).collect();
        return Err(MinimizeError::Sequence(format!(
            "there are several sequences; name one with --sequence: {}",
            names.join(", ")
        )));
    }
    if plan.units.is_empty() {
        let problem = match (&plan.suite.file, plan.suite.sequences.is_empty()) {
            (_, false) => "no sequence has only the chosen chapters",
            (Some(_), true) => "the suite has no [[sequence]] to minimize",
            (None, true) => "a plain command has no parts; name its test framework with --from",
        };
        return Err(MinimizeError::Sequence(problem.into()));
    }
    fix_order(&mut plan)?;
    let params = options.params.as_ref();
    let params = params.map(|(chapter, names)| reduced(&plan, chapter, names));
    let rule = MinimizeRule {
        signature: options.signature.clone(),
        error: options.error,
        background: options.background,
        params: params.transpose()?,
    };
    Ok((plan, rule))
}

/// Makes the order in which the sequence runs the given one, so that parts of it keep it.
fn fix_order(plan: &mut Plan) -> Result<(), MinimizeError> {
    let unit = &mut plan.units[0];
    let sequences = &mut plan.suite.sequences;
    let Some(sequence) = sequences
        .iter_mut()
        .find(|sequence| sequence.id == unit.name)
    else {
        return Ok(());
    };
    let order = match (sequence.order, plan.order_seed) {
        (ChapterOrder::Given, _) => return Ok(()),
        (ChapterOrder::Reversed, _) => Order::Reversed,
        (ChapterOrder::Shuffled, Some(seed)) => Order::Shuffled { seed },
        (ChapterOrder::Shuffled, None) => {
            return Err(MinimizeError::Shuffled(unit.name.clone()));
        }
    };
    let framework = sequence.group.as_ref().map(|group| group.framework);
    if let Some(framework) = framework.filter(|framework| *framework != Framework::Pytest) {
        return Err(MinimizeError::ShuffledByFramework {
            sequence: unit.name.clone(),
            framework,
        });
    }
    in_order(&mut unit.chapters, order);
    sequence.chapters.clone_from(&unit.chapters);
    sequence.order = ChapterOrder::Given;
    plan.order_seed = None;
    Ok(())
}

/// The numbers of a chapter that are reduced.
fn reduced(plan: &Plan, chapter: &str, names: &[String]) -> Result<ReducedParams, MinimizeError> {
    let ids = &plan.units[0].chapters;
    let Some(index) = ids.iter().position(|id| id == chapter) else {
        let known = ids.iter().map(String::as_str);
        return Err(MinimizeError::Params(unknown("chapter", chapter, known)));
    };
    let chapters = &plan.suite.chapters;
    let action = chapters.iter().find(|c| c.id == chapter).map(|c| &c.action);
    let Some(Action::Worker { params, .. }) = action else {
        return Err(MinimizeError::Params(format!(
            "`{chapter}` is no chapter of a worker: only those have `params`"
        )));
    };
    let numbers: Vec<ReducedNumber> = (params.iter())
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .filter_map(|(name, value)| number(name, value))
        .collect();
    let is_missing = |name: &&String| numbers.iter().all(|number| number.name != **name);
    if let Some(missing) = names.iter().find(is_missing) {
        return Err(MinimizeError::Params(format!(
            "the suite gives `{chapter}` no number `{missing}`"
        )));
    }
    if numbers.is_empty() {
        return Err(MinimizeError::Params(format!(
            "the suite gives `{chapter}` no numbers in `params`; write those to reduce there"
        )));
    }
    Ok(ReducedParams {
        chapter: index as u32,
        numbers,
    })
}

fn number(name: &str, value: &Value) -> Option<ReducedNumber> {
    let (value, unit) = match value {
        Value::Number(number) => (number.as_u64()?, NumberUnit::Count),
        Value::String(text) => {
            let duration = humantime::parse_duration(text).ok()?;
            (
                duration.as_millis().try_into().ok()?,
                NumberUnit::Milliseconds,
            )
        }
        _ => return None,
    };
    (value > 1).then(|| ReducedNumber {
        name: name.to_owned(),
        value,
        unit,
    })
}
