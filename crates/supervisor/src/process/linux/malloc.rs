//! The settings of memory allocators that make wrong uses of memory show.

/// The variables under which the allocator of the C library fills what it hands out and takes back,
/// and reuses memory without a cache for each thread. `current` is the value that a variable has.
///
/// See mallopt(3), `M_PERTURB`, and the GNU C Library manual, "Memory Allocation Tunables".
pub(crate) fn malloc_env(
    seed: u64,
    current: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, String)> {
    const TUNABLES: &str = "GLIBC_TUNABLES";
    // 0 fills nothing.
    let fill = seed % 255 + 1;
    let mut tunables = current(TUNABLES).unwrap_or_default();
    if !tunables.is_empty() {
        tunables.push(':');
    }
    tunables += &format!("glibc.malloc.perturb={fill}:glibc.malloc.tcache_count=0");
    vec![(TUNABLES, tunables), ("MALLOC_PERTURB_", fill.to_string())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunables_of_the_user_are_kept() {
        let env = malloc_env(254, |name| {
            (name == "GLIBC_TUNABLES").then(|| "glibc.malloc.arena_max=1".to_owned())
        });
        let own = "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0";
        assert_eq!(
            env,
            [
                ("GLIBC_TUNABLES", format!("glibc.malloc.arena_max=1:{own}")),
                ("MALLOC_PERTURB_", "255".to_owned())
            ]
        );
        for seed in [0, 255, u64::MAX] {
            assert_ne!(malloc_env(seed, |_| None)[1].1, "0");
        }
    }
}
