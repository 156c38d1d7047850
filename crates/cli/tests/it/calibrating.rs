//! A run that is calibrating its fault is labelled so in lists, reports and pages.

use std::io::{Read, Write};
use std::net::TcpStream;

use crashrate_testkit::programs;
use nix::sys::signal::Signal;

use crate::util::{Place, until};

fn place() -> Place {
    let place = Place::new();
    place.worker_suite(
        &programs().sequence_runner,
        "[fault]\nkind = \"tensor-lifetime\"\ndose = \"calibrated\"\n\
         [[chapter]]\nid = \"dies\"\nworker = \"act\"\n\
         params = { act = \"segfault\", when_dose = 37, secs = 0.5 }\nrounds = 2\n\
         [[sequence]]\nid = \"story\"\nchapters = [\"dies\"]\nrounds = 3\n",
    );
    place
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn a_calibrating_run_is_labelled_in_lists_reports_and_pages() {
    for command in ["run", "calibrate"] {
        let place = place();
        let live = place.start(&mut place.command(&[command, "suite.toml"]));
        until("a cohort runs", || {
            let runs = place.runs();
            runs.iter()
                .any(|run| run.join("calibration").is_dir() && run.join("run.toml").is_file())
        });
        let runs = words(&place.crashrate(&["runs"]).expect(0).stdout);
        assert!(runs.contains("calibrating"), "{runs}");
        assert!(runs.contains(&place.name), "{runs}");
        for report in [&["report"][..], &["report", "1"]] {
            let said = words(&place.crashrate(report).expect(0).stdout);
            assert!(said.contains("is calibrating the fault: "), "{said}");
        }
        let json = place.crashrate(&["report", "--format", "json"]).expect(106);
        assert!(json.stderr.contains("calibrating"), "{}", json.stderr);

        let server = place.start(&mut place.command(&["serve", "--bind", "127.0.0.1:0"]));
        until("the server listens", || server.stdout().contains("http://"));
        let said = server.stdout();
        let address = said
            .trim()
            .rsplit("http://")
            .next()
            .unwrap()
            .trim_end_matches('/');
        assert!(page(address, "/").contains("calibrating"));
        let run = crate::util::id(&place.run());
        let shown = page(address, &format!("/runs/{run}"));
        assert!(shown.contains("is calibrating the fault: "), "{shown}");

        live.signal(Signal::SIGTERM);
        live.wait().expect(106);
        let runs = words(&place.crashrate(&["runs"]).expect(0).stdout);
        assert!(runs.contains("calibration only"), "{runs}");
    }
}
