//! Parameters of chapters. One declaration serves for listing, parsing and rejecting unknown names.

use serde_json::{Map, Value, json};

/// A declared parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    /// The name in a suite.
    pub(crate) name: &'static str,
    /// The type and default.
    pub(crate) kind: Kind,
}

/// The types of parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A whole number.
    Count {
        default: u64,
        /// The smallest allowed value.
        min: u64,
        /// The largest allowed value.
        max: u64,
    },
    /// A list of whole numbers; a single one needs no brackets.
    Counts {
        default: &'static [u64],
        /// The smallest allowed value.
        min: u64,
        /// The largest allowed value.
        max: u64,
    },
    /// A non-negative number.
    Number { default: f64 },
    /// A duration: a number of seconds, or text such as `"20s"`, `"500ms"`, `"2m"`.
    Time {
        /// The default, as text.
        default: &'static str,
    },
    /// The seed; the default is the task's.
    Seed,
}

/// A whole number from `min` to `max`.
pub(crate) const fn count(name: &'static str, default: u64, min: u64, max: u64) -> Param {
    let kind = Kind::Count { default, min, max };
    Param { name, kind }
}

/// A non-negative number.
pub(crate) const fn number(name: &'static str, default: f64) -> Param {
    let kind = Kind::Number { default };
    Param { name, kind }
}

/// The most threads allowed, as a guard against typing errors.
const MAX_THREADS: u64 = 1024;
/// The largest size of one dimension.
const MAX_SIZE: u64 = 1 << 20;

/// A number of threads.
pub(crate) const fn threads(default: u64) -> Param {
    count("threads", default, 1, MAX_THREADS)
}

/// Several numbers of threads, measured one after another.
pub(crate) const fn thread_counts(default: &'static [u64]) -> Param {
    let kind = Kind::Counts {
        default,
        min: 1,
        max: MAX_THREADS,
    };
    Param {
        name: "threads",
        kind,
    }
}

/// Operations per thread.
pub(crate) const fn iterations(default: u64) -> Param {
    count("iterations", default, 1, 1_000_000_000)
}

/// The size of a dimension, or a count.
pub(crate) const fn size(name: &'static str, default: u64) -> Param {
    count(name, default, 1, MAX_SIZE)
}

/// Parameters of all chapters. A chapter's own declaration of the same name takes precedence.
pub(crate) const COMMON: &[Param] = &[
    size("d_model", 256),
    size("heads", 4),
    size("feed_forward", 1024),
    size("layers", 2),
    size("batch", 4),
    size("sequence", 32),
    count("warm_up", 2, 0, 1_000_000),
    count("max_in_flight", 0, 0, MAX_THREADS),
    count("intra_op_threads", 1, 0, MAX_THREADS),
    Param {
        name: "seed",
        kind: Kind::Seed,
    },
];

impl Kind {
    /// The default as JSON.
    pub(crate) fn default(self) -> Value {
        match self {
            Kind::Count { default, .. } => json!(default),
            Kind::Counts { default, .. } => json!(default),
            Kind::Number { default } => json!(default),
            Kind::Time { default } => json!(default),
            Kind::Seed => Value::Null,
        }
    }

    fn takes(self, value: &Value) -> bool {
        let within = |value: &Value, min, max| value.as_u64().is_some_and(|n| n >= min && n <= max);
        match self {
            Kind::Count { min, max, .. } => within(value, min, max),
            Kind::Counts { min, max, .. } => match value {
                Value::Array(all) => !all.is_empty() && all.iter().all(|v| within(v, min, max)),
                one => within(one, min, max),
            },
            Kind::Number { .. } => value.as_f64().is_some_and(|n| n.is_finite() && n >= 0.0),
            Kind::Time { .. } => seconds(value).is_some(),
            Kind::Seed => value.is_null() || within(value, 0, (1 << 53) - 1),
        }
    }

    fn in_words(self) -> String {
        match self {
            Kind::Count { min, max, .. } => format!("a whole number from {min} to {max}"),
            Kind::Counts { min, max, .. } => {
                format!("one or several whole numbers from {min} to {max}, such as [1, 2]")
            }
            Kind::Number { .. } => "a number, 0 or more".to_owned(),
            Kind::Time { .. } => {
                "a time such as \"20s\", \"500ms\" or \"2m\", or a number of seconds".to_owned()
            }
            Kind::Seed => "a whole number from 0 to 2^53 - 1".to_owned(),
        }
    }
}

/// A chapter's own parameters, followed by the common ones that it uses unchanged.
pub(crate) fn declared(own: &[Param], unused: &[&str]) -> Vec<Param> {
    let common = COMMON.iter().filter(|common| {
        own.iter().all(|own| own.name != common.name) && !unused.contains(&common.name)
    });
    own.iter().chain(common).copied().collect()
}

/// The values of a chapter's parameters: all declared ones, each with the right type.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    values: Map<String, Value>,
    /// Common parameters that were given but that this chapter ignores.
    pub(crate) ignored: Vec<String>,
}

impl Params {
    /// Parses the given parameters.
    ///
    /// # Errors
    /// An undeclared name, or a value of the wrong type. The text says what is expected.
    pub(crate) fn read(
        own: &[Param],
        unused: &[&str],
        given: &Map<String, Value>,
    ) -> Result<Self, String> {
        let declared = declared(own, unused);
        let mut ignored = Vec::new();
        for (name, value) in given {
            match declared.iter().find(|param| param.name == name) {
                Some(param) if !param.kind.takes(value) => {
                    let right = param.kind.in_words();
                    return Err(format!("parameter \"{name}\" must be {right}, not {value}"));
                }
                Some(_) => {}
                None if unused.contains(&name.as_str()) => ignored.push(name.clone()),
                None => {
                    let known: Vec<_> = declared.iter().map(|param| param.name).collect();
                    return Err(format!(
                        "unknown parameter \"{name}\"; it takes {}",
                        known.join(", ")
                    ));
                }
            }
        }
        let value = |param: &Param| given.get(param.name).cloned();
        let values = declared.iter().map(|param| {
            let value = value(param).unwrap_or_else(|| param.kind.default());
            (param.name.to_owned(), value)
        });
        let values = values.collect();
        let params = Params { values, ignored };
        params.check_heads()?;
        Ok(params)
    }

    fn check_heads(&self) -> Result<(), String> {
        let get = |name| self.values.get(name).and_then(Value::as_u64);
        match (get("d_model"), get("heads")) {
            (Some(d_model), Some(heads)) if d_model % heads != 0 => Err(format!(
                "parameter \"heads\" ({heads}) must divide \"d_model\" ({d_model})"
            )),
            _ => Ok(()),
        }
    }

    /// Returns a whole number.
    ///
    /// # Panics
    /// The chapter has not declared it with this type.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let value = self.values[name].as_u64();
        value.unwrap_or_else(|| panic!("{name} is not declared as a whole number"))
    }

    /// Returns a whole number in libtorch's type for sizes.
    pub(crate) fn size(&self, name: &str) -> i64 {
        self.count(name).cast_signed()
    }

    /// Returns a list of whole numbers.
    pub(crate) fn counts(&self, name: &str) -> Vec<u64> {
        match &self.values[name] {
            Value::Array(all) => all.iter().filter_map(Value::as_u64).collect(),
            one => one.as_u64().into_iter().collect(),
        }
    }

    /// Returns a number.
    ///
    /// # Panics
    /// The chapter has not declared it with this type.
    pub(crate) fn number(&self, name: &str) -> f64 {
        let value = self.values[name].as_f64();
        value.unwrap_or_else(|| panic!("{name} is not declared as a number"))
    }

    /// Returns a duration in seconds.
    ///
    /// # Panics
    /// The chapter has not declared it with this type.
    pub(crate) fn seconds(&self, name: &str) -> f64 {
        let value = seconds(&self.values[name]);
        value.unwrap_or_else(|| panic!("{name} is not declared as a time"))
    }

    /// Returns the chapter's seed, or the task's.
    pub(crate) fn seed(&self, of_task: u64) -> u64 {
        self.values["seed"].as_u64().unwrap_or(of_task)
    }
}

/// Parses a duration in seconds: above 0, at most a day.
fn seconds(value: &Value) -> Option<f64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = match &text[digits.len()..] {
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
            digits.trim().parse::<f64>().ok()? * unit
        }
        _ => return None,
    };
    (seconds > 0.0 && seconds <= 86_400.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[Param] = &[
        threads(8),
        number("tolerance", 1e-3),
        size("d_model", 64),
        Param {
            name: "duration",
            kind: Kind::Time { default: "20s" },
        },
    ];

    fn read(given: Value) -> Result<Params, String> {
        let Value::Object(given) = given else {
            panic!("expected an object")
        };
        Params::read(OWN, &["layers"], &given)
    }

    #[test]
    fn defaults_and_given_values() {
        let params = read(json!({"threads": 2, "layers": 3, "duration": "500ms"})).unwrap();
        assert_eq!(params.count("threads"), 2);
        assert_eq!(params.size("d_model"), 64);
        assert_eq!(params.seed(7), 7);
        assert!((params.seconds("duration") - 0.5).abs() < 1e-12);
        assert_eq!(params.ignored, ["layers"]);
        assert_eq!(read(json!({"seed": 3})).unwrap().seed(7), 3);
    }

    #[test]
    fn errors_name_the_wrong_parameter() {
        for (given, named) in [
            (json!({"thread": 2}), "unknown parameter \"thread\""),
            (json!({"threads": "eight"}), "from 1 to 1024, not \"eight\""),
            (json!({"threads": 0}), "not 0"),
            (json!({"threads": 2.5}), "not 2.5"),
            (json!({"tolerance": -1}), "0 or more"),
            (json!({"duration": "soon"}), "20s"),
            (json!({"duration": "0s"}), "20s"),
            (json!({"heads": 5}), "must divide"),
            (json!({"seed": -1}), "2^53"),
        ] {
            let said = read(given).unwrap_err();
            assert!(said.contains(named), "{said}");
        }
    }

    #[test]
    fn a_number_is_a_list_of_one() {
        let own = &[thread_counts(&[1, 2])];
        let given = json!({"threads": 4});
        let params = Params::read(own, &[], given.as_object().unwrap()).unwrap();
        assert_eq!(params.counts("threads"), [4]);
    }
}
