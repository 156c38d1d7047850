//! How long and how often an attempt is disturbed. Drawn anew for each attempt, because what helps
//! one program hides the crash of another.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The shortest and longest stop, as shares of the run's length.
const STOP: (f64, f64) = (0.003, 3.0);
/// The longest stop, in seconds.
const LONGEST_STOP: f64 = 1.0;
/// The mean time between short stops, as a share of the run's length and at most, in seconds.
const STOP_EVERY: (f64, f64) = (0.1, 0.002);
/// The range of the longest delay of an attempt, as shares of the run's length.
const DELAY: (f64, f64) = (0.01, 0.5);
/// The longest delay, in seconds.
const LONGEST_DELAY: f64 = 0.5;
/// The range of the longest hold of an attempt's ambushes, as shares of the run's length ...
const HOLD: (f64, f64) = (0.01, 0.1);
/// ... and at most, in seconds: memory that a held thread uses may soon be in use again, and a long
/// round costs others.
const HOLDS: (f64, f64) = (0.0002, 0.001);
/// The range of the mean time between two new breakpoints, as shares of the run's length.
const ARM_EVERY: (f64, f64) = (0.01, 0.3);
/// The limits of the mean time between two new breakpoints, in seconds: windows do not grow with the
/// length of a run.
const ARMS: (f64, f64) = (0.0004, 0.002);
/// The probabilities with which an ambush is at a learned place, and not elsewhere. Places of a crash
/// may be far behind its cause.
const LEARNED: [f64; 3] = [0.8, 0.9, 0.95];
/// The probabilities with which a learned place is one of the first kind, where a thread crashed.
/// Otherwise it is of any kind.
const FIRST_LEARNED: [f64; 2] = [0.4, 0.8];
/// All delays of an attempt together last at most this multiple of the run's length.
const DELAYS: f64 = 4.0;
/// All threads together are ambushed for at most this multiple of the run's length and at most this
/// time, in seconds ...
const AT_ONCE: (f64, f64) = (4.0, 0.2);
/// ... and each for this share of its time: a long run is disturbed to its end.
const OF_TIME: f64 = 0.4;
/// No thread is ambushed after this multiple of the run's length from the first ambush on, or after
/// this time in seconds if that is longer: a handler of a timer that is always held runs for ever.
const AMBUSHED: (f64, f64) = (5.0, 0.03);

/// A small generator of random numbers.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 to 1, without 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A number below `count`, which must not be 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.0.next_u64() % count as u64) as usize
    }

    /// One of these, or `None` if there are none.
    pub(super) fn one_of<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        match of.len() {
            0 => None,
            count => of.get(self.below(count)),
        }
    }

    /// A number whose logarithm is evenly distributed between those of the two.
    fn log_uniform(&mut self, (low, high): (f64, f64)) -> f64 {
        low * (high / low).powf(self.share())
    }

    /// An exponentially distributed time.
    fn exponential(&mut self, mean: f64) -> Duration {
        Duration::from_secs_f64(-mean * (1.0 - self.share()).ln())
    }
}

/// What a thread has used of the time for which it may be held, in seconds.
struct Spent {
    /// When it was first to be held.
    since: Instant,
    time: f64,
}

/// The times of one attempt, in seconds.
pub(super) struct Pace {
    run: f64,
    stop: f64,
    stop_every: f64,
    delay: f64,
    hold: f64,
    arm_every: f64,
    learned: f64,
    first_learned: f64,
    /// What is left of the time for delays.
    delays: f64,
    /// What is left of the time for holds that all threads share.
    shared: f64,
    /// When a thread was first to be held.
    begun: Option<Instant>,
    threads: HashMap<i32, Spent>,
}

impl Pace {
    pub(super) fn draw(run_length: Duration, random: &mut Random) -> Pace {
        let run = run_length.as_secs_f64().max(1e-4);
        let scaled = |(low, high): (f64, f64)| (low * run, high * run);
        let stop = random.log_uniform(scaled(STOP)).min(LONGEST_STOP);
        let every = (STOP_EVERY.0 * run).min(STOP_EVERY.1);
        Pace {
            run,
            stop,
            stop_every: every.max(stop),
            delay: random.log_uniform(scaled(DELAY)).min(LONGEST_DELAY),
            hold: random.log_uniform(limited(scaled(HOLD), HOLDS)),
            arm_every: random.log_uniform(limited(scaled(ARM_EVERY), ARMS)),
            learned: LEARNED[random.below(LEARNED.len())],
            first_learned: FIRST_LEARNED[random.below(FIRST_LEARNED.len())],
            delays: DELAYS * run,
            shared: (AT_ONCE.0 * run).min(AT_ONCE.1),
            begun: None,
            threads: HashMap::new(),
        }
    }

    /// Time from the start of the program to the first stop.
    pub(super) fn first_stop(&self, random: &mut Random) -> Duration {
        let within = self.run.min(self.stop_every * 2.0);
        Duration::from_secs_f64(within * random.share())
    }

    pub(super) fn next_stop(&self, random: &mut Random) -> Duration {
        random.exponential(self.stop_every)
    }

    pub(super) fn stop(&self, random: &mut Random) -> Duration {
        Duration::from_secs_f64(self.stop * (0.5 + random.share()))
    }

    /// The places of one kind of those learned, if an ambush is at one of them.
    pub(super) fn learned<'t>(
        &self,
        kinds: &'t [Vec<u64>],
        random: &mut Random,
    ) -> Option<&'t Vec<u64>> {
        if !random.happens(self.learned) {
            return None;
        }
        match random.happens(self.first_learned) {
            true => kinds.first(),
            false => random.one_of(kinds),
        }
    }

    pub(super) fn next_arm(&self, random: &mut Random) -> Duration {
        random.exponential(self.arm_every)
    }

    /// The length of a delay; zero for half of them and where it would be too much.
    pub(super) fn delay(&mut self, random: &mut Random) -> Duration {
        let delay = self.delay * random.share();
        if random.happens(0.5) || delay > self.delays {
            return Duration::ZERO;
        }
        self.delays -= delay;
        Duration::from_secs_f64(delay)
    }

    /// The length of the hold of a thread that has come to an ambush; zero where it would be too much.
    pub(super) fn hold(&mut self, random: &mut Random, tid: i32, now: Instant) -> Duration {
        let time = random.log_uniform((self.hold / 10.0, self.hold));
        let begun = *self.begun.get_or_insert(now);
        let (runs, seconds) = AMBUSHED;
        if now.duration_since(begun).as_secs_f64() > (runs * self.run).max(seconds) {
            return Duration::ZERO;
        }
        let thread = self.threads.entry(tid).or_insert(Spent {
            since: now,
            time: 0.0,
        });
        let own = OF_TIME * now.duration_since(thread.since).as_secs_f64();
        if thread.time + time <= own {
            thread.time += time;
        } else if time <= self.shared {
            self.shared -= time;
        } else {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(time)
    }

    /// A thread has ended.
    pub(super) fn forget(&mut self, tid: i32) {
        self.threads.remove(&tid);
    }
}

/// The range with both ends limited to those of `most`.
fn limited(range: (f64, f64), most: (f64, f64)) -> (f64, f64) {
    (range.0.min(most.0), range.1.min(most.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Vec<Duration> {
        let mut random = Random::new(seed);
        let mut pace = Pace::draw(Duration::from_millis(20), &mut random);
        let begin = Instant::now();
        (0..50)
            .flat_map(|_| {
                [
                    pace.next_stop(&mut random),
                    pace.stop(&mut random),
                    pace.delay(&mut random),
                    pace.hold(&mut random, 1, begin),
                    pace.next_arm(&mut random),
                ]
            })
            .collect()
    }

    #[test]
    fn the_seed_decides_everything() {
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn times_stay_in_proportion_to_the_run() {
        for run in [2e-4, 0.02, 1.0, 3600.0] {
            for seed in 0..200 {
                let mut random = Random::new(seed);
                let mut pace = Pace::draw(Duration::from_secs_f64(run), &mut random);
                let stop = pace.stop(&mut random).as_secs_f64();
                assert!(stop >= 0.0014 * run.min(100.0) && stop <= 4.6 * run && stop <= 1.5);
                let begin = Instant::now();
                let end = begin + Duration::from_secs_f64(2.0 * run);
                let mut held = |tid, now| {
                    let held = pace.hold(&mut random, tid, now) + pace.delay(&mut random);
                    held.as_secs_f64()
                };
                let all: f64 = (0..10_000)
                    .map(|round| held(round % 2, if round < 2 { begin } else { end }))
                    .sum();
                // Each time is rounded to nanoseconds.
                let most = (DELAYS + AT_ONCE.0 + 2.0 * 2.0 * OF_TIME) * run;
                assert!(all <= most * 1.001, "{all} of {run}");
                let late = begin + Duration::from_secs_f64(6.0 * run + 0.03);
                assert_eq!(pace.hold(&mut random, 1, late), Duration::ZERO);
            }
        }
    }
}
