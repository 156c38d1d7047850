//! A git repository with a race that gets worse at one commit, for searches of that commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Commits after the first one.
pub const COMMITS: usize = 60;
/// The share of a round in which the pointer is null, per thousand: before the change and after it.
const WINDOWS: [u32; 2] = [20, 300];
/// Commits that do not build.
const BROKEN: usize = 3;

/// One thread takes a pointer away for a part of each millisecond. The other reads through it once,
/// at a random moment. In one of twenty rounds the program aborts for an unrelated reason.
const RACE: &str = r#"#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include "window.h"

using Clock = std::chrono::steady_clock;
static int value = 42;
static std::atomic<int *> shared{&value};
static std::atomic<bool> done{false};

static void spin(int microseconds) {
    auto end = Clock::now() + std::chrono::microseconds(microseconds);
    while (Clock::now() < end && !done.load(std::memory_order_relaxed)) {}
}

static void replace() {
    while (!done.load(std::memory_order_relaxed)) {
        shared.store(nullptr, std::memory_order_relaxed);
        spin(WINDOW);
        shared.store(&value, std::memory_order_relaxed);
        spin(1000 - WINDOW);
    }
}

int main() {
    std::puts(COMMIT);
    std::random_device random;
    if (random() % 100 < 5) abort();
    std::thread writer(replace);
    spin(1000 + random() % 2000);
    int seen = *shared.load(std::memory_order_relaxed);
    done = true;
    writer.join();
    return seen == value ? 0 : 1;
}
"#;

const MAKEFILE: &str = "race: race.cpp window.h\n\tc++ -O1 -pthread -o race race.cpp\n";

/// A repository in which one commit makes a race worse.
pub struct RacyRepository {
    /// Its folder.
    pub folder: PathBuf,
    /// The hashes of its commits, the oldest first.
    pub commits: Vec<String>,
    /// The index of the commit that makes the race worse.
    pub culprit: usize,
    /// The indices of the commits that do not build.
    pub broken: Vec<usize>,
}

impl RacyRepository {
    /// Makes one in an empty folder. The seed decides which commit is the culprit and which ones do
    /// not build; none of these is next to the culprit or at an end.
    ///
    /// # Panics
    /// git cannot be run.
    pub fn make(folder: &Path, seed: u64) -> RacyRepository {
        let mut draw = Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let culprit = 3 + draw.below(COMMITS - 5);
        let mut broken = Vec::new();
        while broken.len() < BROKEN {
            let commit = 1 + draw.below(COMMITS - 1);
            if commit.abs_diff(culprit) > 1 && !broken.contains(&commit) {
                broken.push(commit);
            }
        }
        let repository = RacyRepository {
            folder: folder.to_owned(),
            commits: Vec::new(),
            culprit,
            broken,
        };
        repository.fill()
    }

    fn fill(mut self) -> RacyRepository {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.write("race.cpp", RACE);
        self.write("Makefile", MAKEFILE);
        self.write(".gitignore", "race\n");
        for commit in 0..=COMMITS {
            let window = WINDOWS[usize::from(commit >= self.culprit)];
            let error = match self.broken.contains(&commit) {
                true => "#error unfinished\n",
                false => "",
            };
            // Every commit changes the program, so that no two builds are the same.
            let text = format!("{error}#define WINDOW {window}\n#define COMMIT \"{commit}\"\n");
            self.write("window.h", &text);
            self.git(&["add", "--all"]);
            self.git(&[
                "commit",
                "--quiet",
                "-m",
                &format!("Change number {commit}"),
            ]);
            let hash = self.git(&["rev-parse", "HEAD"]);
            self.commits.push(hash);
        }
        self
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Runs git in the repository. Returns what it prints.
    ///
    /// # Panics
    /// It fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// A small generator of pseudo-random numbers (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}
