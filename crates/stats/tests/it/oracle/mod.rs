//! Expected values from other programs, compared with the library's results for the same inputs.
//! Shared by the fixture test and by the example that checks any file of the same format.

mod bisect;
mod more;

use crashrate_stats::{
    Counts, Gate, MAX_EXACT_POWER, StatsError, boschloo, boschloo_power, boschloo_rounds,
    confidence_sequence, fisher_exact, fisher_mid_p, newcombe, normal_plan, rank_trend, risk_ratio,
    rounds_without_failure, runs_test, wilson, zero_failure_upper,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Differences up to this are allowed, regardless of the tolerance.
const ABSOLUTE: f64 = 1e-12;

/// One case of the file.
#[derive(Debug, Deserialize)]
struct Vector {
    /// The method.
    kind: String,
    inputs: Map<String, Value>,
    expected: Map<String, Value>,
    tolerance: f64,
}

/// The result of one case.
pub(crate) struct Checked {
    pub(crate) name: String,
    /// How the library's results differ from the expected ones, if they do.
    pub(crate) difference: Option<String>,
}

/// Checks the cases of a file: a list of vectors, or an object with the cases of a bisection.
pub(crate) fn results(text: &str) -> Result<Vec<Checked>, serde_json::Error> {
    if text.trim_start().starts_with('{') {
        return Ok(serde_json::from_str::<bisect::Bisections>(text)?.results());
    }
    let vectors: Vec<Vector> = serde_json::from_str(text)?;
    let checked = |vector: &Vector| Checked {
        difference: (vector.check().err())
            .map(|difference| format!("{difference} (inputs {})", vector.inputs())),
        name: vector.kind.clone(),
    };
    Ok(vectors.iter().map(checked).collect())
}

type Answers<'a> = Vec<(&'a str, Answer)>;

enum Answer {
    Number(f64),
    Numbers(Vec<f64>),
}

impl From<f64> for Answer {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<u64> for Answer {
    fn from(value: u64) -> Self {
        Self::Number(value as f64)
    }
}

impl Vector {
    /// The inputs of the case, as JSON.
    fn inputs(&self) -> String {
        Value::Object(self.inputs.clone()).to_string()
    }

    /// Compares the library's results with the expected values; the error lists the differences.
    fn check(&self) -> Result<(), String> {
        let answers = self.answers()?;
        let mut wrong = Vec::new();
        for (name, expected) in &self.expected {
            match answers.iter().find(|(known, _)| known == name) {
                Some((_, answer)) => wrong.extend(self.difference(name, answer, expected)),
                None => wrong.push(format!("{name}: not computed")),
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        }
    }

    fn difference(&self, name: &str, answer: &Answer, expected: &Value) -> Option<String> {
        match (answer, expected) {
            (Answer::Number(got), expected) => {
                let Some(expected) = number(expected) else {
                    return Some(format!("{name}: expected value {expected} is not a number"));
                };
                self.too_far(name, *got, expected)
            }
            (Answer::Numbers(got), Value::Array(expected)) if got.len() == expected.len() => got
                .iter()
                .zip(expected)
                .enumerate()
                .find_map(|(i, (&got, expected))| {
                    let expected = number(expected).unwrap_or(f64::NAN);
                    self.too_far(&format!("{name}[{i}]"), got, expected)
                }),
            (Answer::Numbers(got), _) => Some(format!("{name}: got {} values", got.len())),
        }
    }

    fn too_far(&self, name: &str, got: f64, expected: f64) -> Option<String> {
        let allowed = (self.tolerance * expected.abs()).max(ABSOLUTE);
        // Test equality first, because infinity minus infinity is NaN. A NaN on either side fails.
        let close = got == expected
            || (got.is_finite() && expected.is_finite() && (got - expected).abs() <= allowed);
        (!close).then(|| {
            format!(
                "{name}: got {got:e}, expected {expected:e}, difference {:e}, allowed {allowed:e}",
                got - expected
            )
        })
    }

    fn answers(&self) -> Result<Answers<'_>, String> {
        match self.kind.as_str() {
            "wilson" | "zero_failure_upper_one_sided" | "cs_beta_binomial" => self.one_rate(),
            "fisher" | "fisher_midp" | "boschloo" => self.two_rates(),
            "diff_ci_newcombe" | "rr_ci_miettinen_nurminen" | "crash_rr_ci_miettinen_nurminen" => {
                self.two_rates_interval()
            }
            "rounds_zero_failure"
            | "rounds_to_see_one_crash"
            | "rounds_two_sample_normal"
            | "rounds_two_sample_boschloo_exact"
            | "power_two_sample_boschloo_exact" => self.plan(),
            "log_e_gate_below" | "log_e_gate_above" | "gate_first_pass_n" => self.gate(),
            "runs_test" | "crash_index_mannwhitney" => self.order(),
            _ => self.more_answers(),
        }
    }

    fn one_rate(&self) -> Result<Answers<'_>, String> {
        if self.kind == "zero_failure_upper_one_sided" {
            let n = self.count("n")?;
            let upper = zero_failure_upper(n, self.alpha()?).map_err(said)?;
            return Ok(vec![("upper", upper.into())]);
        }
        let counts = self.counts("k", "n")?;
        let alpha = self.alpha()?;
        let interval = match self.kind.as_str() {
            "wilson" => wilson(counts, alpha),
            _ => confidence_sequence(counts, alpha),
        }
        .map_err(said)?;
        Ok(vec![("lo", interval.lo.into()), ("hi", interval.hi.into())])
    }

    fn two_rates(&self) -> Result<Answers<'_>, String> {
        let (one, two) = (self.counts("x1", "n1")?, self.counts("x2", "n2")?);
        let p = match self.kind.as_str() {
            "fisher" => fisher_exact(one, two),
            "fisher_midp" => fisher_mid_p(one, two),
            _ => boschloo(one, two).map_err(said)?,
        };
        Ok(vec![
            ("less", p.less.into()),
            ("greater", p.greater.into()),
            ("two_sided", p.two_sided.into()),
            ("central", p.two_sided.into()),
        ])
    }

    fn two_rates_interval(&self) -> Result<Answers<'_>, String> {
        let (one, two) = (self.counts("x1", "n1")?, self.counts("x2", "n2")?);
        let alpha = self.alpha()?;
        let mut answers = Answers::new();
        let interval = if self.kind == "diff_ci_newcombe" {
            let rates = one.rate().zip(two.rate()).ok_or("a side without rounds")?;
            answers.push(("diff", (rates.0 - rates.1).into()));
            newcombe(one, two, alpha)
        } else {
            risk_ratio(one, two, alpha)
        }
        .map_err(said)?;
        answers.push(("lo", interval.lo.into()));
        answers.push(("hi", interval.hi.into()));
        Ok(answers)
    }

    fn plan(&self) -> Result<Answers<'_>, String> {
        let alpha = self.alpha()?;
        let rounds = match self.kind.as_str() {
            "rounds_zero_failure" => rounds_without_failure(self.number("p0")?, alpha),
            "rounds_to_see_one_crash" => rounds_without_failure(self.number("p")?, alpha),
            _ => return self.plan_for_two(alpha),
        };
        Ok(vec![("n", rounds.map_err(said)?.into())])
    }

    fn plan_for_two(&self, alpha: f64) -> Result<Answers<'_>, String> {
        let (p1, p2) = (self.number("p1")?, self.number("p2")?);
        if self.kind == "power_two_sample_boschloo_exact" {
            let power = boschloo_power(self.count("n")?, p1, p2, alpha).map_err(said)?;
            return Ok(vec![("power", power.into())]);
        }
        let power = self.number("power")?;
        if self.kind == "rounds_two_sample_normal" {
            let plan = normal_plan(p1, p2, power, alpha).map_err(said)?;
            return Ok(vec![
                ("n_per_arm_statsmodels", plan.into()),
                ("n_per_arm_fleiss", plan.into()),
            ]);
        }
        let from = self.number_or("search_from", 1.0)? as u64;
        let (n, power) = if from <= 1 {
            boschloo_rounds(p1, p2, power, alpha, MAX_EXACT_POWER)
                .map_err(said)?
                .map(|plan| (plan.per_side, plan.power))
        } else {
            (from..=MAX_EXACT_POWER)
                .map(|n| (n, boschloo_power(n, p1, p2, alpha).unwrap_or(0.0)))
                .find(|(_, reached)| *reached >= power)
        }
        .ok_or("no number of rounds is enough")?;
        Ok(vec![("n_per_arm", n.into()), ("power_at_n", power.into())])
    }

    fn gate(&self) -> Result<Answers<'_>, String> {
        let gate = Gate::new(self.number("p0")?).map_err(said)?;
        if self.kind == "gate_first_pass_n" {
            let alpha = self.alpha()?;
            // The expected values are named k0, k1, ... by the number of bad rounds.
            return self
                .expected
                .keys()
                .filter_map(|name| Some((name.as_str(), name.strip_prefix('k')?.parse().ok()?)))
                .map(|(name, bad)| {
                    Ok((name, gate.rounds_to_pass(bad, alpha).map_err(said)?.into()))
                })
                .collect();
        }
        let counts = self.counts("k", "n")?;
        let ln_e = if self.kind == "log_e_gate_below" {
            gate.ln_e_below(counts)
        } else {
            gate.ln_e_above(counts)
        };
        Ok(vec![("log_e", ln_e.into())])
    }

    fn order(&self) -> Result<Answers<'_>, String> {
        let rounds = self.rounds("seq")?;
        if self.kind == "crash_index_mannwhitney" {
            let trend = rank_trend(&rounds);
            return Ok(vec![("u", trend.u.into()), ("p_exact", trend.p.into())]);
        }
        let test = runs_test(&rounds);
        Ok(vec![
            ("runs", test.runs.into()),
            ("n1", test.bad.into()),
            ("n0", test.good.into()),
            ("p_exact_few_runs", test.few.into()),
            ("p_exact_many_runs", test.many.into()),
            ("p_exact_two_sided_central", test.two_sided.into()),
        ])
    }

    fn number(&self, name: &str) -> Result<f64, String> {
        let value = self.inputs.get(name).and_then(number);
        value.ok_or_else(|| format!("no number {name} in the inputs"))
    }

    fn number_or(&self, name: &str, default: f64) -> Result<f64, String> {
        if self.inputs.contains_key(name) {
            self.number(name)
        } else {
            Ok(default)
        }
    }

    fn count(&self, name: &str) -> Result<u64, String> {
        let value = self.number(name)?;
        if value >= 0.0 && value.fract() == 0.0 {
            Ok(value as u64)
        } else {
            Err(format!("{name} = {value} is not a count"))
        }
    }

    fn counts(&self, bad: &str, n: &str) -> Result<Counts, String> {
        Counts::new(self.count(bad)?, self.count(n)?).map_err(said)
    }

    /// The error probability, given directly or as a confidence.
    fn alpha(&self) -> Result<f64, String> {
        if self.inputs.contains_key("alpha") {
            self.number("alpha")
        } else {
            Ok(1.0 - self.number("conf")?)
        }
    }

    fn rounds(&self, name: &str) -> Result<Vec<bool>, String> {
        let text = self.inputs.get(name).and_then(Value::as_str);
        let text = text.ok_or_else(|| format!("no text {name} in the inputs"))?;
        text.chars()
            .map(|c| match c {
                '0' => Ok(false),
                '1' => Ok(true),
                _ => Err(format!("{name} has a {c:?}: only 0 and 1 are rounds")),
            })
            .collect()
    }
}

/// JSON has no infinity, so it is written as a word.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(word) => word.parse().ok(),
        _ => None,
    }
}

fn said(error: StatsError) -> String {
    error.to_string()
}
