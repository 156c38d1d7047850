//! Jobs of a real Slurm: three hosts in namespaces of this machine, which share its file system.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crashrate_model::{Ended, Outcome};
use crashrate_testkit::slurm::{Cluster, Size};

use crate::util::{Done, Journal, Place, assert_nothing_left, id, skip, until};

/// Three nodes that run two shards each. None fails: a busy machine may leave a node without time
/// for seconds.
const FULL: Size = Size {
    nodes: 3,
    cpus: 2,
    timeout_secs: 60,
};

/// A node is down after 4 s without a sign of life.
const FAILING: Size = Size {
    timeout_secs: 4,
    ..FULL
};

/// Two of the nodes are idle while six shards run, and take the shards of two that fail.
const HALF_FULL: Size = Size {
    nodes: 4,
    cpus: 3,
    ..FAILING
};

struct Slurm {
    // Dropped first: its processes use the place.
    cluster: Cluster,
    place: Place,
}

/// A cluster, unless this machine cannot have one.
fn slurm(size: Size) -> Option<Slurm> {
    if let Some(why) = Cluster::why_not() {
        skip(&why);
        return None;
    }
    let place = Place::new();
    let cluster = Cluster::start(&place.path().join("cluster"), size).unwrap();
    Some(Slurm { cluster, place })
}

impl Slurm {
    fn crashrate(&self, args: &[&str]) -> Done {
        let mut command = self.cluster.inside(&self.place.command(args));
        self.place.start(&mut command).wait()
    }

    /// What a command of Slurm prints.
    fn ask(&self, line: &str) -> String {
        let mut words = line.split(' ');
        let mut command = self.place.command_of(words.next().unwrap(), &[]);
        command.args(words);
        let done = self.place.start(&mut self.cluster.inside(&command)).wait();
        done.stdout
    }

    /// Submits a job and returns it.
    fn submit(&self, args: &[&str]) -> Job<'_> {
        let submit = ["submit", "--on", "slurm", "--job", "job", "--memory", "100"];
        self.crashrate(&[&submit[..], args].concat()).expect(0);
        let folder = self.place.path().join("job");
        let job = fs::read_to_string(folder.join("job.toml")).unwrap();
        let ids: toml::Table = job.parse().unwrap();
        let number = |part: &str| ids["ids"][part].as_str().unwrap().to_owned();
        Job {
            slurm: self,
            folder,
            shards: number("shards"),
            merge: number("merge"),
        }
    }
}

struct Job<'a> {
    slurm: &'a Slurm,
    folder: PathBuf,
    shards: String,
    merge: String,
}

impl Job<'_> {
    fn runs(&self) -> Vec<PathBuf> {
        let runs = fs::read_dir(self.folder.join("runs")).unwrap().flatten();
        let runs = runs.map(|entry| entry.path());
        runs.filter(|run| run.join("journal.jsonl").is_file())
            .collect()
    }

    /// The counted ends of all shards so far.
    fn ends(&self) -> Vec<Ended> {
        let journals = self.runs().into_iter().map(|run| Journal::read(&run));
        let ends = journals.flat_map(|journal| journal.ended);
        ends.filter(|end| end.outcome.counts()).collect()
    }

    /// Waits until the merge has ended, and returns its exit code.
    fn exit_code(&self) -> i32 {
        let show = format!("scontrol --oneliner show job {}", self.merge);
        let ended = ["COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL"];
        let state = |text: &str| field(text, "JobState");
        until("the merge has ended", || {
            ended.contains(&state(&self.slurm.ask(&show)).as_str())
        });
        let code = field(&self.slurm.ask(&show), "ExitCode");
        code.split(':').next().unwrap().parse().unwrap()
    }

    /// All output of the scripts, for messages of failed tests.
    fn logs(&self) -> String {
        let logs = fs::read_dir(self.folder.join("logs")).unwrap().flatten();
        let logs = logs.map(|log| {
            let text = fs::read_to_string(log.path()).unwrap();
            format!("--- {}\n{text}", log.file_name().display())
        });
        logs.collect::<String>() + &self.slurm.cluster.logs()
    }

    fn merged(&self) -> Journal {
        Journal::read(&self.folder.join("merged"))
    }

    fn assert_nothing_left(&self) {
        for run in self.runs() {
            assert_nothing_left(&id(&run));
        }
    }
}

fn field(text: &str, name: &str) -> String {
    let fields = text.split_whitespace();
    let mut values = fields.filter_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    values.next().unwrap_or_default().to_owned()
}

/// The outcome of each round of each unit, which has only one.
#[track_caller]
fn outcomes(journal: &Journal) -> BTreeMap<(String, u32), Outcome> {
    let mut outcomes = BTreeMap::new();
    for end in journal.ended.iter().filter(|end| end.outcome.counts()) {
        let unit = &journal.opened[0].run.units[end.unit as usize];
        let name = format!("{} {:?} {}", unit.name, unit.mode, unit.variant);
        let double = outcomes.insert((name, end.round), end.outcome);
        assert!(double.is_none(), "{end:?}");
    }
    outcomes
}

#[test]
fn shards_on_three_nodes_give_the_results_of_one_run() {
    give_the_results_of_one_run("12");
}

/// `cargo xtask verify slurm`.
#[test]
#[ignore = "takes minutes"]
fn sixty_blocks_give_the_results_of_one_run() {
    give_the_results_of_one_run("60");
}

fn give_the_results_of_one_run(blocks: &str) {
    let Some(slurm) = slurm(FULL) else { return };
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/any-command.toml");
    let suite = suite.to_str().unwrap();
    let rounds = ["-n", blocks, "--seed", "7", "--evidence", "none", suite];
    let job = slurm.submit(&[&["--shards", "6"], &rounds[..]].concat());
    assert_eq!(job.exit_code(), 100, "{}", job.logs());
    let status = slurm.crashrate(&["status", "job"]).expect(0).stdout;
    assert_eq!(status.matches("complete").count(), 6, "{status}");
    let run = [&["run", "--quiet"], &rounds[..]].concat();
    slurm.place.crashrate(&run).expect(100);
    let (merged, whole) = (job.merged(), slurm.place.journal());
    assert_eq!(outcomes(&merged), outcomes(&whole));
    let machines = merged.opened[0].run.merged.as_ref().unwrap();
    let host = |shard: u32| {
        let shard = &machines.shards[shard as usize];
        shard.machine["host"].clone()
    };
    let mut hosts: Vec<String> = (0..6).map(host).collect();
    hosts.sort();
    hosts.dedup();
    assert_eq!(hosts, ["n1", "n2", "n3"]);
    job.assert_nothing_left();
}

/// Every seventh round crashes.
const SLOW: &str = r#"
[[chapter]]
id = "one"
command = ["sh", "-c", "sleep 0.3; [ $((CRASHRATE_ROUND % 7)) != 0 ] || kill -SEGV $$"]

[[chapter]]
id = "two"
command = ["sleep", "0.3"]
"#;

/// How long a node is cut off.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// Until Slurm has given it up.
    Short,
    /// Until another node has started its shards again, while their old tasks still run.
    Long,
}

fn job<'a>(slurm: &'a Slurm, (folder, shards, merge): &(PathBuf, String, String)) -> Job<'a> {
    Job {
        slurm,
        folder: folder.clone(),
        shards: shards.clone(),
        merge: merge.clone(),
    }
}

/// One node is powered off in the middle. The network of another is cut off: its tasks live on.
fn a_node_dies_and_another_is_cut_off(rounds: u32, cut: Cut) {
    let size = match cut {
        Cut::Short => FAILING,
        Cut::Long => HALF_FULL,
    };
    let Some(mut slurm) = slurm(size) else { return };
    slurm.place.suite(SLOW);
    let n = rounds.to_string();
    let args = [
        "--shards",
        "6",
        "-n",
        &n,
        "--seed",
        "7",
        "--evidence",
        "none",
        "suite.toml",
    ];
    let ids = {
        let job = slurm.submit(&args);
        until("each shard has a result", || {
            job.runs().len() == 6 && job.ends().len() > 12
        });
        (job.folder, job.shards, job.merge)
    };
    slurm.cluster.power_off(1).unwrap();
    slurm.cluster.cut(2).unwrap();
    until("Slurm has given both nodes up", || {
        slurm
            .ask("sinfo --noheader --states down --format %D")
            .trim()
            == "2"
    });
    if cut == Cut::Long {
        until("a shard waits for its old task", || {
            job(&slurm, &ids)
                .logs()
                .contains("another crashrate is running this shard")
        });
    }
    slurm.cluster.join(2).unwrap();
    let job = job(&slurm, &ids);
    assert_eq!(job.exit_code(), 100, "{}", job.logs());
    let merged = job.merged();
    let all = outcomes(&merged);
    assert_eq!(all.len(), 2 * rounds as usize, "{}", job.logs());
    for ((unit, round), outcome) in all {
        let expected = match unit.starts_with("one") && round % 7 == 0 {
            true => Outcome::Crashed,
            false => Outcome::Passed,
        };
        assert_eq!(outcome, expected, "{unit} {round}");
    }
    let lost = merged
        .ended
        .iter()
        .filter(|end| end.outcome == Outcome::Lost);
    assert!(lost.count() >= 1, "no lost attempt: {}", job.logs());
    // Each shard has one run, which its requeued tasks continued.
    assert_eq!(job.runs().len(), 6, "{}", job.logs());
    job.assert_nothing_left();
}

#[test]
fn every_round_counts_once_although_nodes_fail() {
    a_node_dies_and_another_is_cut_off(48, Cut::Short);
}

/// `cargo xtask verify slurm`.
#[test]
#[ignore = "takes minutes"]
fn every_round_counts_once_ten_times() {
    for time in 1..=10 {
        eprintln!("{time} of 10");
        a_node_dies_and_another_is_cut_off(300, Cut::Long);
    }
}

/// True rates of 0.9 and 0.4. The four shards keep step: each starts a block when all have ended
/// their last one. After five blocks, a shard waits for `go`: those of all shards decide, those of
/// one do not.
const TWO_RATES: &str = r#"
bad = ["failed"]

[defaults]
rounds = 400

[[chapter]]
id = "x"
command = ["sh", "-c", """
until [ -e begin ]; do sleep 0.05; done
[ $CRASHRATE_ROUND -le 20 ] || until [ -e go ]; do sleep 0.05; done
last=$(((CRASHRATE_ROUND - 1) / 4 * 4))
for round in $(seq $((last - 3)) $last); do
    [ $round -lt 1 ] || until [ -e often-$round ] && [ -e rarely-$round ]; do sleep 0.05; done
done
touch $CRASHRATE_VARIANT-$CRASHRATE_ROUND
exit $((CRASHRATE_SEED / DIGIT % 10 < BAD))"""]

[[variant]]
id = "often"
env = { DIGIT = "1", BAD = "9" }

[[variant]]
id = "rarely"
env = { DIGIT = "10", BAD = "4" }
"#;

#[test]
fn the_rest_is_cancelled_when_the_answer_is_in() {
    let Some(slurm) = slurm(FULL) else { return };
    slurm.place.suite(TWO_RATES);
    let watch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/engines/slurm-watch.sh");
    let watch = fs::read_to_string(watch).unwrap();
    let ready = slurm.place.path().join("ready");
    let begin = format!(
        "until [ -e {} ]; do sleep 0.05; done\n@crashrate@ status",
        ready.display()
    );
    let watch = watch.replace("--watch --stop", "--watch --stop --every 500ms");
    let held = watch.replace("\n@crashrate@ status", &format!("\n{begin}"));
    assert_ne!(held, watch);
    slurm.place.write("own/slurm-watch.sh", held);
    let job = slurm.submit(&[
        "--shards",
        "4",
        "--templates",
        "own",
        "--seed",
        "8",
        "--until",
        "decided",
        "--evidence",
        "none",
        "--variant",
        "often",
        "--variant",
        "rarely",
        "suite.toml",
    ]);
    // A block counts when those that began before it have ended. These are at least the first four
    // of each shard, and all five of the fastest: with this seed, 13 decide.
    let has_begun = |run: &PathBuf| {
        let journal = fs::read_to_string(run.join("journal.jsonl"));
        journal.is_ok_and(|journal| journal.contains("\"rec\":\"started\""))
    };
    until("each shard has begun", || {
        job.runs().iter().filter(|run| has_begun(run)).count() == 4
    });
    slurm.place.write("begin", "");
    until("all shards wait", || job.ends().len() == 4 * 10);
    slurm.place.write("ready", "");
    until("the watch has stopped the shards", || {
        let logs = job.logs();
        logs.contains("the other shards are cancelled")
            && logs.matches("stopping: waiting for running").count() == 4
    });
    slurm.place.write("go", "");
    assert_eq!(job.exit_code(), 100, "{}", job.logs());
    let report = slurm
        .place
        .crashrate(&["report", job.folder.join("merged").to_str().unwrap()]);
    let verdict = "rarely fails less often";
    assert!(report.stdout.contains(verdict), "{}", report.stdout);
    // Each shard ends the round that it has begun.
    assert!(job.ends().len() <= 4 * 11, "{}", job.ends().len());
    job.assert_nothing_left();
}

/// Slurm signals all processes of a task at once, as at a time limit.
#[test]
fn a_cancelled_job_has_no_crash() {
    let Some(slurm) = slurm(FULL) else { return };
    slurm
        .place
        .suite("[[chapter]]\nid = \"s\"\ncommand = [\"sleep\", \"0.5\"]\n");
    let job = slurm.submit(&["--shards", "4", "-n", "400", "suite.toml"]);
    until("each shard has a result", || {
        job.runs().len() == 4 && job.ends().len() > 4
    });
    slurm.ask(&format!("scancel {}", job.shards));
    assert_eq!(job.exit_code(), 106, "{}", job.logs());
    let merged = job.merged();
    let outcomes = merged.ended.iter().map(|end| end.outcome);
    let is_as_expected = |outcome| matches!(outcome, Outcome::Passed | Outcome::Interrupted);
    assert!(outcomes.clone().all(is_as_expected), "{:?}", merged.ended);
    assert!(
        outcomes
            .clone()
            .any(|outcome| outcome == Outcome::Interrupted),
        "{}",
        job.logs()
    );
    job.assert_nothing_left();
}

/// The shards are submitted for later, so that they can be held and cancelled before they start.
#[test]
fn held_tasks_are_released_and_cancelled_ones_are_resumed() {
    let Some(slurm) = slurm(FULL) else { return };
    slurm
        .place
        .suite("[[chapter]]\nid = \"s\"\ncommand = [\"true\"]\n");
    let later = "--sbatch=--begin=now+1hour";
    let job = slurm.submit(&["--shards", "2", "-n", "4", later, "suite.toml"]);
    slurm.ask(&format!("scontrol hold {}_2", job.shards));
    let status = || slurm.crashrate(&["status", "job"]).expect(0).stdout;
    let held = status();
    assert!(held.contains("held: JobHeldAdmin"), "{held}");
    let release = format!("scontrol release {}_2", job.shards);
    assert!(held.contains(&format!("release {release}\n")), "{held}");
    slurm.ask(&release);
    let released = status();
    assert!(!released.contains("held"), "{released}");
    slurm.ask(&format!("scancel {}", job.shards));
    assert_eq!(job.exit_code(), 96, "{}", job.logs());
    let resume = ["submit", "--resume", "job", "--time", "10m"];
    slurm
        .crashrate(&[&resume[..], &["--sbatch=--begin=now"]].concat())
        .expect(0);
    let text = fs::read_to_string(job.folder.join("job.toml")).unwrap();
    let ids: toml::Table = text.parse().unwrap();
    let number = |part: &str| ids["ids"][part].as_str().unwrap().to_owned();
    let show = format!("scontrol --oneliner show job {}", number("shards"));
    assert!(slurm.ask(&show).contains("TimeLimit=00:10:00"));
    let resumed = Job {
        shards: number("shards"),
        merge: number("merge"),
        ..job
    };
    assert_eq!(resumed.exit_code(), 0, "{}", resumed.logs());
    resumed.assert_nothing_left();
}
