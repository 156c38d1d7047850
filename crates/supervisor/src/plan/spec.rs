//! From a planned round to the process to start for it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crashrate_adapters::{Framework, Order};
use crashrate_model::{Device, EvidenceMode, Mode, Part, Perturbation, Unit};
use crashrate_protocol::{Task, TaskChapter, VERSION, env};

use super::order::in_order;
use super::perturb::{PerturbSpec, attempt_seed, perturb_env};
use super::{ChapterSpec, Plan, RoundKey, UnitSpec, round_seed};
use crate::additions::Python;
use crate::build::Source;
use crate::device::{ALL_CUDA, OWN_CUDA, VISIBLE};
use crate::fault::SuiteFault;
use crate::suite::{Action, ById, Chapter, Variant};

/// One attempt, ready to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptSpec {
    /// The part that all attempts of its unit share.
    pub unit: Arc<UnitSpec>,
    /// The program and its arguments, where they differ from its unit's.
    pub own_argv: Option<Vec<String>>,
    /// Path of the program, once it was found.
    pub program: Option<Arc<Path>>,
    /// Variables that differ between attempts, added to the unit's.
    pub env: [(&'static str, String); OWN.len()],
    /// Its standard input; `None` means `/dev/null`.
    pub input: Option<Vec<u8>>,
    /// Variables of its perturbations and its device, in place of its unit's.
    pub own_env: Vec<(&'static str, String)>,
    /// The processors that it may use; all of them if empty.
    pub cpus: Vec<u32>,
    /// What its tracer does to it.
    pub perturb: Option<PerturbSpec>,
    /// How evidence is collected.
    pub watch: EvidenceMode,
    /// Whether to find out if it had children.
    pub asks_for_children: bool,
    /// Whether it is an evidence round, which is not counted.
    pub for_evidence: bool,
    /// Limit of its core dump, bytes; `None` keeps the current limit.
    pub core_limit: Option<u64>,
    /// The empty directory that replaces its unit's working directory.
    pub fresh_directory: Option<PathBuf>,
    /// The part of its sequence that it runs, in a search; the whole of it if `None`.
    pub part: Option<Part>,
}

/// The variables that differ from attempt to attempt.
const OWN: [&str; 4] = [env::ROUND, env::ATTEMPT, env::SEED, env::SLOT];

impl AttemptSpec {
    /// The program and its arguments.
    pub fn argv(&self) -> &[String] {
        self.own_argv.as_deref().unwrap_or(&self.unit.argv)
    }

    /// Working directory.
    pub fn directory(&self) -> &Path {
        self.fresh_directory
            .as_deref()
            .unwrap_or(&self.unit.directory)
    }

    /// All variables added to the supervisor's environment.
    pub fn all_env(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_replaced = |name: &str| self.own_env.iter().any(|(own, _)| *own == name);
        let of_unit = (self.unit.env.iter()).map(|(name, value)| (name.as_str(), value.as_str()));
        let of_unit = of_unit.filter(move |(name, _)| !is_replaced(name));
        let own = self.env.iter().chain(&self.own_env);
        of_unit.chain(own.map(|(name, value)| (*name, value.as_str())))
    }
}

/// Builds the specs of a run's attempts.
#[derive(Clone, Debug)]
pub(crate) struct SpecBuilder<'a> {
    pub(crate) plan: &'a Plan,
    run_id: &'a str,
    /// Path of the worker by variant.
    workers: &'a BTreeMap<String, PathBuf>,
    /// Chapters and sequences of the suite.
    by_id: ById<'a>,
    units: Vec<Arc<UnitSpec>>,
    /// The devices of the slots; empty if they have none.
    pub(crate) devices: &'a [Device],
}

impl<'a> SpecBuilder<'a> {
    /// The builder for the run with this id.
    pub(crate) fn new(
        plan: &'a Plan,
        run_id: &'a str,
        workers: &'a BTreeMap<String, PathBuf>,
    ) -> SpecBuilder<'a> {
        let mut builder = SpecBuilder {
            plan,
            run_id,
            workers,
            by_id: ById::of(&plan.suite),
            units: Vec::new(),
            devices: &[],
        };
        let units = plan.units.iter().map(|unit| Arc::new(builder.unit(unit)));
        builder.units = units.collect();
        builder
    }

    /// Divides the slots among these devices.
    #[must_use]
    pub(crate) fn on_devices(mut self, devices: &'a [Device]) -> SpecBuilder<'a> {
        self.devices = devices;
        self
    }

    /// The device of a slot, as an index; `None` if the slots have none.
    pub(crate) fn device_of(&self, slot: u32) -> Option<u32> {
        slot.checked_rem(self.devices.len() as u32)
    }

    /// The spec of an attempt of a round.
    pub(crate) fn attempt(&self, key: RoundKey, attempt: u32, slot: u32) -> AttemptSpec {
        let unit = &self.units[key.unit as usize];
        let seed = round_seed(self.plan.seed, key.round);
        let order = unit.order.with_seed(self.plan.order_seed.unwrap_or(seed));
        let planned = &self.plan.units[key.unit as usize];
        let input = (unit.has_task).then(|| self.task(&self.ordered(planned, order), seed));
        let mut own_env = perturb_env(
            planned.perturb,
            (&unit.env, &unit.unset),
            attempt_seed(seed, attempt),
        );
        let device = self
            .device_of(slot)
            .map(|index| &self.devices[index as usize]);
        let visible = device.and_then(|device| device.visible.clone());
        own_env.extend(visible.map(|visible| (VISIBLE, visible)));
        AttemptSpec {
            unit: unit.clone(),
            own_argv: self.own_argv(planned, order),
            program: None,
            env: [
                (env::ROUND, key.round.to_string()),
                (env::ATTEMPT, attempt.to_string()),
                (env::SEED, seed.to_string()),
                (env::SLOT, slot.to_string()),
            ],
            input,
            own_env,
            cpus: device.map_or(Vec::new(), |device| device.cpus.clone()),
            perturb: PerturbSpec::of(planned.perturb, seed, attempt),
            watch: EvidenceMode::None,
            core_limit: None,
            asks_for_children: false,
            for_evidence: false,
            fresh_directory: None,
            part: None,
        }
    }

    /// The spec of an evidence round: the first attempt of a round, but traced and executed.
    pub(crate) fn for_evidence(&self, key: RoundKey, slot: u32) -> AttemptSpec {
        let spec = self.attempt(key, 1, slot);
        let unit = match spec.unit.zygote {
            None => spec.unit.clone(),
            Some(_) => Arc::new(UnitSpec {
                zygote: None,
                ..(*spec.unit).clone()
            }),
        };
        AttemptSpec {
            unit,
            watch: EvidenceMode::Trace,
            for_evidence: true,
            ..spec
        }
    }

    /// The spec of an attempt that runs only a part of its sequence.
    pub(crate) fn of_part(&self, key: RoundKey, part: &Part, slot: u32) -> AttemptSpec {
        let whole = self.attempt(key, 1, slot);
        let mut planned = self.plan.units[key.unit as usize].clone();
        let is_in = |index: &usize| part.chapters.contains(&(*index as u32));
        let chapters = planned.chapters.into_iter().enumerate();
        planned.chapters = chapters
            .filter(|(index, _)| is_in(index))
            .map(|(_, id)| id)
            .collect();
        let seed = round_seed(self.plan.seed, key.round);
        let mut chapters: Vec<Chapter> = self.chapters(&planned).cloned().collect();
        if let Some(params) = &part.params {
            let reduced = part
                .chapters
                .iter()
                .position(|index| *index == params.chapter);
            if let Some(Action::Worker { params: own, .. }) =
                reduced.map(|place| &mut chapters[place].action)
            {
                own.extend(params.values.clone());
            }
        }
        let mut unit = (*whole.unit).clone();
        unit.chapters
            .retain(|chapter| planned.chapters.contains(&chapter.id));
        AttemptSpec {
            own_argv: self.argv_of_tests(&planned, Order::Given),
            input: (unit.has_task).then(|| self.task(&chapters.iter().collect::<Vec<_>>(), seed)),
            unit: Arc::new(unit),
            part: Some(part.clone()),
            ..whole
        }
    }

    /// The shared part of each unit, in the order of the plan.
    pub(crate) fn units(&self) -> impl Iterator<Item = &UnitSpec> + Clone {
        self.units.iter().map(|unit| &**unit)
    }

    /// The shared part of a unit.
    pub(crate) fn unit_spec(&self, unit: u32) -> &UnitSpec {
        &self.units[unit as usize]
    }

    /// The worker that a unit starts; `None` if it runs a command.
    pub(crate) fn worker_of(&self, unit: u32) -> Option<&'a Path> {
        let unit = &self.plan.units[unit as usize];
        let settings = self.by_id.settings(unit)?;
        let worker = || self.workers.get(unit.suite_variant());
        let worker = (settings.command.is_none()).then(worker).flatten();
        worker.map(PathBuf::as_path)
    }

    fn unit(&self, unit: &Unit) -> UnitSpec {
        let settings = self
            .by_id
            .settings(unit)
            .expect("a unit is planned from its suite");
        let worker = || vec![self.workers[unit.suite_variant()].display().to_string()];
        let variant = self.variant(unit);
        let own = settings.command.and(variant.command.as_deref());
        let command = own.or(settings.command);
        let argv = command.map_or_else(worker, <[String]>::to_vec);
        let framework = settings.framework;
        let source = self.plan.suite.source(variant);
        let mut env = settings.env.clone();
        env.extend(source.iter().flat_map(Source::env));
        env.extend(variant.env.clone());
        if let Some(folder) = &self.plan.suite.python_package
            && let Some(python) = Python::of(framework, &argv)
        {
            env.extend(python.additions(folder, &env));
        }
        env.extend(self.own_env(unit));
        env.retain(|name, _| !OWN.contains(&name.as_str()));
        UnitSpec {
            directory: directory(variant, source.as_ref(), &settings.timing.directory),
            source: source.map(Arc::new),
            env,
            unset: settings.unset.cloned().unwrap_or_default(),
            chapters: (self.chapters(unit))
                .map(|chapter| ChapterSpec {
                    id: chapter.id.clone(),
                    test: chapter.test.as_ref().map(|test| test.name.clone()),
                    timeout: chapter.timing.timeout,
                    expect: chapter.expect.clone(),
                })
                .collect(),
            mode: unit.mode,
            core: (unit.perturb.contains(Perturbation::Crowd)).then_some(self.plan.seed),
            timeout: settings.timing.timeout,
            grace: settings.timing.grace,
            limits: settings.limits,
            process: settings.process,
            exit_codes: settings.exit_codes.clone(),
            framework,
            order: settings.order,
            zygote: (!unit.spawn.is_exec()).then(|| {
                // The worker becomes a zygote by a flag, other programs by an environment variable.
                let flag = settings.command.is_none().then(|| "--zygote".to_owned());
                argv.iter().cloned().chain(flag).collect()
            }),
            argv,
            // The plugin of pytest reads a task; programs of other frameworks read arguments.
            has_task: match unit.mode {
                Mode::Isolated => settings.command.is_none(),
                Mode::Sequential => framework.is_none_or(|of| of == Framework::Pytest),
            },
            needs_verdict: unit.mode == Mode::Sequential
                || settings.command.is_none()
                || framework.is_some_and(|of| of != Framework::Ctest),
        }
    }

    fn chapters(&self, unit: &Unit) -> impl Iterator<Item = &'a Chapter> {
        let ids = unit.chapters.iter();
        ids.filter_map(|id| self.by_id.chapter(id))
    }

    /// The chapters in the order in which a task names them.
    fn ordered(&self, unit: &Unit, order: Order) -> Vec<&'a Chapter> {
        let mut chapters: Vec<_> = self.chapters(unit).collect();
        in_order(&mut chapters, order);
        chapters
    }

    /// The command line of an attempt whose framework takes the order from there.
    fn own_argv(&self, unit: &Unit, order: Order) -> Option<Vec<String>> {
        match order {
            Order::Shuffled { .. } => self.argv_of_tests(unit, order),
            Order::Given | Order::Reversed => None,
        }
    }

    /// The command line that runs these tests; `None` if it does not depend on them.
    fn argv_of_tests(&self, unit: &Unit, order: Order) -> Option<Vec<String>> {
        let group = self.by_id.sequence(unit)?.group.as_ref()?;
        if group.framework == Framework::Pytest {
            return None;
        }
        let chapters: HashSet<&String> = unit.chapters.iter().collect();
        let tests = group
            .tests
            .iter()
            .filter(|test| chapters.contains(&test.id));
        // That this order is possible was checked when the tests were listed.
        let process = group.sequential(&tests.collect::<Vec<_>>(), order).ok()?;
        Some(process.command)
    }

    fn variant(&self, unit: &Unit) -> &'a Variant {
        let variants = &self.plan.suite.variants;
        let variant = variants.iter().find(|v| v.id == unit.suite_variant());
        variant.unwrap_or(&variants[0])
    }

    /// The variables that crashrate sets for every attempt of a unit.
    fn own_env(&self, unit: &Unit) -> impl Iterator<Item = (String, String)> {
        let name = match unit.mode {
            Mode::Isolated => env::CHAPTER,
            Mode::Sequential => env::SEQUENCE,
        };
        [
            (env::RUN_ID, self.run_id.to_owned()),
            (name, unit.name.clone()),
            (env::MODE, unit.mode.to_string()),
            (env::VARIANT, unit.suite_variant().to_owned()),
            (env::DEVICE, self.device_name().to_owned()),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
    }

    /// The device as an attempt names it. One that has a device to itself sees it as the first.
    pub(crate) fn device_name(&self) -> &str {
        match self.plan.suite.device.as_str() {
            ALL_CUDA => OWN_CUDA,
            device => device,
        }
    }

    fn task(&self, chapters: &[&Chapter], seed: u64) -> Vec<u8> {
        let task = Task {
            v: VERSION,
            chapters: chapters
                .iter()
                .map(|chapter| task_chapter(chapter))
                .collect(),
            device: self.device_name().to_owned(),
            seed,
            fault: self.plan.suite.fault.as_ref().map(SuiteFault::task),
        };
        let mut line =
            serde_json::to_vec(&task).expect("a task has string keys and finite numbers");
        line.push(b'\n');
        line
    }
}

fn task_chapter(chapter: &Chapter) -> TaskChapter {
    let (worker, params) = chapter.task();
    TaskChapter {
        id: chapter.id.clone(),
        worker,
        params,
    }
}

/// The working directory of a unit whose suite says `given`.
fn directory(variant: &Variant, source: Option<&Source>, given: &Path) -> PathBuf {
    let given = variant.directory.as_deref().unwrap_or(given);
    source.map_or_else(|| given.to_owned(), |source| source.directory(given))
}
