//! Keeps make's job server, which children inherit by descriptor number, off the events descriptor.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::child_io::EVENTS;

/// The variables in which make passes its job server to children.
const FLAGS: [&str; 2] = ["MAKEFLAGS", "MFLAGS"];
/// The options that name two descriptors. Make before 4.2 writes the second.
const OPTIONS: [&[u8]; 2] = [b"--jobserver-auth=", b"--jobserver-fds="];

/// The value of an inherited variable without a job server that has the number of the events
/// descriptor.
///
/// A child would take the events pipe for the job server's. Without the option, make runs one job
/// at a time and prints a warning.
pub(super) fn cleaned((name, value): (OsString, OsString)) -> (OsString, OsString) {
    let words = value.as_bytes().split(|&byte| byte == b' ');
    if !FLAGS.iter().any(|flags| name == *flags) || !words.clone().any(is_on_events) {
        return (name, value);
    }
    let is_job_count = |word: &[u8]| {
        word.strip_prefix(b"-j")
            .is_some_and(|count| count.iter().all(u8::is_ascii_digit))
    };
    let kept: Vec<&[u8]> = words
        .filter(|word| !is_on_events(word) && !is_job_count(word))
        .collect();
    (name, OsString::from_vec(kept.join(&b' ')))
}

/// Whether an option names a job server on the events descriptor.
fn is_on_events(word: &[u8]) -> bool {
    let events = EVENTS.to_string();
    OPTIONS.iter().any(|option| {
        word.strip_prefix(*option).is_some_and(|numbers| {
            let mut numbers = numbers.split(|&byte| byte == b',');
            numbers.any(|number| number == events.as_bytes())
        })
    })
}

#[cfg(test)]
mod tests {
    fn cleaned(name: &str, value: &str) -> String {
        let (_, value) = super::cleaned((name.into(), value.into()));
        value.into_string().unwrap()
    }

    #[test]
    fn only_a_job_server_on_the_events_descriptor_is_removed() {
        for (value, expected) in [
            (" -j4 --jobserver-auth=3,4", ""),
            (" -j --jobserver-fds=5,3 -- A=1", " -- A=1"),
            (
                "ks -j2 --jobserver-auth=13,14",
                "ks -j2 --jobserver-auth=13,14",
            ),
            (
                " -j2 --jobserver-auth=fifo:/tmp/G3",
                " -j2 --jobserver-auth=fifo:/tmp/G3",
            ),
            ("k", "k"),
        ] {
            assert_eq!(cleaned("MAKEFLAGS", value), expected);
        }
        assert_eq!(
            cleaned("OTHER", "--jobserver-auth=3,4"),
            "--jobserver-auth=3,4"
        );
    }
}
