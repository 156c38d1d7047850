//! The signature of a crash: `v1 | class | frames`, plus `| message` if the program said why it
//! failed.
//!
//! Irrelevant frames (allocator and runtime) are skipped. Of consecutive helpers, which report a
//! failure and abort, only the innermost is named. Prefix frames are named. The first other frame
//! is named and ends the signature. A frame is `module!function` without arguments, template
//! arguments, hashes and offsets, so that a rebuild keeps the name. A frame without a symbol is
//! `module+offset@build-id`, which only the same build shares.

use crate::crash::{self, Crash, Frame, Module};
use crate::lists::{Role, prints, role};
use crate::message::{self, Kind, Message};
use crate::names::plain;

/// Version of the signature rules and lists. Signatures of different versions are never equal.
pub const VERSION: &str = "v1";
/// Maximum number of frames in a signature.
const MAX_FRAMES: usize = 6;
/// Separator between frames; the right one called the left one.
const CALLED_BY: &str = " < ";
/// Separator between the parts of a signature.
const PART: &str = " | ";

/// The signature of a crash with this class and stack, innermost frame first.
pub fn signature(class: &str, frames: &[Frame], modules: &[Module]) -> String {
    let mut keys = keys(frames, modules, role);
    // Only allocator and runtime frames: the innermost of them is better than no frame.
    if keys.is_empty()
        && let Some(frame) = frames.first()
    {
        let function = frame.function.as_deref().map(plain);
        keys.push(key(frame, function.as_deref(), modules));
    }
    let frames = match keys.is_empty() {
        true => "no stack".to_owned(),
        false => keys.join(CALLED_BY),
    };
    [VERSION, class, &frames].join(PART)
}

/// The names of the relevant frames, selected by role.
fn keys(
    frames: &[Frame],
    modules: &[Module],
    role: impl Fn(Option<&str>, &str) -> Role,
) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let mut in_helpers = false;
    for frame in frames {
        let function = frame.function.as_deref().map(plain);
        let key = key(frame, function.as_deref(), modules);
        let role = role(function.as_deref(), &key);
        let is_skipped = match role {
            Role::Irrelevant => continue,
            Role::Helper => in_helpers,
            // Recursion of any depth counts as one frame.
            Role::Prefix | Role::Ordinary => keys.last() == Some(&key),
        };
        in_helpers = role == Role::Helper;
        if !is_skipped {
            keys.push(key);
        }
        let is_last = role == Role::Ordinary && !is_nowhere(frame);
        if is_last || keys.len() == MAX_FRAMES {
            break;
        }
    }
    keys
}

/// Appends the message by which the program named the failure to the signature.
fn add_message(signature: &str, message: &str) -> String {
    match message.is_empty() {
        true => signature.to_owned(),
        false => [signature, message].join(PART),
    }
}

/// Whether a helper that prints messages of this kind is among the innermost frames, before the
/// first ordinary one.
fn is_about_to_say(kind: Kind, crash: &Crash) -> bool {
    let frames = crash.main_thread().map_or(&[][..], |t| &t.frames);
    for frame in frames {
        let function = frame.function.as_deref().map(plain);
        let key = key(frame, function.as_deref(), &crash.modules);
        if prints(kind.section(), function.as_deref(), &key) {
            return true;
        }
        if role(function.as_deref(), &key) == Role::Ordinary && !is_nowhere(frame) {
            return false;
        }
    }
    false
}

/// Whether the address lies outside of every file: it carries no information, but its caller does.
fn is_nowhere(frame: &Frame) -> bool {
    frame.module.is_none() && frame.function.is_none()
}

fn key(frame: &Frame, function: Option<&str>, modules: &[Module]) -> String {
    match (&frame.module, function, frame.offset) {
        (Some(module), Some(function), _) => format!("{module}!{function}"),
        (Some(module), None, Some(offset)) => {
            let build = modules.iter().find(|m| m.name == *module);
            match build.and_then(|m| m.build_id.as_deref()) {
                Some(id) => format!("{module}+{offset}@{}", short(id)),
                None => format!("{module}+{offset}"),
            }
        }
        (Some(module), None, None) => module.clone(),
        (None, Some(function), _) => function.to_owned(),
        (None, None, _) => "(outside of every module)".to_owned(),
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl Crash {
    /// Finds the failure message at the end of standard error and adds it to the evidence and the
    /// signature. Also adds the stack that Python printed there.
    pub fn read_stderr(&mut self, stderr: &[u8]) {
        if self.kind == crash::Kind::Hang {
            return;
        }
        self.python = message::python_frames(stderr);
        if self.message.is_some() {
            return;
        }
        let messages = message::find(stderr);
        let shows = |kind| match kind {
            // Most C libraries have no symbols for internal allocator functions, so the class
            // identifies the allocator by its caller.
            Kind::Malloc if self.class == "ABRT_MALLOC" => true,
            kind => is_about_to_say(kind, self),
        };
        match choose(&messages, shows) {
            Ok(None) => {}
            Ok(Some(message)) => self.set_message(message),
            Err(()) => self.notes.push(
                "standard error has several messages of this kind, so none is assigned to this \
                 crash"
                    .into(),
            ),
        }
    }

    pub(crate) fn set_message(&mut self, message: &Message) {
        // The stack explains a memory fault. A message only says what the program was doing at the
        // time.
        let is_fault =
            self.class.starts_with("SEGV") || matches!(&*self.class, "SIGSEGV" | "SIGBUS");
        if !is_fault {
            self.signature = add_message(&self.signature, &message.key());
        }
        self.message = Some(message.text.clone());
    }
}

/// The message whose kind the stack confirms: `Ok(None)` if there is none, `Err` if several qualify
/// and the right one is unknown.
fn choose(messages: &[Message], shows: impl Fn(Kind) -> bool) -> Result<Option<&Message>, ()> {
    let mut fitting = messages.iter().filter(|m| shows(m.kind));
    let Some(last) = fitting.next_back() else {
        return Ok(None);
    };
    let sure = last.kind.is_survivable() || fitting.all(|m| m.key() == last.key());
    if sure { Ok(Some(last)) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crash::Hex;

    fn stack(places: &[&str]) -> Vec<Frame> {
        (places.iter())
            .map(|place| match place.split_once('!') {
                Some((module, function)) => Frame {
                    module: Some(module.to_owned()),
                    function: Some(function.to_owned()),
                    ..Frame::default()
                },
                None if place.is_empty() => Frame::default(),
                None => Frame {
                    module: Some((*place).to_owned()),
                    offset: Some(Hex(0x10)),
                    ..Frame::default()
                },
            })
            .collect()
    }

    #[test]
    fn runtime_frames_are_skipped_and_the_first_other_frame_is_last() {
        let sig = |places: &[&str]| signature("C", &stack(places), &[]);
        assert_eq!(
            sig(&[
                "libc.so.6",
                "libc.so.6!raise",
                "libc.so.6!abort",
                "p!f<int>",
                "p!main"
            ]),
            "v1 | C | p!f"
        );
        assert_eq!(
            sig(&[
                "libc.so.6!memcpy",
                "t.so!at::internal::invoke_parallel<x>",
                "t.so!k",
                "t.so!z"
            ]),
            "v1 | C | libc.so.6!memcpy < t.so!at::internal::invoke_parallel < t.so!k"
        );
        assert_eq!(sig(&["p!deep", "p!deep", "p!main"]), "v1 | C | p!deep");
        assert_eq!(
            sig(&["", "p!jump"]),
            "v1 | C | (outside of every module) < p!jump"
        );
        assert_eq!(sig(&["x.so", "p!f"]), "v1 | C | x.so+0x10");
        assert_eq!(sig(&["libc.so.6!raise"]), "v1 | C | libc.so.6!raise");
        assert_eq!(sig(&[]), "v1 | C | no stack");
        assert_eq!(sig(&["p!malloc"; 20]), "v1 | C | p!malloc");
    }

    /// Many signatures would otherwise be the innermost helper alone. The helper is kept and the
    /// next frame appended, so that signatures can be split but never merged.
    #[test]
    fn the_frame_after_the_helpers_is_appended() {
        let sig = |places: &[&str]| signature("SIGABRT", &stack(places), &[]);
        let asan = |last: &str| {
            sig(&[
                "libc.so.6!raise",
                "libc.so.6!abort",
                "libasan.so.8!__sanitizer::Abort",
                "libasan.so.8!__asan::ScopedInErrorReport::~ScopedInErrorReport",
                "libasan.so.8!__asan_report_load4",
                last,
                "p!main",
            ])
        };
        assert_eq!(
            asan("p!f"),
            "v1 | SIGABRT | libasan.so.8!__sanitizer::Abort < p!f"
        );
        assert_ne!(asan("p!f"), asan("p!g"));
        assert_eq!(
            sig(&[
                "libstdc++.so.6!std::__glibcxx_assert_fail",
                "p!std::vector<int>::back",
                "p!f"
            ]),
            "v1 | SIGABRT | libstdc++.so.6!std::__glibcxx_assert_fail < p!std::vector::back < p!f"
        );
        let many = ["p!runtime.throw"; 20];
        assert_eq!(
            sig(&[&many[..], &["p!main.f"]].concat()),
            "v1 | SIGABRT | p!runtime.throw < p!main.f"
        );
        assert_eq!(
            add_message(&asan("p!f"), "why"),
            format!("{} | why", asan("p!f"))
        );
    }

    #[test]
    fn a_bug_in_two_threads_has_one_signature() {
        let main = ["t.so!kernel", "t.so!at::parallel_for<f>", "p!main"];
        let worker = [
            "t.so!kernel",
            "libgomp.so.1!gomp_thread_start",
            "libc.so.6!clone",
        ];
        assert_eq!(
            signature("SEGV_WILD", &stack(&main), &[]),
            signature("SEGV_WILD", &stack(&worker), &[])
        );
    }

    #[test]
    fn a_frame_without_a_symbol_shows_the_build_id() {
        let module = Module {
            name: "x.so".into(),
            build_id: Some("0123456789abcdef0123".into()),
            ..Module::default()
        };
        assert_eq!(
            signature("C", &stack(&["x.so"]), &[module]),
            "v1 | C | x.so+0x10@0123456789ab"
        );
    }

    /// Frames of every role, some repeated.
    const PLACES: &[&str] = &[
        "libc.so.6!raise",
        "libc.so.6!abort",
        "libc.so.6!memcpy",
        "libc.so.6!free",
        "p!std::vector<int>::back",
        "libasan.so.8!__sanitizer::Abort",
        "libasan.so.8!__asan_report_load4",
        "libasan.so.8",
        "p!runtime.throw",
        "p!f",
        "p!g",
        "p!main",
        "q.so",
        "",
    ];

    proptest! {
        /// Treating frames as helpers only lengthens signatures: it can make two of them different,
        /// but never equal.
        #[test]
        fn helpers_only_lengthen_a_signature(
            places in prop::collection::vec(0..PLACES.len(), 0..12)
        ) {
            let places: Vec<&str> = places.iter().map(|&at| PLACES[at]).collect();
            let frames = stack(&places);
            let without = keys(&frames, &[], |function, place| match role(function, place) {
                Role::Helper => Role::Ordinary,
                other => other,
            });
            let with = keys(&frames, &[], role);
            prop_assert!(with.starts_with(&without), "{with:?} and {without:?}");
            prop_assert!(with.len() <= MAX_FRAMES);
        }
    }
}
