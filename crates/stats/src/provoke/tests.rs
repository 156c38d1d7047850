use super::*;

/// A search among three arms whose budget is never reached.
fn search() -> Provocation {
    Provocation::new(ProvokeSettings {
        budget: 1e9,
        ..ProvokeSettings::new(3)
    })
    .unwrap()
}

/// A slice as planned, with these crashes.
fn slice(crashes: u64) -> SliceResult {
    SliceResult {
        seconds: 0.25,
        rounds: 10,
        crashes,
        others: 1,
    }
}

/// Runs slices until the search is answered; returns them. Each arm crashes once in a slice or never.
fn run(search: &mut Provocation, crashes: [u64; 3]) -> Vec<Slice> {
    let mut slices = Vec::new();
    while let Some(next) = search.next() {
        assert_eq!(search.next(), Some(next));
        search.push(next, slice(crashes[next.arm])).unwrap();
        slices.push(next);
    }
    slices
}

#[test]
fn an_arm_that_always_crashes_is_shown() {
    let mut found = search();
    let slices = run(&mut found, [0, 0, 1]);
    let Some(ProvokeAnswer::Shown(shown)) = found.answer() else {
        panic!("{:?}", found.answer());
    };
    assert_eq!(shown.arm, 2);
    assert!(shown.ln_e >= shown.ln_needed && (shown.ln_needed - 25_f64.ln()).abs() < 1e-12);
    // Each block has one slice of the arm and three of the base.
    let confirm = |arm: usize| {
        let confirm = slices.iter().filter(|s| s.purpose == SlicePurpose::Confirm);
        confirm.filter(|s| s.arm == arm).count() as u64
    };
    assert_eq!((confirm(2), confirm(0)), (shown.blocks, 3 * shown.blocks));
    let progress = found.progress();
    let [base, other, arm] = &progress.arms[..] else {
        panic!("{progress:?}");
    };
    assert_eq!((base.gain, base.interval, arm.gain), (None, None, None));
    let interval = arm.interval.unwrap();
    assert!(interval.lo > 5.0 && interval.hi == f64::INFINITY);
    assert_eq!((arm.crashes, other.crashes), (arm.rounds / 10, 0));
    assert!((base.seconds + other.seconds + arm.seconds - progress.seconds).abs() < 1e-9);
}

#[test]
fn repeating_the_calls_gives_the_same_state() {
    let mut found = search();
    let slices = run(&mut found, [0, 0, 1]);
    let mut again = search();
    for next in &slices {
        assert_eq!(again.next(), Some(*next));
        again.push(*next, slice(u64::from(next.arm == 2))).unwrap();
    }
    assert_eq!(again.progress(), found.progress());
    let settings = ProvokeSettings {
        seed: 1,
        ..ProvokeSettings::new(3)
    };
    let other = run(&mut Provocation::new(settings).unwrap(), [0, 0, 1]);
    assert_ne!(other, slices);
}

#[test]
fn the_base_has_its_share_of_the_search() {
    let mut settings = ProvokeSettings::new(4);
    settings.budget = 60.0;
    let mut clean = Provocation::new(settings).unwrap();
    while let Some(next) = clean.next() {
        clean.push(next, slice(0)).unwrap();
        let base = &clean.arms[0];
        assert!(base.seconds >= BASE_SHARE * clean.seconds - 0.25 + 1e-9);
    }
    assert_eq!(clean.answer(), Some(ProvokeAnswer::NothingShown));
    let progress = clean.progress();
    assert_eq!((progress.seconds, progress.confirmations), (60.0, 0));
    assert!(progress.arms.iter().all(|arm| arm.seconds > 5.0));
    assert_eq!(progress.arms[1].interval.unwrap().lo, 0.0);
}

#[test]
fn a_search_without_hope_ends() {
    let mut equal = search();
    let slices = run(&mut equal, [1, 1, 1]);
    assert_eq!(equal.answer(), Some(ProvokeAnswer::NothingShown));
    assert!(slices.len() < 100, "{}", slices.len());
    let arms = &equal.progress().arms;
    assert!(arms[1..].iter().all(|arm| arm.interval.unwrap().hi < 5.0));
}

#[test]
fn an_arm_that_joins_is_tried() {
    let mut grown = search();
    for _ in 0..40 {
        let next = grown.next().unwrap();
        grown.push(next, slice(0)).unwrap();
    }
    assert_eq!(grown.add_arm(), 3);
    while let Some(next) = grown.next() {
        grown.push(next, slice(u64::from(next.arm == 3))).unwrap();
    }
    let shown = matches!(grown.answer(), Some(ProvokeAnswer::Shown(shown)) if shown.arm == 3);
    assert!(shown, "{:?}", grown.answer());
}

#[test]
fn only_whole_blocks_of_fresh_slices_count() {
    let mut confirming = search();
    while confirming.progress().phase == ProvokePhase::Search {
        let next = confirming.next().unwrap();
        confirming
            .push(next, slice(u64::from(next.arm == 2)))
            .unwrap();
    }
    let before = confirming.progress().confirmation.unwrap();
    assert_eq!((before.arm, before.blocks), (2, 0));
    assert!(before.ln_e.abs() < 1e-12);
    let stray = Slice {
        arm: 2,
        purpose: SlicePurpose::Search,
    };
    confirming.push(stray, slice(1)).unwrap();
    for _ in 0..BLOCK_BASES {
        let next = confirming.next().unwrap();
        confirming
            .push(next, slice(u64::from(next.arm == 2)))
            .unwrap();
        assert_eq!(confirming.progress().confirmation, Some(before));
    }
    let next = confirming.next().unwrap();
    confirming
        .push(next, slice(u64::from(next.arm == 2)))
        .unwrap();
    let after = confirming.progress().confirmation.unwrap();
    assert!(after.blocks == 1 && after.ln_e > before.ln_e);
}

#[test]
fn an_arm_that_stops_crashing_is_given_up() {
    let mut fading = search();
    while fading.progress().phase == ProvokePhase::Search {
        let next = fading.next().unwrap();
        fading.push(next, slice(u64::from(next.arm == 2))).unwrap();
    }
    while fading.progress().phase == ProvokePhase::Confirm {
        let next = fading.next().unwrap();
        fading.push(next, slice(u64::from(next.arm == 0))).unwrap();
    }
    assert_eq!(
        (fading.progress().confirmations, fading.answer()),
        (1, None)
    );
}

#[test]
fn arguments_out_of_range_are_errors() {
    let with = |change: fn(&mut ProvokeSettings)| {
        let mut settings = ProvokeSettings::new(3);
        change(&mut settings);
        Provocation::new(settings)
    };
    assert!(with(|settings| settings.arms = 0).is_err());
    assert!(with(|settings| settings.gain = 1.0).is_err());
    assert!(with(|settings| settings.error = 0.0).is_err());
    assert!(with(|settings| settings.slice = 0.0).is_err());
    assert!(with(|settings| settings.budget = f64::NAN).is_err());
    let mut search = search();
    let next = search.next().unwrap();
    assert!(search.push(next, SliceResult::default()).is_err());
    assert!(search.push(Slice { arm: 3, ..next }, slice(0)).is_err());
}

/// The mean factor of a block, for means of the crashes of a slice and the way they are drawn.
fn mean_factor(process: &GainProcess, seconds: f64, chance: impl Fn(u64, u64) -> f64) -> f64 {
    let mut sum = 0.0;
    for arm in 0..40 {
        for base in 0..40 {
            let mut next = process.clone();
            next.push([arm, base], seconds);
            sum += chance(arm, base) * (next.ln_e() - process.ln_e()).exp();
        }
    }
    sum
}

#[test]
fn a_block_gains_nothing_on_average_at_or_below_the_gain() {
    let poisson = |mean: f64, k: u64| {
        let ln_factorial: f64 = (1..=k).map(|j| (j as f64).ln()).sum();
        (k as f64 * mean.ln() - mean - ln_factorial).exp()
    };
    let once = |mean: f64, k: u64| match k {
        0 => 1.0 - mean,
        1 => mean,
        _ => 0.0,
    };
    let tally = |crashes: u64| Tally {
        slices: 4,
        seconds: 1.0,
        crashes,
        ..Tally::default()
    };
    let mut process = GainProcess::new(5.0, &tally(4), &tally(1));
    for (seconds, base) in [(1.0, 0.05), (0.5, 0.19), (3.0, 0.02)] {
        for share in [0.5, 1.0] {
            let arm = share * 5.0 * seconds * base;
            let all = |arm_k, base_k| poisson(arm, arm_k) * poisson(3.0 * base, base_k);
            let factor = mean_factor(&process, seconds, all);
            assert!(factor <= 1.0 + 1e-9, "{seconds} {base} {share}: {factor}");
            let rounds = |arm_k, base_k| once(arm, arm_k) * once(3.0 * base, base_k);
            let factor = mean_factor(&process, seconds, rounds);
            assert!(factor <= 1.0 + 1e-9, "{seconds} {base} {share}: {factor}");
        }
        let arm = 50.0 * seconds * base;
        let more = |arm_k, base_k| poisson(arm, arm_k) * poisson(3.0 * base, base_k);
        assert!(mean_factor(&process, seconds, more) > 1.0);
        process.push([1, 1], seconds);
    }
}
