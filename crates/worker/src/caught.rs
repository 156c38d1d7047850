//! Turns a chapter's errors and panics into results with one line of text, so that later chapters
//! still run. Signals are not handled: a crash must remain a crash.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use anyhow::{Result, anyhow};

thread_local! {
    /// The nesting depth of [`caught`] in this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The message of this thread's last caught panic.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Silences caught panics and prints all others as one line.
pub(crate) fn install_panic_hook() {
    panic::set_hook(Box::new(|info| {
        if DEPTH.get() > 0 {
            MESSAGE.replace(text(info));
        } else {
            eprintln!("crashrate-worker: internal error: {}", text(info));
        }
    }));
}

/// Runs `work` and turns a panic into an error. tch panics where its signature cannot return an
/// error.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    DEPTH.set(DEPTH.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    result.unwrap_or_else(|_| Err(anyhow!("panic: {}", MESSAGE.take())))
}

/// Formats an error in one line, without the C++ backtrace that libtorch appends.
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

/// Cuts at the first line break, including an escaped one in debug output.
fn first_line(text: &str) -> &str {
    let end = [text.find('\n'), text.find("\\n")];
    let end = end.into_iter().flatten().min().unwrap_or(text.len());
    text[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_one_line_error() {
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
