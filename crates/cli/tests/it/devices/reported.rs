//! Reports of runs on several devices.

use crashrate_model::{Device, Disturbance, Outcome, Record, RunInfo, StopReason};

use super::says;
use crate::made_journal::{Made, alone};
use crate::util::Place;

/// A run on two devices: the second one crashes in every round, and the first three rounds of each
/// device ran beside other work.
fn made() -> Place {
    let device = |name: &str| Device {
        name: name.into(),
        visible: Some("0".into()),
        model: Some("NVIDIA H200".into()),
        ..Device::default()
    };
    let mut made = Made::of(RunInfo {
        units: vec![alone("a", "default", 20)],
        devices: vec![device("cuda:0"), device("cuda:1")],
        jobs: 2,
        ..RunInfo::default()
    });
    for round in 1..=20 {
        let device = round % 2;
        made.end(
            0,
            round,
            [Outcome::Passed, Outcome::Crashed][device as usize],
        );
        let Some(Record::Ended(ended)) = made.records.last_mut() else {
            unreachable!("an end was pushed")
        };
        ended.device = Some(device);
        ended.disturbance = (round <= 6).then(|| {
            Box::new(Disturbance {
                processes: vec!["python3 (7)".into()],
                load: (round <= 2).then_some(45.2),
                slept: None,
            })
        });
    }
    made.close(StopReason::Done);
    let place = Place::new();
    made.put(&place, 1);
    place
}

#[test]
fn reports_compare_devices_and_rounds_beside_other_work() {
    let place = made();
    let stdout = place.crashrate(&["report"]).expect(0).stdout;
    for part in [
        "NVIDIA H200",
        "the crash rate differs between devices (p = ",
        "Disturbed: 6 of 20 rounds (2 under load, 6 beside other processes on the GPU). Bad with \
         them: 10/20;",
        "without them: 7/14.",
    ] {
        assert!(says(&stdout, part), "{part}\n{stdout}");
    }
    let full = place.full();
    assert!(full.contains("Disturbed rounds"), "{full}");
    let json = place.json();
    assert_eq!(json["devices"][1]["first_attempt"]["bad"], 10);
    assert_eq!(json["devices"][1]["units"][0]["first_attempt"]["bad"], 10);
    assert_eq!(json["device_tests"][0]["differs"], true);
    assert_eq!(json["disturbances"]["undisturbed"]["bad"], 7);
    assert_eq!(json["totals"]["first_attempt"]["n"], 20, "none is dropped");
    let csv = place
        .crashrate(&["report", "--format", "csv"])
        .expect(0)
        .stdout;
    assert_eq!(csv.matches(",load+processes,").count(), 2, "{csv}");
}
