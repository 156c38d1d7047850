//! Reports built from the format descriptions, and mutations of them.

use proptest::prelude::*;

use super::*;
use crate::crash::Hex;

const REPORT: &str = include_str!("../../fixtures/worker.ips");
const COMMIT: &str = include_str!("../../fixtures/commit.ips");
const ENCODER: &str = include_str!("../../fixtures/encoder.ips");
const EXCEPTION: &str = include_str!("../../fixtures/exc1.ips");
const CODE_SIGNING: &str = include_str!("../../fixtures/unknown32.ips");
const LEGACY: &str = include_str!("../../fixtures/legacy.crash");
const LEGACY_EXCEPTION: &str = include_str!("../../fixtures/exception.crash");

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
fn metal_assertions_differ_by_function_and_message() {
    let commit = Report::read(COMMIT).unwrap().crash;
    assert_eq!(
        commit.signature,
        "v1 | SIGABRT | Metal!MTLReportFailure < IOGPU!-[IOGPUMetalCommandBuffer validate] | \
         commit an already committed command buffer"
    );
    assert_eq!(
        commit.message.as_deref(),
        Some("commit an already committed command buffer")
    );
    let encoder = Report::read(ENCODER).unwrap().crash;
    assert_eq!(
        encoder.signature,
        "v1 | SIGABRT | Metal!MTLReportFailure < \
         AGXMetalG16X!-[AGXG16XFamilyCommandBuffer computeCommandEncoderWithConfig:] | \
         A command encoder is already encoding to this command buffer"
    );
}

#[test]
fn an_exception_is_named_after_the_frame_that_threw_it() {
    let crash = Report::read(EXCEPTION).unwrap().crash;
    assert_eq!(
        crash.signature,
        "v1 | ABRT_TERMINATE | CoreFoundation!__exceptionPreprocess < \
         CoreFoundation!-[__NSArrayM insertObject:atIndex:] < app!-[MyList add:] | \
         NSInvalidArgumentException: nil"
    );
    assert_eq!(crash.main_thread().unwrap().name, "exception backtrace");
    assert_eq!((crash.threads.len(), crash.thread), (2, Some(1001)));
    let legacy = Report::read(LEGACY_EXCEPTION).unwrap().crash;
    assert_eq!(
        legacy.signature,
        "v1 | ABRT_TERMINATE | CoreFoundation!__exceptionPreprocess < \
         CoreFoundation!-[__NSArrayM objectAtIndexedSubscript:] < app!-[MyList(Reading) third] | \
         NSRangeException: *** -[__NSArrayM objectAtIndexedSubscript:]: index N beyond bounds [N .. N]"
    );
}

#[test]
fn class_and_address_of_a_fault() {
    let report = Report::read(CODE_SIGNING).unwrap();
    let crash = &report.crash;
    assert!(report.code_signing);
    assert_eq!(crash.fault.as_ref().unwrap().address, Hex(0x1_0101_c000));
    assert_eq!(
        (crash.class.as_str(), crash.signal.as_deref()),
        ("KILL_CODESIGNING", Some("SIGKILL"))
    );
    assert_eq!(crash.signature, "v1 | KILL_CODESIGNING | app!f");
    let read = |exception: &str| {
        let body = format!("{{\"bug_type\":309}}\n{{\"exception\":{exception}}}");
        let crash = Report::read(&body).unwrap().crash;
        (crash.class, crash.fault.map(|fault| fault.address.0))
    };
    for (exception, class, address) in [
        (
            r#"{"type":"EXC_BAD_ACCESS","signal":"SIGSEGV","rawCodes":[1,8]}"#,
            "SEGV_NULL",
            Some(8),
        ),
        (
            r#"{"type":"EXC_BAD_ACCESS","signal":"SIGSEGV","rawCodes":[13,0],"subtype":"EXC_I386_GPFLT"}"#,
            "SIGSEGV",
            None,
        ),
        (
            r#"{"type":"EXC_BREAKPOINT","signal":"SIGTRAP","rawCodes":[1,6500000000]}"#,
            "SIGTRAP",
            None,
        ),
        (
            r#"{"type":"EXC_BAD_ACCESS","signal":"SIGBUS","subtype":"KERN_PROTECTION_FAILURE at 0x16f5bfff8"}"#,
            "SEGV_WILD",
            Some(0x1_6f5b_fff8),
        ),
        (r#"{"type":"EXC_GUARD"}"#, "EXC_GUARD", None),
    ] {
        assert_eq!(read(exception), (class.to_owned(), address), "{exception}");
    }
}

#[test]
fn only_the_region_of_the_address_makes_it_a_stack_overflow() {
    let class = |guard: &str, stack: &str| {
        let region = format!("0x8 is in 0x0-0x9\\n {guard} STACK GUARD 0-9\\n {stack} Stack 9-12");
        let body = format!(
            "{{\"bug_type\":309}}\n{{\"vmRegionInfo\":\"{region}\",\"exception\":{{\"signal\":\"SIGSEGV\",\
             \"subtype\":\"KERN_PROTECTION_FAILURE at 0x16f5bfff8\"}}}}"
        );
        Report::read(&body).unwrap().crash.class
    };
    assert_eq!(class("--->", ""), "SEGV_STACK");
    assert_eq!(class("", "--->"), "SEGV_WILD");
}

#[test]
fn a_text_report_gives_the_same_facts_as_json() {
    let report = Report::read(LEGACY).unwrap();
    assert_eq!(
        (report.pid, report.process.as_str()),
        (4711, "crashrate-worker")
    );
    assert_eq!(seconds(&report.captured), Some(1_633_335_301));
    let (crash, same) = (&report.crash, Report::read(REPORT).unwrap().crash);
    assert_eq!(crash.signature, same.signature);
    let fault = |crash: &Crash| crash.fault.clone().unwrap();
    assert_eq!(fault(crash).address, fault(&same).address);
    assert_eq!(
        fault(&same).mapping.as_deref(),
        Some("0x8 is not in any region")
    );
    let unknown = "the report does not say what is mapped there";
    assert_eq!(fault(crash).mapping.as_deref(), Some(unknown));
    assert_eq!((crash.threads.len(), crash.thread), (2, Some(1)));
    let thread = crash.main_thread().unwrap();
    assert_eq!((thread.name.as_str(), thread.frames.len()), ("worker 3", 4));
    let unnamed = &thread.frames[2];
    assert_eq!(
        (unnamed.module.as_deref(), unnamed.offset, &unnamed.function),
        (Some("libtorch_cpu.dylib"), Some(Hex(800_000)), &None)
    );
    assert_eq!(crash.modules[0].name, "crashrate-worker");
    assert_eq!(
        crash.modules[0].build_id.as_deref(),
        Some("99999999-2222-3333-4444-555555555555")
    );
    // iOS writes a JSON header before the text.
    let with_header = format!("{{\"bug_type\":\"109\"}}\n{LEGACY}");
    assert_eq!(Report::read(&with_header).unwrap(), report);
    let killed = LEGACY.replace(
        "EXC_BAD_ACCESS (SIGSEGV)",
        "EXC_CRASH (Code Signature Invalid)",
    );
    let killed = Report::read(&killed).unwrap();
    assert!(killed.code_signing);
    assert_eq!(killed.crash.class, "KILL_CODESIGNING");
}

#[test]
fn reports_are_matched_by_pid_and_time() {
    let report = Report::read(REPORT).unwrap();
    let at = seconds("2025-12-22 09:15:01 +0000").unwrap();
    assert_eq!(at, 1_766_394_901);
    assert!(report.is_of(4711, at - 10, at + 1));
    assert!(!report.is_of(4712, at - 10, at + 1));
    assert!(!report.is_of(4711, at + 100, at + 200));
    assert!(!report.is_of(4711, at - 200, at - 100));
}

/// Regression test: fuzzing found that a zone offset of twenty digits overflowed.
#[test]
fn zone_offsets_out_of_range_are_rejected() {
    for zone in ["11111111111111111111", "+9223372036854775807", "-99999"] {
        assert_eq!(seconds(&format!("2025-12-22 10:15:00.1 {zone}")), None);
    }
    assert!(seconds("2025-12-22 10:15:00.1 -9999").is_some());
}

#[test]
fn other_texts_are_errors_with_a_reason() {
    for (text, why) in [
        ("", "not a macOS crash report"),
        ("\n", "not a macOS crash report"),
        ("x\ny", "not a macOS crash report"),
        ("Process: x [1]\n", "not a macOS crash report"),
        ("{}\n{}", "not a macOS crash report"),
        ("{\"bug_type\":309}\n[]", "not a macOS crash report"),
        (
            "{\"bug_type\":\"298\"}\n{}",
            "bug_type \"298\" is not a crash",
        ),
        ("{\"bug_type\":309\n{}", "line 1 is not an .ips header"),
        (
            "{\"bug_type\":309}\n{\"pid\": 1,",
            "incomplete at line 2, column 10",
        ),
    ] {
        let error = Report::read(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let bare = Report::read("{\"bug_type\":309}\n{}").unwrap();
    assert_eq!(bare.crash.signature, "v1 | unknown | no stack");
    assert!(
        bare.is_of(0, 1, 2),
        "a report without a time matches any time"
    );
}

/// Marsaglia's xorshift generator, seeded so that every run sees the same numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// A copy with a few bytes flipped, removed, inserted, repeated or replaced by a piece of another
/// report.
fn damaged(report: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const TOKENS: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"\"",
        b",",
        b"\n\n",
        b"-1",
        b"18446744073709551616",
        b"null",
        b"0x",
        b"\xff",
        b" - ",
    ];
    let mut bytes = report.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(200)).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..end.min(at + token.len()), token.iter().copied());
            }
            4 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let from = random.below(other.len());
                let piece = &other[from..(from + random.below(300)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
        }
    }
    bytes
}

/// Every damaged report is either read or rejected, in bounded time.
#[test]
fn randomly_damaged_reports_never_panic() {
    let reports = [
        REPORT,
        COMMIT,
        ENCODER,
        EXCEPTION,
        CODE_SIGNING,
        LEGACY,
        LEGACY_EXCEPTION,
    ];
    let mut random = Random(0x5eed_cafe);
    let mut read = 0;
    for round in 0..2500 {
        let report = reports[round % reports.len()].as_bytes();
        let other = reports[random.below(reports.len())].as_bytes();
        let bytes = damaged(report, other, &mut random);
        match Report::read(&String::from_utf8_lossy(&bytes)) {
            Ok(report) => {
                read += 1;
                assert!(report.crash.signature.starts_with("v1 | "));
                assert!(serde_json::to_string(&report.crash).is_ok());
            }
            Err(error) => assert!(error.to_string().len() < 300, "{error}"),
        }
    }
    // Some damaged reports must pass the JSON parser, so that the code after it is tested too.
    assert!((250..2500).contains(&read), "{read} of 2500 were read");
}

/// Replaces the value at `place`, counted depth-first.
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
    fn mutated_values_never_panic(place in 0usize..120, kind in 0usize..7) {
        let with = [
            Value::Null, Value::from(-1), Value::from(u64::MAX), Value::from(0.5), Value::from("0xZZ é"),
            serde_json::json!([[], {}, 1]), serde_json::json!({"a": 1}),
        ][kind].clone();
        let (header, body) = REPORT.split_once('\n').unwrap();
        let mut body: Value = serde_json::from_str(body).unwrap();
        mutate(&mut body, &mut place.clone(), &with);
        if let Ok(report) = Report::read(&format!("{header}\n{body}")) {
            prop_assert!(report.crash.signature.starts_with("v1 | "));
        }
    }

    #[test]
    fn truncated_reports_never_panic(end in 0usize..REPORT.len()) {
        if let Some(text) = REPORT.get(..end) {
            let _ = Report::read(text);
        }
    }

    #[test]
    fn parsing_a_time_never_panics(text in "[0-9:. +é-]{0,30}") {
        let _ = seconds(&text);
    }
}
