//! The chapter that was running, from the events of a process.

use serde_json::Value;

/// The chapter that has started and not ended.
pub(super) fn running(events: &[u8]) -> Option<String> {
    let mut running = None;
    for line in events.split(|&byte| byte == b'\n') {
        let event: Value = serde_json::from_slice(line).unwrap_or_default();
        match event["event"].as_str() {
            Some("chapter-started") => running = event["chapter"].as_str().map(str::to_owned),
            Some("chapter-passed" | "chapter-failed" | "chapter-skipped") => running = None,
            _ => {}
        }
    }
    running
}

#[cfg(test)]
mod tests {
    use super::running;

    #[test]
    fn the_last_chapter_without_an_end() {
        let events = b"{\"event\":\"hello\"}\n{\"event\":\"chapter-started\",\"chapter\":\"a\"}\n\
            {\"event\":\"chapter-passed\"}\n{\"event\":\"chapter-started\",\"chapter\":\"b c\"}\nrest";
        assert_eq!(running(events).as_deref(), Some("b c"));
        assert_eq!(running(b"{\"event\":\"chapter-started\",\"chapter\":\"a\"}\n{\"event\":\"chapter-passed\"}"), None);
        assert_eq!(running(b"{\"event\":[]}\n\xff"), None);
    }
}
