//! For each platform: which wheels, and what is taken out of them.
//!
//! The wheels are those of CPython 3.12, whatever Python the user has: the C++ libraries in the wheels
//! of other Pythons are the same. Versions are those that PyTorch's own metadata asks for.

use std::env::consts;

use anyhow::{Result, bail};

use super::VERSION;

/// What set-up brings on one platform.
#[derive(Debug)]
pub(super) struct Platform {
    os: &'static str,
    arch: &'static str,
    pub(super) name: &'static str,
    /// The platform tags that pip is asked for. pip takes each by the letter and does not count down
    /// from a newer glibc to older ones, so all are named that the wheels may carry.
    pub(super) tags: &'static [&'static str],
    pub(super) wheels: &'static [Wheel],
    /// Libraries, by name in `lib`, that are loaded in a trial.
    pub(super) trial: &'static str,
    /// What the folder takes on the disk, about.
    pub(super) installed: u64,
    /// GNU linkers take a script and links in place of libraries; Apple's takes the wheel's own.
    pub(super) gnu_linker: bool,
}

/// One file of the package index.
#[derive(Debug)]
pub(super) struct Wheel {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
    pub(super) takes: &'static [Take],
}

/// A file, or a folder if it ends in `/`, of a wheel, and its place in the libtorch folder.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

const fn take(from: &'static str, to: &'static str) -> Take {
    Take { from, to }
}

const INCLUDE: Take = take("torch/include/", "include/");
const CUPTI: &[Take] = &[take("nvidia/cu13/lib/libcupti.so.13", "lib/libcupti.so.13")];
const CUDART: &[Take] = &[take(
    "nvidia/cu13/lib/libcudart.so.13",
    "lib/libcudart.so.13",
)];

/// `libtorch_cpu.so` of the index is made for CUDA too and does not load without these two small
/// libraries; they need no driver. `libtorch_cuda.so` is left behind: with it there, torch-sys would
/// link the worker against CUDA, and it would start only where CUDA is.
static PLATFORMS: [Platform; 3] = [
    Platform {
        os: "linux",
        arch: "x86_64",
        name: "Linux x86-64",
        tags: &[
            "manylinux_2_28_x86_64",
            "manylinux_2_25_x86_64",
            "manylinux_2_17_x86_64",
            "manylinux2014_x86_64",
        ],
        wheels: &[
            Wheel {
                package: "nvidia-cuda-cupti",
                version: "13.0.85",
                bytes: 10_715_597,
                sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
                takes: CUPTI,
            },
            Wheel {
                package: "nvidia-cuda-runtime",
                version: "13.0.96",
                bytes: 2_243_632,
                sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
                takes: CUDART,
            },
            Wheel {
                package: "torch",
                version: VERSION,
                bytes: 530_712_279,
                sha256: "0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756",
                takes: &[
                    INCLUDE,
                    take("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
                    take("torch/lib/libc10.so", "lib/libc10.so"),
                    take("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
                ],
            },
        ],
        trial: "libtorch_cpu.so",
        installed: 522_000_000,
        gnu_linker: true,
    },
    Platform {
        os: "linux",
        arch: "aarch64",
        name: "Linux arm64",
        tags: &[
            "manylinux_2_28_aarch64",
            "manylinux_2_25_aarch64",
            "manylinux_2_17_aarch64",
            "manylinux2014_aarch64",
        ],
        wheels: &[
            Wheel {
                package: "nvidia-cuda-cupti",
                version: "13.0.85",
                bytes: 10_310_827,
                sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
                takes: CUPTI,
            },
            Wheel {
                package: "nvidia-cuda-runtime",
                version: "13.0.96",
                bytes: 2_261_060,
                sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
                takes: CUDART,
            },
            Wheel {
                package: "torch",
                version: VERSION,
                bytes: 419_731_115,
                sha256: "f99924682ef0aa6a4ab3b1b76f40dc6e273fca09f367d15a524266db100a723f",
                takes: &[
                    INCLUDE,
                    take("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
                    take("torch/lib/libc10.so", "lib/libc10.so"),
                    take("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
                    take("torch/lib/libarm_compute.so", "lib/libarm_compute.so"),
                    take(
                        "torch/lib/libarm_compute_graph.so",
                        "lib/libarm_compute_graph.so",
                    ),
                    take(
                        "torch/lib/libnvpl_blas_core.so.0",
                        "lib/libnvpl_blas_core.so.0",
                    ),
                    take(
                        "torch/lib/libnvpl_blas_lp64_gomp.so.0",
                        "lib/libnvpl_blas_lp64_gomp.so.0",
                    ),
                    take(
                        "torch/lib/libnvpl_lapack_core.so.0",
                        "lib/libnvpl_lapack_core.so.0",
                    ),
                    take(
                        "torch/lib/libnvpl_lapack_lp64_gomp.so.0",
                        "lib/libnvpl_lapack_lp64_gomp.so.0",
                    ),
                ],
            },
        ],
        trial: "libtorch_cpu.so",
        installed: 360_000_000,
        gnu_linker: true,
    },
    // The one wheel has CPU and MPS.
    Platform {
        os: "macos",
        arch: "aarch64",
        name: "macOS on Apple silicon",
        tags: &["macosx_11_0_arm64"],
        wheels: &[Wheel {
            package: "torch",
            version: VERSION,
            bytes: 80_606_338,
            sha256: "4b5866312ee6e52ea625cd211dcb97d6a2cdc1131a5f15cc0d87eec948f6dd34",
            takes: &[
                INCLUDE,
                take("torch/lib/libtorch.dylib", "lib/libtorch.dylib"),
                take("torch/lib/libtorch_cpu.dylib", "lib/libtorch_cpu.dylib"),
                take("torch/lib/libc10.dylib", "lib/libc10.dylib"),
                take("torch/lib/libomp.dylib", "lib/libomp.dylib"),
            ],
        }],
        trial: "libtorch.dylib",
        installed: 290_000_000,
        gnu_linker: false,
    },
];

impl Platform {
    /// The platform that this program was compiled for, which is the one that the worker will be.
    pub(super) fn here() -> Result<&'static Self> {
        Self::of(consts::OS, consts::ARCH, cfg!(target_env = "musl"))
    }

    fn of(os: &str, arch: &str, musl: bool) -> Result<&'static Self> {
        let fits = |platform: &&Platform| platform.os == os && platform.arch == arch;
        match PLATFORMS.iter().find(fits) {
            Some(platform) if !musl => Ok(platform),
            _ => {
                let names: Vec<&str> = PLATFORMS.iter().map(|platform| platform.name).collect();
                let musl = if musl { " with musl" } else { "" };
                bail!(
                    "the Python package index has no libtorch {VERSION} for {os} on {arch}{musl}; it has it for {}\n\
                     what to do: if you have a libtorch {VERSION} for this platform, set LIBTORCH to its folder",
                    names.join(", ")
                )
            }
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn known_platforms_are_found_and_others_told() {
        for platform in &PLATFORMS {
            let found = Platform::of(platform.os, platform.arch, false).expect("known");
            assert_eq!(found.name, platform.name);
        }
        for (os, arch, musl) in [
            ("macos", "x86_64", false),
            ("windows", "x86_64", false),
            ("linux", "x86_64", true),
        ] {
            let told = Platform::of(os, arch, musl)
                .expect_err("unknown")
                .to_string();
            assert!(told.contains(os) && told.contains("LIBTORCH"), "{told}");
        }
    }

    #[test]
    fn every_platform_has_its_headers_and_its_trial_library() {
        for platform in &PLATFORMS {
            let takes: Vec<&str> = platform
                .wheels
                .iter()
                .flat_map(|wheel| wheel.takes)
                .map(|take| take.to)
                .collect();
            assert!(takes.contains(&"include/"), "{}", platform.name);
            let trial = format!("lib/{}", platform.trial);
            assert!(takes.contains(&trial.as_str()), "{}", platform.name);
        }
    }

    #[test]
    fn checksums_have_the_form_of_sha256() {
        for wheel in PLATFORMS.iter().flat_map(|platform| platform.wheels) {
            let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(
                wheel.sha256.len() == 64 && is_hex(wheel.sha256),
                "{wheel:?}"
            );
        }
    }
}
