//! Tallies the facts of the run, over every time it was opened.

use std::collections::{BTreeMap, HashMap};

use crashrate_model::{
    ChapterFacts, Closed, Finding, Hello, Level, Opened, Recommendation, RunInfo, StopReason, Unit,
    ZygoteEnd,
};
use serde_json::Value;

use crate::error::ReportError;
use crate::view::{RunFacts, RunState};

/// The most distinct answers kept for a fact that children report.
const HELLOS: usize = 16;
/// The most distinct reasons kept for the end of zygotes.
const ZYGOTE_REASONS: usize = 4;

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

/// How the processes ended that attempts were forked from.
#[derive(Clone, Debug, Default)]
struct Zygotes {
    ended: u32,
    reasons: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct RunTally {
    info: RunInfo,
    started: String,
    closed: Option<Closed>,
    hellos: Vec<Hello>,
    /// Seconds before it was last opened.
    secs_before: f64,
    /// The latest time recorded since it was last opened.
    last_at: f64,
    resumed: u32,
    changes: Vec<String>,
    zygotes: Zygotes,
}

impl RunTally {
    pub(super) fn new(opened: &Opened) -> Self {
        RunTally {
            info: opened.run.clone(),
            started: opened.time.clone(),
            closed: None,
            hellos: Vec::new(),
            secs_before: 0.0,
            last_at: 0.0,
            resumed: 0,
            changes: Vec::new(),
            zygotes: Zygotes::default(),
        }
    }

    /// Resumes the run. The plan must be the same; other differences are recorded, since they may
    /// explain rates.
    pub(super) fn reopen(&mut self, opened: &Opened) -> Result<(), ReportError> {
        if opened.run.units != self.info.units {
            return Err(ReportError::PlanChanged);
        }
        self.changes.extend(changes(&self.info, &opened.run));
        let command = self.info.machine.remove("command");
        self.info = opened.run.clone();
        // The first command repeats the run; the command that resumed it does not.
        if let Some(command) = command {
            self.info.machine.insert("command".to_owned(), command);
        }
        self.closed = None;
        self.secs_before += std::mem::take(&mut self.last_at);
        self.resumed += 1;
        Ok(())
    }

    pub(super) fn hello(&mut self, hello: &Hello) {
        if self.hellos.len() < HELLOS && !self.hellos.contains(hello) {
            self.hellos.push(hello.clone());
        }
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

    pub(super) fn zygote_ended(&mut self, end: &ZygoteEnd) {
        self.at(end.at);
        self.zygotes.ended += 1;
        if self.zygotes.reasons.len() < ZYGOTE_REASONS
            && !self.zygotes.reasons.contains(&end.reason)
        {
            self.zygotes.reasons.push(end.reason.clone());
        }
    }

    /// Findings before the run, and how zygotes ended.
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.info.findings.clone();
        let Zygotes { ended, reasons } = &self.zygotes;
        if *ended > 0 {
            findings.push(Finding {
                name: "zygote".to_owned(),
                level: Level::Warning,
                found: format!("ended by itself {ended} times: {}", reasons.join("; ")),
                advice: Some(
                    "a new one was started, and what it had running was run again; cross-check with --spawn exec"
                        .to_owned(),
                ),
            });
        }
        findings
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    pub(super) fn recommendations(&self) -> &[Recommendation] {
        &self.info.recommendations
    }

    pub(super) fn info(&self) -> &RunInfo {
        &self.info
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.info.units
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
        let meant = |hello: &Hello| {
            let kind = hello.device.split(':').next();
            let on = fault.get("on").and_then(Value::as_array);
            on.is_none_or(|on| on.iter().any(|device| device.as_str() == kind))
        };
        (self.hellos.is_empty() || self.hellos.iter().any(meant)).then_some(fault)
    }

    pub(super) fn facts(&self, state: RunState, measured: Measured) -> RunFacts {
        let info = &self.info;
        let devices = self.hellos.iter().map(|hello| hello.device.as_str());
        let device = join_distinct(devices).unwrap_or_else(|| info.device.clone());
        RunFacts {
            id: info.id.clone(),
            number: info.number,
            suite: info.suite.clone(),
            seed: info.imported.is_none().then_some(info.seed),
            device,
            device_asked: info.device.clone(),
            versions: self.versions(),
            machine: info.machine.clone(),
            chapters: info.chapters.clone(),
            findings: self.findings(),
            started: self.started.clone(),
            finished: self.closed.as_ref().map(|closed| closed.time.clone()),
            stopped: self.closed.as_ref().map(|closed| closed.why),
            stopped_because: self.closed.as_ref().and_then(|c| c.reason.clone()),
            state,
            stopping: info.stopping.clone(),
            max_failures: info.max_failures,
            time_budget: info.time_budget,
            not_worse_by: info.not_worse_by,
            only_round: info.only_round,
            complete: measured == Measured::All || self.ended_as_begun(measured),
            fault: self.fault().cloned(),
            jobs: info.imported.is_none().then_some(info.jobs),
            limits: info.limits.clone(),
            evidence: info.evidence,
            evidence_rounds: info.evidence_rounds,
            retries: info.imported.is_none().then_some(info.retries),
            bad: info.bad.clone(),
            programs: info.programs.clone(),
            secs: (info.imported.is_none()).then_some(self.secs_before + self.last_at),
            imported: info.imported.clone(),
            resumed: self.resumed,
            changes: self.changes.clone(),
            places: places(&info.chapters),
        }
    }

    fn versions(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, version) in self.hellos.iter().flat_map(|hello| &hello.versions) {
            all.entry(name).or_default().push(version);
        }
        all.into_iter()
            .filter_map(|(name, versions)| Some((name.to_owned(), join_distinct(versions)?)))
            .collect()
    }
}

fn places(chapters: &[ChapterFacts]) -> HashMap<String, usize> {
    let mut places = HashMap::with_capacity(chapters.len());
    for (place, chapter) in chapters.iter().enumerate() {
        places.entry(chapter.id.clone()).or_insert(place);
    }
    places
}

fn join_distinct<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for word in words {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    (!distinct.is_empty()).then(|| distinct.join(", "))
}

fn limits(info: &RunInfo) -> String {
    let words = info
        .limits
        .iter()
        .map(|(what, limit)| format!("{what} {limit}"));
    match words.collect::<Vec<_>>() {
        none if none.is_empty() => "none".to_owned(),
        some => some.join("; "),
    }
}

fn changes(before: &RunInfo, after: &RunInfo) -> Vec<String> {
    let mut changes = Vec::new();
    let mut compare = |what: &str, before: String, after: String| {
        if before != after {
            changes.push(format!("{what} {before} became {after}"));
        }
    };
    let fault = |info: &RunInfo| match &info.fault {
        Some(fault) => fault.to_string(),
        None => "none".to_owned(),
    };
    let bad = |info: &RunInfo| {
        let words: Vec<_> = info.bad.iter().map(|outcome| outcome.word()).collect();
        words.join("+")
    };
    compare("suite", before.suite.clone(), after.suite.clone());
    compare("device", before.device.clone(), after.device.clone());
    compare("seed", before.seed.to_string(), after.seed.to_string());
    compare("jobs", before.jobs.to_string(), after.jobs.to_string());
    compare(
        "retries",
        before.retries.to_string(),
        after.retries.to_string(),
    );
    compare("bad", bad(before), bad(after));
    compare("fault", fault(before), fault(after));
    compare("limits", limits(before), limits(after));
    compare(
        "evidence",
        before.evidence.to_string(),
        after.evidence.to_string(),
    );
    for (key, value) in &after.machine {
        // The command of a resumed run always differs.
        if key != "command" {
            let old = before
                .machine
                .get(key)
                .cloned()
                .unwrap_or_else(|| "unknown".to_owned());
            compare(key, old, value.clone());
        }
    }
    changes
}
