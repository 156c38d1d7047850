//! Tallies the facts of the run, over every time it was opened.

use std::collections::BTreeMap;

use crashrate_model::{
    Built, Closed, Device, DeviceFailure, Ending, Finding, Hello, Level, Opened, RunInfo,
    StopReason, ZygoteEnd,
};
use serde_json::Value;

use super::distinct::Distinct;
use crate::error::ReportError;
use crate::view::{BuildFacts, Pace, RunFacts, RunState};

/// How many of the planned rounds have a measured end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measured {
    /// Some unit has none.
    TooFew,
    /// Every unit has some.
    Some,
    /// Every unit has all.
    All,
}

#[derive(Clone, Debug, Default)]
pub(super) struct RunTally {
    pub(super) info: RunInfo,
    started: String,
    /// When it was last opened.
    opened: String,
    /// First attempts that ended since then.
    pub(super) ended: u32,
    /// Why it is being ended, if it is.
    ending: Option<StopReason>,
    pub(super) closed: Option<Closed>,
    hellos: Distinct<Hello, 16>,
    /// Seconds before it was last opened.
    secs_before: f64,
    /// The latest time recorded since it was last opened.
    last_at: f64,
    resumed: u32,
    changes: Vec<String>,
    /// How many processes ended that attempts were forked from.
    zygotes_ended: u32,
    zygote_reasons: Distinct<String, 4>,
    /// The devices of each part of the run, with the place of its `opened` record.
    parts: Vec<(u64, Vec<Device>)>,
    /// The devices that stopped working since it was last opened.
    failures: Vec<DeviceFailure>,
    /// The last build of each unit that has one.
    builds: BTreeMap<u32, Built>,
}

impl RunTally {
    pub(super) fn new(opened: &Opened, place: u64) -> Self {
        RunTally {
            info: opened.run.clone(),
            started: opened.time.clone(),
            opened: opened.time.clone(),
            parts: vec![(place, opened.run.devices.clone())],
            ..RunTally::default()
        }
    }

    /// Resumes the run. The plan must be the same; other differences are recorded, since they may
    /// explain rates.
    pub(super) fn reopen(&mut self, opened: &Opened, place: u64) -> Result<(), ReportError> {
        if opened.run.units != self.info.units {
            return Err(ReportError::PlanChanged);
        }
        self.parts.push((place, opened.run.devices.clone()));
        self.changes.extend(changes(&self.info, &opened.run));
        let command = self.info.machine.remove("command");
        self.info = opened.run.clone();
        // The first command repeats the run; the command that resumed it does not.
        if let Some(command) = command {
            self.info.machine.insert("command".to_owned(), command);
        }
        self.closed = None;
        self.failures.clear();
        (self.ending, self.ended) = (None, 0);
        self.opened = opened.time.clone();
        self.secs_before += std::mem::take(&mut self.last_at);
        self.resumed += 1;
        Ok(())
    }

    pub(super) fn hello(&mut self, hello: &Hello) {
        self.hellos.entry(|kept| kept == hello, || hello.clone());
    }

    pub(super) fn at(&mut self, at: f64) {
        if at.is_finite() {
            self.last_at = self.last_at.max(at);
        }
    }

    pub(super) fn close(&mut self, closed: &Closed) {
        self.at(closed.at);
        self.closed = Some(closed.clone());
    }

    pub(super) fn device_failed(&mut self, failure: &DeviceFailure) {
        self.at(failure.at);
        self.failures.push(failure.clone());
    }

    pub(super) fn ending(&mut self, ending: &Ending) {
        self.at(ending.at);
        self.ending.get_or_insert(ending.why);
    }

    /// How fast it is since it was last opened.
    pub(super) fn pace(&self) -> Pace {
        Pace {
            opened: self.opened.clone(),
            rounds: self.ended,
            secs: self.last_at,
            ending: self.ending,
        }
    }

    pub(super) fn built(&mut self, built: &Built) {
        self.at(built.at);
        // A kept build that is found again says nothing new.
        if built.secs.is_some() || !self.builds.contains_key(&built.unit) {
            self.builds.insert(built.unit, built.clone());
        }
    }

    fn builds(&self) -> Vec<BuildFacts> {
        let facts = |(unit, built): (&u32, &Built)| {
            Some(BuildFacts {
                variant: self.info.units.get(*unit as usize)?.variant.clone(),
                secs: built.secs,
                program: built.program.clone(),
                problem: built.problem.clone(),
            })
        };
        self.builds.iter().filter_map(facts).collect()
    }

    pub(super) fn zygote_ended(&mut self, end: &ZygoteEnd) {
        self.at(end.at);
        self.zygotes_ended += 1;
        (self.zygote_reasons).entry(|kept| *kept == end.reason, || end.reason.clone());
    }

    /// Findings before the run, and how zygotes ended.
    fn findings(&self) -> Vec<Finding> {
        const ADVICE: &str = "a new one was started, and what it had running was run again; \
                              cross-check with --spawn exec";
        let mut findings = self.info.findings.clone();
        if self.zygotes_ended > 0 {
            let reasons = self.zygote_reasons.kept.join("; ");
            findings.push(Finding {
                name: "zygote".to_owned(),
                level: Level::Warning,
                found: format!("ended by itself {} times: {reasons}", self.zygotes_ended),
                advice: Some(ADVICE.to_owned()),
            });
        }
        findings
    }

    /// Whether a run with a stopping rule completed: the rule stopped it, or its time budget was
    /// used up.
    fn ended_as_begun(&self, measured: Measured) -> bool {
        match self.closed.as_ref().map(|closed| closed.why) {
            Some(StopReason::Decided) => true,
            Some(StopReason::TimeBudget) => {
                self.info.stopping.is_by_data() && measured >= Measured::Some
            }
            _ => false,
        }
    }

    /// The fault, unless every child reports a device that the fault does not apply to.
    fn fault(&self) -> Option<&Value> {
        let fault = self.info.fault.as_ref()?;
        let hellos = &self.hellos.kept;
        let meant = |hello: &Hello| {
            let kind = hello.device.split(':').next();
            let on = fault.get("on").and_then(Value::as_array);
            on.is_none_or(|on| on.iter().any(|device| device.as_str() == kind))
        };
        (hellos.is_empty() || hellos.iter().any(meant)).then_some(fault)
    }

    pub(super) fn facts(&self, state: RunState, measured: Measured) -> RunFacts {
        let (info, closed) = (&self.info, self.closed.as_ref());
        let is_measured = info.imported.is_none();
        let devices = self.hellos.kept.iter().map(|hello| hello.device.as_str());
        let own = join_distinct(info.devices.iter().map(|device| device.name.as_str()));
        let device = own.or_else(|| join_distinct(devices));
        let device = device.unwrap_or_else(|| info.device.clone());
        // Of two chapters with one id, the first is kept.
        let places = info.chapters.iter().enumerate().rev();
        RunFacts {
            id: info.id.clone(),
            number: info.number,
            suite: info.suite.clone(),
            seed: is_measured.then_some(info.seed),
            device,
            device_asked: info.device.clone(),
            versions: self.versions(),
            machine: info.machine.clone(),
            chapters: info.chapters.clone(),
            findings: self.findings(),
            started: self.started.clone(),
            finished: closed.map(|closed| closed.time.clone()),
            stopped: closed.map(|closed| closed.why),
            stopped_because: closed.and_then(|closed| closed.reason.clone()),
            state,
            stopping: info.stopping.clone(),
            max_failures: info.max_failures,
            time_budget: info.time_budget,
            not_worse_by: info.not_worse_by,
            only_round: info.only_round,
            shard: info.shard,
            merged: info.merged.clone(),
            complete: measured == Measured::All || self.ended_as_begun(measured),
            fault: self.fault().cloned(),
            jobs: is_measured.then_some(info.jobs),
            limits: info.limits.clone(),
            added_env: info.added_env.clone(),
            builds: self.builds(),
            evidence: info.evidence,
            evidence_rounds: info.evidence_rounds,
            retries: is_measured.then_some(info.retries),
            bad: info.bad.clone(),
            programs: info.programs.clone(),
            given: info.given.clone(),
            devices: info.devices.clone(),
            parts: self.parts.clone(),
            device_failures: self.failures.clone(),
            identities: info.identities.clone(),
            secs: is_measured.then_some(self.secs_before + self.last_at),
            imported: info.imported.clone(),
            resumed: self.resumed,
            changes: self.changes.clone(),
            places: places
                .map(|(place, chapter)| (chapter.id.clone(), place))
                .collect(),
        }
    }

    fn versions(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, version) in self.hellos.kept.iter().flat_map(|hello| &hello.versions) {
            all.entry(name).or_default().push(version);
        }
        all.into_iter()
            .filter_map(|(name, versions)| Some((name.to_owned(), join_distinct(versions)?)))
            .collect()
    }
}

/// The distinct words, in order of first appearance; `None` if there are none.
fn join_distinct<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for word in words {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    (!distinct.is_empty()).then(|| distinct.join(", "))
}

/// The settings and facts of the machine that differ, as text.
fn changes(before: &RunInfo, after: &RunInfo) -> Vec<String> {
    let settings = settings(before).into_iter().zip(settings(after));
    let settings = settings.map(|((what, before), (_, after))| (what, before, after));
    // The command of a resumed run always differs.
    let machine = after.machine.iter().filter(|(key, _)| *key != "command");
    let machine = machine.map(|(key, after)| {
        let before = before.machine.get(key).map_or("unknown", String::as_str);
        (key.as_str(), before.to_owned(), after.clone())
    });
    let all = settings.chain(machine);
    all.filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| format!("{what} {before} became {after}"))
        .collect()
}

fn settings(info: &RunInfo) -> [(&'static str, String); 9] {
    let none = || "none".to_owned();
    let bad: Vec<_> = info.bad.iter().map(|outcome| outcome.word()).collect();
    let limits = info.limits.iter();
    let limits: Vec<_> = limits
        .map(|(what, limit)| format!("{what} {limit}"))
        .collect();
    let limits = if limits.is_empty() {
        none()
    } else {
        limits.join("; ")
    };
    let fault = info.fault.as_ref().map(Value::to_string);
    [
        ("suite", info.suite.clone()),
        ("device", info.device.clone()),
        ("seed", info.seed.to_string()),
        ("jobs", info.jobs.to_string()),
        ("retries", info.retries.to_string()),
        ("bad", bad.join("+")),
        ("fault", fault.unwrap_or_else(none)),
        ("limits", limits),
        ("evidence", info.evidence.to_string()),
    ]
}

/// Whether a command line can repeat a single round.
pub(super) fn repeats_rounds(command: &str) -> bool {
    command.starts_with("crashrate run ")
}
