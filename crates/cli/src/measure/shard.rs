//! `--shard`: which part of a run this machine has, also as CI systems and schedulers say it.

use std::fs;
use std::str::FromStr;

use crashrate_model::Shard;

use crate::error::Failure;

/// The value of `--shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardChoice {
    /// As the environment says.
    Auto,
    /// This one.
    Of(Shard),
}

impl FromStr for ShardChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<ShardChoice, String> {
        match text {
            "auto" => Ok(ShardChoice::Auto),
            text => Ok(ShardChoice::Of(text.parse()?)),
        }
    }
}

/// A file that a test under Bazel touches to say that it has read its shard.
const BAZEL_STATUS: &str = "TEST_SHARD_STATUS_FILE";

impl ShardChoice {
    /// The shard.
    ///
    /// # Errors
    /// No variable, or not all of a pair, says which one it is.
    pub(crate) fn resolve(self) -> Result<Shard, Failure> {
        let shard = match self {
            ShardChoice::Of(shard) => return Ok(shard),
            ShardChoice::Auto => {
                let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
                from_environment(&variable)
            }
        };
        let shard = shard.map_err(|problem| Failure::usage(format!("--shard auto: {problem}")))?;
        if let Some(path) = std::env::var_os(BAZEL_STATUS).filter(|path| !path.is_empty()) {
            fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(|error| {
                    let path = path.to_string_lossy();
                    Failure::usage(format!("{BAZEL_STATUS}: {path}: {error}"))
                })?;
        }
        Ok(shard)
    }
}

/// A pair of variables with the index and the number of shards.
struct Pair {
    /// The system that sets them.
    system: &'static str,
    index: &'static str,
    count: &'static str,
    /// The first index.
    base: u32,
}

const BAZEL: Pair = Pair {
    system: "Bazel",
    index: "TEST_SHARD_INDEX",
    count: "TEST_TOTAL_SHARDS",
    base: 0,
};
/// GitLab always sets the number of jobs, and the index only if there are several.
const GITLAB: Pair = Pair {
    system: "GitLab",
    index: "CI_NODE_INDEX",
    count: "CI_NODE_TOTAL",
    base: 1,
};
/// The pairs after Slurm's variables. Kubernetes does not tell a pod the number of completions, so
/// that crashrate needs a variable of its own.
const PAIRS: [Pair; 4] = [
    Pair {
        system: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        count: "CRASHRATE_SHARDS",
        base: 0,
    },
    Pair {
        system: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        count: "BUILDKITE_PARALLEL_JOB_COUNT",
        base: 0,
    },
    GITLAB,
    Pair {
        system: "CircleCI",
        index: "CIRCLE_NODE_INDEX",
        count: "CIRCLE_NODE_TOTAL",
        base: 0,
    },
];

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The shard by the first system whose variables are set. Others may be set, too, as by Bazel in a
/// job of GitLab, unless they name another shard.
fn from_environment(variable: Variable<'_>) -> Result<Shard, String> {
    let systems = [("Bazel", BAZEL.read(variable)), ("Slurm", slurm(variable))];
    let others = PAIRS.map(|pair| (pair.system, pair.read(variable)));
    let mut first: Option<(&str, Shard)> = None;
    for (system, found) in systems.into_iter().chain(others) {
        match (first, found) {
            (None, found) => first = found?.map(|shard| (system, shard)),
            (Some((name, one)), Ok(Some(two))) if one != two && two.count > 1 => {
                return Err(format!(
                    "this is shard {one} by the variables of {name}, and shard {two} by those of \
                     {system}; give the right one as --shard {one}"
                ));
            }
            (Some(_), _) => {}
        }
    }
    first
        .map(|(_, shard)| shard)
        .ok_or_else(|| missing(variable))
}

/// What to do if no variable says which shard this is.
fn missing(variable: Variable<'_>) -> String {
    if variable("GITHUB_ACTIONS").is_some() {
        return "GitHub does not tell a job which one of its matrix it is; give it as \
                --shard ${{ matrix.shard }}/16"
            .to_owned();
    }
    if variable("SLURM_PROCID").is_some() {
        return "this is no task of a Slurm array; in a step of srun, give the shard as \
                --shard $((SLURM_PROCID + 1))/$SLURM_NTASKS"
            .to_owned();
    }
    let pairs: Vec<String> = [BAZEL].iter().chain(&PAIRS).map(Pair::names).collect();
    format!(
        "no variable says which shard this is; set one of: SLURM_ARRAY_TASK_ID with \
         SLURM_ARRAY_TASK_MIN, _MAX and _STEP; {}; or give it as --shard 3/16",
        pairs.join("; ")
    )
}

impl Pair {
    fn names(&self) -> String {
        format!("{} with {}", self.index, self.count)
    }

    /// The shard; `None` if neither variable is set.
    fn read(&self, variable: Variable<'_>) -> Result<Option<Shard>, String> {
        let (index, count) = match (variable(self.index), variable(self.count)) {
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(half_set(self.system, self.index, self.count)),
            (None, Some(count)) if self.index == GITLAB.index && count.trim() == "1" => {
                return Ok(Some(Shard { index: 1, count: 1 }));
            }
            (None, Some(_)) => return Err(half_set(self.system, self.count, self.index)),
            (Some(index), Some(count)) => {
                (number(self.index, &index)?, number(self.count, &count)?)
            }
        };
        if count == 0 {
            return Err(format!("{}=0: there must be at least 1 shard", self.count));
        }
        let place = index.checked_sub(self.base);
        match place.filter(|place| *place < count) {
            Some(place) => Shard::new(place + 1, count).map(Some),
            None => {
                let last = u64::from(count) + u64::from(self.base) - 1;
                Err(format!(
                    "{}={index} is not from {} to {last}, as {}={count} says",
                    self.index, self.base, self.count
                ))
            }
        }
    }
}

/// Says which system was assumed by a variable, and what to do about the one that it lacks.
fn half_set(system: &str, set: &str, missing: &str) -> String {
    format!(
        "{set} is set, as by {system}, but {missing} is not set: set it, or give the shard as \
         --shard 3/16"
    )
}

/// The shard of a task of a Slurm array.
fn slurm(variable: Variable<'_>) -> Result<Option<Shard>, String> {
    const ID: &str = "SLURM_ARRAY_TASK_ID";
    let Some(id) = variable(ID) else {
        return Ok(None);
    };
    let optional = |name| {
        let text = variable(name);
        text.map(|text| number(name, &text)).transpose()
    };
    let needed = |name| optional(name)?.ok_or_else(|| half_set("Slurm", ID, name));
    let (min, max) = (
        needed("SLURM_ARRAY_TASK_MIN")?,
        needed("SLURM_ARRAY_TASK_MAX")?,
    );
    let step = optional("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1);
    let id = number(ID, &id)?;
    let place_of = |id: u32| id.checked_sub(min)?.checked_div(step);
    let tasks = place_of(max).and_then(|place| place.checked_add(1));
    // Without gaps the number of tasks follows from the others.
    let count = optional("SLURM_ARRAY_TASK_COUNT")?.or(tasks).unwrap_or(0);
    let place = place_of(id).filter(|place| id <= max && min + place * step == id);
    if step == 0 {
        return Err("SLURM_ARRAY_TASK_STEP=0: the step must be at least 1".to_owned());
    }
    if !(min..=max).contains(&id) {
        return Err(format!(
            "{ID}={id} is not from {min} to {max}, as SLURM_ARRAY_TASK_MIN and _MAX say"
        ));
    }
    match place.filter(|_| tasks == Some(count)) {
        Some(place) => Shard::new(place + 1, count).map(Some),
        None => Err(format!(
            "the Slurm array has {count} tasks from {min} to {max} in steps of {step}, and this is \
             task {id}: the numbers must have no gaps, as in --array=1-16"
        )),
    }
}

fn number(name: &str, text: &str) -> Result<u32, String> {
    (text.trim().parse()).map_err(|_| format!("{name}={text:?} is not a number of a shard"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        from_environment(&variable).map(|shard| shard.to_string())
    }

    #[test]
    fn each_system_says_it_in_its_own_way() {
        let slurm = |id| {
            [
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", "5"),
                ("SLURM_ARRAY_TASK_MAX", "8"),
                ("SLURM_ARRAY_TASK_COUNT", "4"),
            ]
        };
        assert_eq!(shard(&slurm("5")).as_deref(), Ok("1/4"));
        assert_eq!(shard(&slurm("8")).as_deref(), Ok("4/4"));
        for (index, count, first) in [
            ("TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", "1/3"),
            ("JOB_COMPLETION_INDEX", "CRASHRATE_SHARDS", "1/3"),
            (
                "BUILDKITE_PARALLEL_JOB",
                "BUILDKITE_PARALLEL_JOB_COUNT",
                "1/3",
            ),
            ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", "1/3"),
        ] {
            assert_eq!(shard(&[(index, "0"), (count, "3")]).as_deref(), Ok(first));
            assert!(shard(&[(index, "3"), (count, "3")]).is_err(), "{index}");
        }
        let gitlab = |index| shard(&[("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", "3")]);
        assert_eq!(gitlab("1").as_deref(), Ok("1/3"));
        assert_eq!(gitlab("3").as_deref(), Ok("3/3"));
        assert!(gitlab("0").unwrap_err().contains("from 1 to 3"));
        // GitLab sets only the number of a job without `parallel`.
        let alone = |count| shard(&[("CI_NODE_TOTAL", count)]);
        assert_eq!(alone("1").as_deref(), Ok("1/1"));
        assert!(alone("3").unwrap_err().contains("as by GitLab"));
    }

    #[test]
    fn systems_that_disagree_are_refused() {
        let bazel = [("TEST_SHARD_INDEX", "0"), ("TEST_TOTAL_SHARDS", "2")];
        let with = |index, count| {
            let gitlab = [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", count)];
            shard(&[&bazel[..], &gitlab].concat())
        };
        let error = with("2", "2").unwrap_err();
        let says = "shard 1/2 by the variables of Bazel, and shard 2/2 by those of GitLab";
        assert!(error.contains(says), "{error}");
        for (index, count) in [("1", "2"), ("1", "1"), ("x", "2")] {
            assert_eq!(with(index, count).as_deref(), Ok("1/2"), "{index} {count}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let github = shard(&[("GITHUB_ACTIONS", "true")]).unwrap_err();
        assert!(github.contains("matrix.shard"), "{github}");
        let step = shard(&[("SLURM_PROCID", "0")]).unwrap_err();
        assert!(step.contains("SLURM_PROCID + 1"), "{step}");
        let none = shard(&[]).unwrap_err();
        for name in [
            "SLURM_ARRAY_TASK_ID",
            "TEST_SHARD_INDEX",
            "CIRCLE_NODE_TOTAL",
        ] {
            assert!(none.contains(name), "{none}");
        }
        let half = shard(&[("JOB_COMPLETION_INDEX", "2")]).unwrap_err();
        let says = "JOB_COMPLETION_INDEX is set, as by Kubernetes, but CRASHRATE_SHARDS is not set";
        assert!(half.contains(says), "{half}");
        let none = shard(&[("TEST_SHARD_INDEX", "0"), ("TEST_TOTAL_SHARDS", "0")]).unwrap_err();
        assert_eq!(none, "TEST_TOTAL_SHARDS=0: there must be at least 1 shard");
        let text = shard(&[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "3")]).unwrap_err();
        assert!(text.contains("CI_NODE_INDEX=\"x\""), "{text}");
        let slurm = |id, more: &[_]| {
            let bounds = [("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_MAX", "8")];
            shard(&[&[("SLURM_ARRAY_TASK_ID", id)], &bounds[..], more].concat())
        };
        let step = [("SLURM_ARRAY_TASK_STEP", "4")];
        for (id, more) in [("4", &[("SLURM_ARRAY_TASK_COUNT", "3")][..]), ("5", &step)] {
            let error = slurm(id, more).unwrap_err();
            assert!(error.contains("no gaps"), "{id}: {error}");
        }
        let outside = slurm("9", &[]).unwrap_err();
        assert!(outside.starts_with("SLURM_ARRAY_TASK_ID=9 is not from 0 to 8"));
        assert_eq!(slurm("4", &[]).as_deref(), Ok("5/9"));
        assert_eq!(slurm("4", &step).as_deref(), Ok("2/3"));
        let no_bounds = shard(&[("SLURM_ARRAY_TASK_ID", "1")]).unwrap_err();
        let says = "as by Slurm, but SLURM_ARRAY_TASK_MIN is not set: set it, or give the shard as";
        assert!(no_bounds.contains(says), "{no_bounds}");
        let no_step = slurm("4", &[("SLURM_ARRAY_TASK_STEP", "0")]).unwrap_err();
        assert!(
            no_step.starts_with("SLURM_ARRAY_TASK_STEP=0: "),
            "{no_step}"
        );
    }
}
