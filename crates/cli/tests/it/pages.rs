//! `crashrate serve`, queried as a browser does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use crate::util::{Live, Place, id, until};

/// A server that shows the runs of a place.
pub(crate) struct Pages {
    pub(crate) live: Live,
    pub(crate) address: String,
}

impl Pages {
    pub(crate) fn of(place: &Place) -> Pages {
        std::fs::create_dir_all(place.runs_dir()).unwrap();
        let live = place.start(&mut place.command(&["serve", "--bind", "127.0.0.1:0"]));
        until("the server listens", || live.stdout().ends_with('\n'));
        let said = live.stdout();
        let address = said
            .trim()
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap();
        Pages {
            address: address.to_owned(),
            live,
        }
    }

    /// Sends a request and returns the response with its headers.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let host = &self.address;
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    }
}

#[track_caller]
fn assert_status(answer: &str, status: u32) {
    let expected = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&expected), "{status}: {answer:.600}");
}

fn two_rounds() -> Place {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 2\ncommand = [\"true\"]\n");
    place.crashrate(&["run", "suite.toml"]).expect(0);
    place
}

#[test]
fn runs_and_histories_are_shown_and_nothing_can_be_changed() {
    let place = two_rounds();
    let pages = Pages::of(&place);
    let own = id(&place.run());
    let index = pages.get("/");
    assert_status(&index, 200);
    assert!(index.contains(&format!("/runs/{own}")), "{index}");
    let run = pages.get(&format!("/runs/{own}"));
    assert_status(&run, 200);
    assert!(run.contains("2 of 2 rounds passed."), "{run}");
    assert!(
        run.to_lowercase()
            .contains("content-security-policy: default-src 'none'"),
        "{run}"
    );
    assert_status(&pages.get(&format!("/history/{}", place.name)), 200);
    assert_status(&pages.get("/live.js"), 200);
    for method in ["POST", "PUT", "DELETE"] {
        let host = &pages.address;
        let request = format!(
            "{method} /runs/{own} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        assert_status(&pages.ask(&request), 405);
    }
    // Some rounds only.
    assert_status(&pages.get(&format!("/runs/{own}?from=2&to=2")), 200);
    for wrong in ["from=x", "to=0", "from=2&to=1", "to=99999999999999999999"] {
        let page = pages.get(&format!("/runs/{own}?{wrong}"));
        assert_status(&page, 400);
        assert!(
            page.contains("such as ?from=1&amp;to=200"),
            "{wrong}: {page}"
        );
    }
    // The updates of a run that has ended: all parts, once.
    let updates = pages.get(&format!("/runs/{own}/events"));
    assert_status(&updates, 200);
    assert!(updates.contains("text/event-stream"), "{updates}");
    assert!(updates.contains("\"live\":false"), "{updates}");
    assert_eq!(updates.matches("data: ").count(), 1, "{updates}");
    pages.live.signal(Signal::SIGINT);
    pages.live.wait().expect(0);
}

#[test]
fn nothing_outside_the_runs_folder_is_shown() {
    let place = two_rounds();
    let other = two_rounds();
    // A link to a run folder elsewhere, and a run folder with a link to a journal elsewhere.
    symlink(other.run(), place.runs_dir().join("7-elsewhere-1-1")).unwrap();
    let inside = place.runs_dir().join("8-linked-1-1");
    std::fs::create_dir(&inside).unwrap();
    symlink(
        other.run().join("journal.jsonl"),
        inside.join("journal.jsonl"),
    )
    .unwrap();
    let pages = Pages::of(&place);
    for path in [
        "/runs/7-elsewhere-1-1",
        "/runs/8-linked-1-1",
        "/runs/..",
        "/runs/%2e%2e",
        "/runs/..%2f..%2fsuite.toml",
        "/runs/%2fetc%2fpasswd",
        "/runs/",
        "/../suite.toml",
        "/history/..%2f",
        "/etc/passwd",
        "/runs/1-x/journal.jsonl",
        &format!("/history/{}", other.name),
    ] {
        assert_status(&pages.get(path), 404);
    }
    let index = pages.get("/");
    assert!(
        !index.contains("elsewhere") && !index.contains(&other.name),
        "{index}"
    );
    // DNS rebinding: another site resolves its own name to this machine.
    let foreign = "GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n";
    assert_status(&pages.ask(foreign), 403);
    std::fs::remove_dir_all(&inside).unwrap();
    std::fs::remove_file(place.runs_dir().join("7-elsewhere-1-1")).unwrap();
}

#[test]
fn a_live_run_is_shown_so_far() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"sh\", \"-c\", \"while [ ! -e go-$CRASHRATE_ROUND ]; do sleep 0.02; done\"]\n");
    let pages = Pages::of(&place);
    let run = place.start(&mut place.command(&["run", "suite.toml"]));
    until("round 1 runs", || place.journal_so_far().started.len() == 1);
    let path = format!("/runs/{}", id(&place.run()));
    let shown = pages.get(&path);
    assert!(
        shown.contains("0 of 3 planned rounds have a result"),
        "{shown}"
    );
    assert!(
        shown.contains("<body data-live") && shown.contains("x (isolated) round 1, since "),
        "{shown}"
    );
    place.write("go-1", "");
    until("round 1 has ended", || {
        place.journal_so_far().started.len() == 2
    });
    assert!(
        pages
            .get(&path)
            .contains("1 of 3 planned rounds ended so far")
    );
    for go in ["go-2", "go-3"] {
        place.write(go, "");
    }
    run.wait().expect(0);
    let ended = pages.get(&path);
    assert!(
        ended.contains("3 of 3 rounds passed.") && !ended.contains("<body data-live"),
        "{ended}"
    );
}

/// A browser listens: it gets the parts that change until the run ends.
#[test]
fn updates_of_a_live_run_are_sent_until_it_ends() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 2\ncommand = [\"sh\", \"-c\", \"while [ ! -e go-$CRASHRATE_ROUND ]; do sleep 0.02; done\"]\n");
    let pages = Pages::of(&place);
    let run = place.start(&mut place.command(&["run", "suite.toml"]));
    until("round 1 runs", || place.journal_so_far().started.len() == 1);
    let path = format!("/runs/{}/events", id(&place.run()));
    let updates = std::thread::scope(|scope| {
        let listener = scope.spawn(|| pages.get(&path));
        place.write("go-1", "");
        until("round 2 runs", || place.journal_so_far().started.len() == 2);
        place.write("go-2", "");
        listener.join().unwrap()
    });
    run.wait().expect(0);
    let last = updates.rsplit("data: ").next().unwrap();
    assert!(last.contains("\"live\":false"), "{updates}");
    assert!(last.contains("2 of 2 rounds passed."), "{updates}");
}

/// Ctrl-C while an attempt runs.
#[test]
fn a_run_that_is_being_stopped_says_so() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 2\ncommand = [\"sh\", \"-c\", \"while [ ! -e go ]; do sleep 0.02; done\"]\n");
    let pages = Pages::of(&place);
    let run = place.start(&mut place.command(&["run", "suite.toml"]));
    until("round 1 runs", || place.journal_so_far().started.len() == 1);
    run.signal(Signal::SIGINT);
    let path = format!("/runs/{}", id(&place.run()));
    until("the page says it", || {
        pages.get(&path).contains("Stopping: a signal stopped it")
    });
    place.write("go", "");
    run.wait().expect(106);
}

#[test]
fn files_of_a_run_are_shown_as_text() {
    let place = Place::new();
    let run = [
        "run",
        "-n",
        "1",
        "--",
        "sh",
        "-c",
        "echo '<b>why</b>' >&2; exit 1",
    ];
    place.crashrate(&run).expect(100);
    let pages = Pages::of(&place);
    let own = id(&place.run());
    let page = pages.get(&format!("/runs/{own}"));
    let link = page.split("href=\"").find(|link| link.contains("/output/"));
    let link = link.and_then(|link| link.split('"').next()).unwrap();
    let file = pages.get(link);
    assert_status(&file, 200);
    assert!(
        file.contains("content-type: text/plain; charset=utf-8"),
        "{file}"
    );
    assert!(file.contains("<b>why</b>"), "{file}");
    symlink("/etc/passwd", place.run().join("output/linked")).unwrap();
    for other in [
        "output/linked",
        "output/..%2frun.toml",
        "output/.%2e",
        "run.toml",
        "journal.jsonl",
        "output/none",
        "crashes/none",
    ] {
        assert_status(&pages.get(&format!("/runs/{own}/{other}")), 404);
    }
}

#[test]
fn a_torn_or_broken_journal_does_not_end_the_server() {
    let place = two_rounds();
    let path = format!("/runs/{}", id(&place.run()));
    let pages = Pages::of(&place);
    let journal = place.run().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &whole[..whole.len() - 20]).unwrap();
    assert_status(&pages.get(&path), 200);
    std::fs::write(&journal, b"<script>\n{}\n").unwrap();
    let broken = pages.get(&path);
    assert_status(&broken, 500);
    assert!(!broken.contains("<script>\n"), "{broken}");
    assert!(pages.get("/").contains("its journal cannot be read"));
    std::fs::write(&journal, &whole).unwrap();
    assert_status(&pages.get(&path), 200);
}

#[test]
fn a_folder_that_is_not_there_and_an_address_that_is_taken() {
    let place = Place::new();
    let none = place.crashrate(&["serve", "nowhere"]).expect(96);
    assert!(
        none.stderr.starts_with("error: nowhere: cannot be served"),
        "{}",
        none.stderr
    );
    let pages = Pages::of(&place);
    let taken = place
        .crashrate(&["serve", "--bind", &pages.address])
        .expect(96);
    assert!(
        taken.stderr.starts_with("error: cannot listen on"),
        "{}",
        taken.stderr
    );
}
