//! The stack that Python's faulthandler prints when the process dies of a signal:
//! <https://docs.python.org/3/library/faulthandler.html>.

use crate::PythonFrame;

/// The line above the frames of the thread that died.
const CURRENT: &str = "Current thread 0x";
/// The most frames that faulthandler prints of a thread.
const MOST: usize = 100;

/// The frames of the thread that died, innermost first; empty if Python printed none.
pub fn python_frames(stderr: &[u8]) -> Vec<PythonFrame> {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().collect();
    // A program may have printed stacks before.
    let Some(begin) = lines.iter().rposition(|line| line.starts_with(CURRENT)) else {
        return Vec::new();
    };
    let frames = lines[begin + 1..].iter().map_while(|line| frame(line));
    frames.take(MOST).collect()
}

/// `  File "PATH", line 11 in test_crash`.
fn frame(line: &str) -> Option<PythonFrame> {
    let rest = line.strip_prefix("  File \"")?;
    let (file, rest) = rest.rsplit_once("\", line ")?;
    let (number, function) = rest.split_once(" in ")?;
    Some(PythonFrame {
        function: function.to_owned(),
        file: file.to_owned(),
        line: number.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_thread_that_died() {
        let stderr = b"Fatal Python error: Segmentation fault\n\n\
            Thread 0x00007f01 (most recent call first):\n  File \"/a/other.py\", line 1 in wait\n\n\
            Current thread 0x00007f02 (most recent call first):\n\
            \x20 File \"/usr/lib/ctypes/__init__.py\", line 519 in string_at\n\
            \x20 File \"/a \", line/test_a.py\", line 11 in test_crash\n\
            \x20 ...\n\nExtension modules: x (total: 1)\n";
        let frames = python_frames(stderr);
        let shown: Vec<String> = frames.iter().map(ToString::to_string).collect();
        let expected = [
            "string_at (/usr/lib/ctypes/__init__.py:519)",
            "test_crash (/a \", line/test_a.py:11)",
        ];
        assert_eq!(shown, expected);
        assert_eq!(python_frames(b"  File \"a.py\", line 1 in f\n"), []);
    }
}
