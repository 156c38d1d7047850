//! Damaged journals: whatever happens to their bytes, no count, signature or verdict changes
//! silently.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crashrate_model::{Lines, Record};
use crashrate_report::{ViewBuilder, json};
use crashrate_supervisor::journal::read_from;
use serde_json::Value;

use crate::util::{Live, Place, journal_of, records, until};

/// The JSON report of a journal, as `crashrate report --format json` prints it.
fn report(journal: &[u8]) -> Result<Value, String> {
    let mut builder = ViewBuilder::new();
    for record in read_from(journal, Path::new("journal.jsonl")) {
        let record = record.map_err(|error| error.to_string())?;
        builder.push(&record).map_err(|error| error.to_string())?;
    }
    let view = builder
        .finish(crashrate_report::RunState::Ended)
        .map_err(|error| error.to_string())?;
    Ok(serde_json::from_str(&json(&view)).unwrap())
}

/// A journal with every kind of record except those about forking. It has passes, crashes,
/// failures, retries and a sequence.
fn real_journal() -> (Place, Vec<u8>) {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 6
        [[chapter]]
        id = "passes"
        command = ["true"]
        [[chapter]]
        id = "crashes"
        command = ["sh", "-c", "kill -SEGV $$"]
        [[chapter]]
        id = "fails"
        retries = 1
        command = ["sh", "-c", "echo no; exit 3"]
        [[sequence]]
        id = "both"
        chapters = ["passes", "crashes"]
        command = ["sh", "-c", 'printf "{\"v\":1,\"event\":\"chapter-started\",\"chapter\":\"passes\"}\n{\"v\":1,\"event\":\"chapter-passed\",\"chapter\":\"passes\"}\n" >&3; exit 4']
        "#,
    );
    place
        .crashrate(&["run", "suite.toml", "--seed", "1"])
        .expect(100);
    let journal = fs::read(place.run().join("journal.jsonl")).unwrap();
    (place, journal)
}

/// A pseudo-random number generator that gives the same numbers in every run of the test.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // Knuth's 64-bit linear congruential generator. Its high bits are the most random.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn lines(journal: &[u8]) -> Vec<&[u8]> {
    journal.split_inclusive(|&b| b == b'\n').collect()
}

#[test]
fn every_flipped_bit_is_an_error_that_names_its_line() {
    let (_place, journal) = real_journal();
    report(&journal).unwrap();
    let mut random = Random::new(1);
    for _ in 0..3000 {
        let (at, bit) = (random.below(journal.len()), random.below(8));
        let mut flipped = journal.clone();
        flipped[at] ^= 1 << bit;
        let line = 1 + journal[..at].iter().filter(|&&b| b == b'\n').count();
        let says = format!("journal.jsonl:{line}: ");
        match report(&flipped) {
            Err(error) => assert!(error.starts_with(&says), "byte {at}, bit {bit}: {error}"),
            Ok(_) => panic!("byte {at}, bit {bit} of line {line} was not noticed"),
        }
    }
}

#[test]
#[ignore = "minutes without optimization: cargo xtask verify journals"]
fn every_bit_of_a_journal() {
    let (_place, journal) = real_journal();
    for at in 0..journal.len() {
        for bit in 0..8 {
            let mut flipped = journal.clone();
            flipped[at] ^= 1 << bit;
            report(&flipped).unwrap_err();
        }
    }
}

/// The remaining records count as before. Cut-off records become missing rounds, never different
/// results, and the run has no end.
#[test]
fn a_shortened_journal_is_an_incomplete_run() {
    let (_place, journal) = real_journal();
    let whole = report(&journal).unwrap();
    assert_eq!(whole["run"]["complete"], true);
    let all = records_of(&journal);
    let mut random = Random::new(2);
    for _ in 0..1000 {
        // Complete lines read as the same records. A torn last line is ignored.
        let left = &journal[..random.below(journal.len())];
        let kept = left.iter().filter(|&&b| b == b'\n').count();
        assert_eq!(records_of(left), all[..kept]);
    }
    report(&journal[..0]).unwrap_err();
    for kept in 1..all.len() {
        let short = report(&journal_of(&all[..kept])).unwrap();
        assert_eq!(short["run"]["finished"], Value::Null, "{kept}");
        let first = |r: &&Record| matches!(r, Record::Ended(ended) if ended.attempt == 1);
        let firsts = all[..kept].iter().filter(first).count();
        assert_eq!(short["totals"]["first_attempt"]["n"], firsts, "{kept}");
        let planned = short["totals"]["planned"].as_u64().unwrap();
        assert_eq!(short["run"]["complete"], firsts as u64 == planned, "{kept}");
    }
}

fn records_of(journal: &[u8]) -> Vec<Record> {
    let records = read_from(journal, Path::new("journal.jsonl"));
    records.collect::<Result<_, _>>().unwrap()
}

/// Inserts copies of the journal's own lines, lines of another run, well-formed lines and garbage.
/// None of them is accepted.
#[test]
fn an_inserted_or_appended_line_is_an_error() {
    let (_place, journal) = real_journal();
    let (_other_place, other) = real_journal();
    let (own, others) = (lines(&journal), lines(&other));
    let mut well_made = Vec::new();
    let mut begin = Lines::default();
    begin.write(&records_of(&other)[3], &mut well_made).unwrap();
    let mut random = Random::new(3);
    for round in 0..500 {
        let foreign = match round % 4 {
            0 => own[random.below(own.len())].to_vec(),
            1 => others[random.below(others.len())].to_vec(),
            2 => well_made.clone(),
            _ => b"garbage \xff\n".to_vec(),
        };
        let place = match round % 3 {
            0 => own.len(),
            _ => random.below(own.len()),
        };
        let mut with = own[..place].concat();
        with.extend(&foreign);
        with.extend(own[place..].concat());
        report(&with).unwrap_err();
    }
    // Without its newline the appended line is torn, and torn lines are never read.
    let mut torn = journal.clone();
    torn.extend(&well_made[..well_made.len() - 1]);
    assert_eq!(report(&torn), report(&journal));
}

#[test]
fn lines_that_are_removed_repeated_or_swapped_are_an_error() {
    let (_place, journal) = real_journal();
    let own = lines(&journal);
    for at in 0..own.len() - 1 {
        let mut removed = own.clone();
        removed.remove(at);
        let mut repeated = own.clone();
        repeated.insert(at, own[at]);
        let mut swapped = own.clone();
        swapped.swap(at, at + 1);
        for changed in [removed, repeated, swapped] {
            report(&changed.concat()).unwrap_err();
        }
    }
}

/// A journal may record the end of an attempt only once.
#[test]
fn two_ends_of_an_attempt_are_an_error_for_report_and_resume() {
    let (place, journal) = real_journal();
    let mut all = records_of(&journal);
    let end = all
        .iter()
        .position(|record| matches!(record, Record::Ended(_)));
    let end = end.unwrap();
    all.insert(end + 1, all[end].clone());
    fs::write(place.run().join("journal.jsonl"), journal_of(&all)).unwrap();
    for args in [&["report", "1"][..], &["run", "--resume", "1"]] {
        let done = place.crashrate(args).expect(96);
        assert!(done.stderr.contains("two ends"), "{}", done.stderr);
        assert_eq!(done.stdout, "");
    }
}

/// Regression: one flipped bit in the key `chapters` made all chapters count as unreached.
#[test]
fn a_damaged_key_is_named_by_the_report() {
    let (place, _) = real_journal();
    let path = place.run().join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    for key in ["chapters", "exit", "outcome", "signature"] {
        let last = text.rfind(&format!("\"{key}\":")).unwrap() + key.len();
        let mut bytes = text.clone().into_bytes();
        bytes[last] ^= 1;
        let line = 1 + text[..last].matches('\n').count();
        fs::write(&path, bytes).unwrap();
        let done = place.crashrate(&["report", "1"]).expect(96);
        let says = format!("error: {}:{line}: the checksum is wrong", path.display());
        assert!(done.stderr.starts_with(&says), "{}", done.stderr);
    }
}

/// Starts a run whose second round waits for the file `go`.
fn waiting(place: &Place) -> Live {
    place.suite(
        "[[chapter]]\nid = \"wait\"\nrounds = 3\ncommand = [\"sh\", \"-c\", \"[ $CRASHRATE_ROUND = 1 ] || { : > waits; while [ ! -e go ]; do sleep 0.02; done; }\"]\n",
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("round 2 runs", || place.path().join("waits").exists());
    live
}

/// Regression: the report at the end of a run trusted a journal that was emptied, shortened or
/// replaced during the run.
#[test]
fn a_journal_changed_by_another_program_ends_the_run() {
    type Change<'c> = &'c (dyn Fn(&Path) + Sync);
    let append = |journal: &Path, text: &[u8]| {
        let mut file = OpenOptions::new().append(true).open(journal).unwrap();
        file.write_all(text).unwrap();
    };
    let replace = |journal: &Path| {
        let copy = journal.with_extension("copy");
        fs::copy(journal, &copy).unwrap();
        fs::rename(copy, journal).unwrap();
    };
    let shorten = |journal: &Path| {
        let file = File::options().write(true).open(journal).unwrap();
        file.set_len(file.metadata().unwrap().len() - 9).unwrap();
    };
    let changes: [(Change<'_>, &str); 5] = [
        (
            &|journal| fs::write(journal, "").unwrap(),
            "shortened by another program",
        ),
        (&shorten, "shortened by another program"),
        (&replace, "replaced by another file"),
        (
            &|journal| append(journal, b"{\"rec\":\"started\"}\n"),
            "written to by another program",
        ),
        (
            &|journal| fs::remove_file(journal).unwrap(),
            "removed or moved",
        ),
    ];
    std::thread::scope(|scope| {
        for (change, what) in changes {
            scope.spawn(move || {
                let place = Place::new();
                let live = waiting(&place);
                let begin = Instant::now();
                change(&place.run().join("journal.jsonl"));
                // The attempt is still running: the supervisor notices the change without writing a
                // record.
                let done = live.wait().expect(110);
                assert!(begin.elapsed() < Duration::from_secs(30));
                assert!(done.stderr.contains(what), "{}", done.stderr);
                let errors = done.stderr.matches("error: ").count();
                assert_eq!(errors, 1, "{}", done.stderr);
                assert_eq!(done.stdout, "", "no report is printed");
            });
        }
    });
}

/// The child overwrites one byte, so the length stays the same. The report detects it by the
/// checksum.
#[test]
fn a_journal_that_a_child_writes_over_has_no_report() {
    let place = Place::new();
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\nrounds = 2\ncommand = [\"sh\", \"-c\", \"printf X | dd of={}/$CRASHRATE_RUN_ID/journal.jsonl bs=1 seek=20 conv=notrunc 2>&-\"]\n",
        place.runs_dir().display()
    ));
    let done = place.crashrate(&["run", "suite.toml"]).expect(110);
    let says = "journal.jsonl:1: the checksum is wrong";
    assert!(done.stderr.contains(says), "{}", done.stderr);
    assert_eq!(done.stdout, "");
}

/// Usual JSON tools can read each line.
#[test]
fn lines_stay_json_objects_with_their_kind() {
    let (place, journal) = real_journal();
    assert_eq!(records(&place.run()).len(), lines(&journal).len());
    for line in lines(&journal) {
        let object: Value = serde_json::from_slice(line).unwrap();
        assert!(
            object["rec"].is_string() && object["sum"].is_string(),
            "{object}"
        );
    }
}
