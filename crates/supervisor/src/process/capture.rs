//! The output of a child in bounded memory: its head and its tail.

use std::collections::VecDeque;

/// The bytes kept of the head, and of the tail.
const KEEP: usize = 32 * 1024;

/// The head and the tail of an output, and its length.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Captured {
    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(KEEP - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(KEEP)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(KEEP);
        self.tail.drain(..over);
        self.tail.extend(rest);
    }

    /// Whether nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many bytes were printed.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether everything that was printed is kept.
    pub fn is_whole(&self) -> bool {
        self.total == (self.head.len() + self.tail.len()) as u64
    }

    /// Whether the kept part contains a text.
    pub fn has(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.text()).contains(text)
    }

    /// The kept part, with a line that says how many bytes are missing.
    pub fn text(&self) -> Vec<u8> {
        let left_out = self.total - (self.head.len() + self.tail.len()) as u64;
        let mut text = self.head.clone();
        if left_out > 0 {
            text.extend_from_slice(format!("\n[{left_out} bytes left out]\n").as_bytes());
        }
        text.extend(&self.tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_outputs_are_whole_and_long_ones_keep_both_ends(
            chunks in prop::collection::vec(0usize..50_000, 0..6),
        ) {
            let mut captured = Captured::default();
            let mut all = Vec::new();
            for (i, len) in chunks.iter().enumerate() {
                let chunk: Vec<u8> = (0..*len).map(|j| (i * 31 + j) as u8).collect();
                captured.push(&chunk);
                all.extend(chunk);
            }
            let text = captured.text();
            if all.len() <= 2 * KEEP {
                prop_assert_eq!(text, all);
            } else {
                prop_assert_eq!(&text[..KEEP], &all[..KEEP]);
                prop_assert_eq!(&text[text.len() - KEEP..], &all[all.len() - KEEP..]);
                prop_assert!(text.len() < 2 * KEEP + 50);
            }
        }
    }
}
