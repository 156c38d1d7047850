//! The ways that are about more than a start: children that flood, and the worker on libtorch.

use anyhow::Result;

use super::ways::{Group, Maker, text};

/// One forward pass of one small layer, and nothing else.
const PASS: &str = r#"[suite]
name = "forward-pass"
device = "cpu"

[[chapter]]
id = "forward-pass"
worker = "encoder-layer"
params = { threads = 1, iterations = 1, d_model = 64, feed_forward = 256 }
"#;

impl Maker<'_> {
    pub(super) fn flood(&self) -> Group {
        const BYTES: &str = "200000000";
        let child = [
            "--".to_owned(),
            text(&self.programs.misbehave),
            "flood-all".into(),
            BYTES.into(),
        ];
        let two = ["--jobs", "2", "--report-only", "--evidence=trace"];
        let bare = ["--jobs", "2", "--report-only", "--evidence=none"];
        Group {
            key: "flood",
            title: "Children that flood all of their descriptors with 200 MB each, two in flight",
            reference: "untraced",
            by_time: true,
            ways: vec![
                self.crashrate("untraced", "crashrate, untraced", 8, &bare, &child),
                self.crashrate("traced", "crashrate, traced", 8, &two, &child),
            ],
            note: "What matters here is the peak.",
        }
    }

    pub(super) fn libtorch(&self) -> Result<Group> {
        let suite = self.suite("forward-pass.toml", PASS)?;
        let way = |key, name, rounds| {
            let options = ["--mode", "isolated", "--spawn", key];
            self.crashrate(key, name, rounds, &options, &suite)
        };
        Ok(Group {
            key: "libtorch",
            title: "The worker: one small forward pass on the CPU, one in flight",
            reference: "exec",
            by_time: false,
            ways: vec![
                way("exec", "crashrate, executed", 10),
                way("fork", "crashrate, forked", 200),
            ],
            note: "Traced. The start of the process that is forked from is in both calls, and thus in no round.",
        })
    }

    pub(super) fn story(&self) -> Group {
        let suite = [text(&self.programs.story)];
        let way = |key, name, mode, spawn| {
            let options = [
                "--mode",
                mode,
                "--spawn",
                spawn,
                "--jobs",
                "1",
                "--device",
                "cpu",
                "--report-only",
            ];
            self.crashrate(key, name, 4, &options, &suite)
        };
        let ways = vec![
            way("sequential", "in sequence, executed", "sequential", "exec"),
            way(
                "sequential-fork",
                "in sequence, forked",
                "sequential",
                "fork",
            ),
            way("isolated", "isolated, executed", "isolated", "exec"),
            way("isolated-fork", "isolated, forked", "isolated", "fork"),
        ];
        Group {
            key: "story",
            title: "The story on the CPU, all its chapters once a round, one in flight",
            reference: "sequential",
            by_time: true,
            ways,
            note: "The ratio is what it costs against the sequence that is executed. Traced.",
        }
    }
}
