//! Errors and panics of a chapter as results with one line of text, so that the chapters behind it still run.
//!
//! Signals are left alone: a crash has to stay a crash.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use anyhow::{Result, anyhow};

thread_local! {
    /// How many [`caught`] this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// What the last caught panic of this thread said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps caught panics off standard error, and makes the others one line.
pub(crate) fn install_panic_hook() {
    panic::set_hook(Box::new(|info| {
        if DEPTH.get() > 0 {
            SAID.replace(text(info));
        } else {
            eprintln!("crashrate-worker: internal error: {}", text(info));
        }
    }));
}

/// Runs `work`; a panic in it becomes an error. tch panics where it has no way to return an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    DEPTH.set(DEPTH.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    result.unwrap_or_else(|_| Err(anyhow!("panic: {}", SAID.take())))
}

/// An error in one line: libtorch puts a C++ backtrace behind its own.
pub(crate) fn brief(error: &anyhow::Error) -> String {
    first_line(&format!("{error:#}")).replace("Internal torch error:", "libtorch:")
}

fn text(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let what = match payload.downcast_ref::<&str>() {
        Some(text) => text,
        None => payload
            .downcast_ref::<String>()
            .map_or("no message", String::as_str),
    };
    match info.location() {
        Some(place) => format!("{} ({}:{})", first_line(what), place.file(), place.line()),
        None => first_line(what).to_owned(),
    }
}

/// Up to the first line break, also where a debug form has escaped it.
fn first_line(text: &str) -> &str {
    let end = [text.find('\n'), text.find("\\n")];
    let end = end.into_iter().flatten().min().unwrap_or(text.len());
    text[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_one_line() {
        install_panic_hook();
        let error = caught::<()>(|| panic!("first\nsecond")).unwrap_err();
        assert!(brief(&error).starts_with("panic: first ("), "{error}");
    }

    #[test]
    fn only_the_first_line_of_a_torch_error_is_shown() {
        let error = anyhow!("Internal torch error: shapes differ\nException raised from x");
        assert_eq!(brief(&error), "libtorch: shapes differ");
    }
}
