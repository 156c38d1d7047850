//! Misbehaving in some rounds or attempts only.

use crashrate_protocol::env;

use super::{Done, number, write_to_null};

pub(super) fn crash_when(args: &[String]) -> Done {
    let (n, m) = (number(args, 0, None)?, number(args, 1, None)?);
    if n == 0 {
        return Err("no round is divisible by 0".to_owned());
    }
    if told(env::ROUND)? % n == m {
        write_to_null();
    }
    Ok(0)
}

pub(super) fn crash_first_attempt(_: &[String]) -> Done {
    if told(env::ATTEMPT)? == 1 && told(env::ROUND)? % 2 == 0 {
        write_to_null();
    }
    Ok(0)
}

/// What a variable of the environment of children says.
fn told(name: &str) -> Result<u64, String> {
    let text = std::env::var(name).map_err(|_| format!("{name} is not set"))?;
    text.parse()
        .map_err(|_| format!("{name}: `{text}` is no number"))
}
