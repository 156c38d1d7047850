//! Reports made to the described format, and mutations of them.

use proptest::prelude::*;

use super::*;

const REPORT: &str = include_str!("../../fixtures/worker.ips");

#[test]
fn a_report_is_read() {
    let report = Report::read(REPORT).unwrap();
    assert_eq!(
        (report.pid, report.process.as_str()),
        (4711, "crashrate-worker")
    );
    let crash = &report.crash;
    assert_eq!(crash.class, "SEGV_NULL");
    assert_eq!(crash.fault.as_ref().unwrap().address, Hex(8));
    assert_eq!(crash.threads.len(), 2);
    let thread = crash.main_thread().unwrap();
    assert_eq!((thread.tid, thread.name.as_str()), (90_002, "worker 3"));
    assert_eq!(
        crash.signature,
        "v1 | SEGV_NULL | libtorch_cpu.dylib!at::native::mps::MPSStream::copy"
    );
    assert_eq!(
        crash.modules[1].build_id.as_deref(),
        Some("11111111-2222-3333-4444-555555555555")
    );
}

#[test]
fn it_is_matched_by_pid_and_time() {
    let report = Report::read(REPORT).unwrap();
    let at = seconds("2025-12-22 09:15:01 +0000").unwrap();
    assert_eq!(at, 1_766_394_901);
    assert!(report.is_of(4711, at - 10, at + 1));
    assert!(!report.is_of(4712, at - 10, at + 1));
    assert!(!report.is_of(4711, at + 100, at + 200));
    assert!(!report.is_of(4711, at - 200, at - 100));
}

/// Regression, found by fuzzing: the offset of a zone with twenty digits overflowed.
#[test]
fn an_endless_zone_is_no_time() {
    for zone in ["11111111111111111111", "+9223372036854775807", "-99999"] {
        assert_eq!(seconds(&format!("2025-12-22 10:15:00.1 {zone}")), None);
    }
    assert!(seconds("2025-12-22 10:15:00.1 -9999").is_some());
}

#[test]
fn other_reports_are_passed_over() {
    for text in [
        "",
        "\n",
        "{}\n{}",
        "{\"bug_type\":\"298\"}\n{}",
        "{\"bug_type\":309}\n[]",
        "x\ny",
    ] {
        assert_eq!(Report::read(text), None, "{text}");
    }
    let bare = Report::read("{\"bug_type\":309}\n{}").unwrap();
    assert_eq!(bare.crash.signature, "v1 | unknown | no stack");
    assert!(
        bare.is_of(0, 1, 2),
        "a time that is not there does not count against it"
    );
}

/// Every value of the report in turn is another one.
fn mutate(value: &mut Value, place: &mut usize, with: &Value) {
    if *place == 0 {
        *value = with.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mutate(item, place, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| mutate(field, place, with)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_mutation_is_too_odd(place in 0usize..120, kind in 0usize..7) {
        let with = [
            Value::Null, Value::from(-1), Value::from(u64::MAX), Value::from(0.5), Value::from("0xZZ é"),
            serde_json::json!([[], {}, 1]), serde_json::json!({"a": 1}),
        ][kind].clone();
        let (header, body) = REPORT.split_once('\n').unwrap();
        let mut body: Value = serde_json::from_str(body).unwrap();
        mutate(&mut body, &mut place.clone(), &with);
        if let Some(report) = Report::read(&format!("{header}\n{body}")) {
            prop_assert!(report.crash.signature.starts_with("v1 | "));
        }
    }

    #[test]
    fn a_torn_report_is_no_report_and_no_panic(end in 0usize..REPORT.len()) {
        if let Some(text) = REPORT.get(..end) {
            let _ = Report::read(text);
        }
    }

    #[test]
    fn no_time_is_too_odd(text in "[0-9:. +é-]{0,30}") {
        let _ = seconds(&text);
    }
}
