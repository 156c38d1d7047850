//! Misbehaves only in some rounds or attempts.

use crashrate_protocol::env;

use super::{Done, number, write_to_null};

pub(super) fn crash_when(args: &[String]) -> Done {
    let (n, m) = (number(args, 0, None)?, number(args, 1, None)?);
    if n == 0 {
        return Err("the divisor must not be 0".to_owned());
    }
    if number_from(env::ROUND)? % n == m {
        write_to_null();
    }
    Ok(0)
}

pub(super) fn crash_first_attempt(_: &[String]) -> Done {
    if number_from(env::ATTEMPT)? == 1 && number_from(env::ROUND)? % 2 == 0 {
        write_to_null();
    }
    Ok(0)
}

/// Reads a number from the child's environment.
fn number_from(name: &str) -> Result<u64, String> {
    let text = std::env::var(name).map_err(|_| format!("{name} is not set"))?;
    text.parse()
        .map_err(|_| format!("{name}: `{text}` is not a number"))
}
