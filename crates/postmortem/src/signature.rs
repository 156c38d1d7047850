//! The short stable name of a death: `v1 | class | frames`.
//!
//! Irrelevant frames are passed over, prefix frames are named and passed, the first other frame ends it. Frames are
//! `module!function` without arguments, template arguments, hashes and offsets, so that a rebuild keeps the name; a frame
//! without a symbol is `module+offset@build-id`, which only the same build has.

use crate::crash::{Frame, Module};
use crate::lists::{IRRELEVANT, PREFIX};
use crate::names::plain;

/// The version of the rule and of its lists. Signatures of different versions are different.
pub const VERSION: &str = "v1";
/// The most frames in a signature.
const MAX_FRAMES: usize = 6;
/// Between the frames: the left one was called by the right one.
const CALLED_BY: &str = " < ";

/// The signature of a death of this class with this stack, the innermost frame first.
pub fn signature(class: &str, frames: &[Frame], modules: &[Module]) -> String {
    let mut keys: Vec<String> = Vec::new();
    for frame in frames {
        let function = frame.function.as_deref().map(plain);
        let key = key(frame, function.as_deref(), modules);
        if IRRELEVANT.has(function.as_deref(), &key) {
            continue;
        }
        let goes_on = PREFIX.has(function.as_deref(), &key) || is_nowhere(frame);
        // Recursion of any depth is one frame.
        if keys.last() != Some(&key) {
            keys.push(key);
        }
        if !goes_on || keys.len() == MAX_FRAMES {
            break;
        }
    }
    // Nothing but machinery: then the innermost of it is better than nothing.
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
    format!("{VERSION} | {class} | {frames}")
}

/// An address outside of every file: its value means nothing, and who went there does.
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

#[cfg(test)]
mod tests {
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
    fn machinery_is_passed_and_the_first_other_frame_ends_it() {
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

    #[test]
    fn one_bug_in_two_threads_is_one() {
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
    fn a_frame_without_a_symbol_names_its_build() {
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
}
