//! The descriptors of make's job server, which a child inherits by number.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::child_io::EVENTS;

/// The variables by which make tells its children where its job server is.
const FLAGS: [&str; 2] = ["MAKEFLAGS", "MFLAGS"];
/// The options that name two descriptors; the second is what make before 4.2 writes.
const OPTIONS: [&[u8]; 2] = [b"--jobserver-auth=", b"--jobserver-fds="];

/// These variables, without a job server that has the number of the events descriptor.
pub(super) fn cleaned(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    variables.map(|(name, value)| {
        let value = without_events_number(&name, value);
        (name, value)
    })
}

/// The value of an inherited variable without a job server that has the number of the events descriptor.
///
/// A child would take the events pipe for the job server's. Without the option make runs one job at a time, and says so.
fn without_events_number(name: &OsStr, value: OsString) -> OsString {
    if !FLAGS.iter().any(|flags| name == *flags) {
        return value;
    }
    let words: Vec<&[u8]> = value.as_bytes().split(|&byte| byte == b' ').collect();
    let collides = |word: &[u8]| {
        OPTIONS.iter().any(|option| {
            word.strip_prefix(*option).is_some_and(|numbers| {
                let mut numbers = numbers.split(|&byte| byte == b',');
                numbers.any(|number| number == EVENTS.to_string().as_bytes())
            })
        })
    };
    if !words.iter().any(|word| collides(word)) {
        return value;
    }
    let is_job_count = |word: &[u8]| {
        word.strip_prefix(b"-j")
            .is_some_and(|count| count.iter().all(u8::is_ascii_digit))
    };
    let kept: Vec<&[u8]> = (words.into_iter())
        .filter(|word| !collides(word) && !is_job_count(word))
        .collect();
    OsString::from_vec(kept.join(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(name: &str, value: &str) -> String {
        without_events_number(name.as_ref(), value.into())
            .into_string()
            .unwrap()
    }

    #[test]
    fn only_a_job_server_on_the_events_descriptor_is_left_out() {
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
