//! For each platform: the wheels with their hashes, and which of their files set-up unpacks.
//!
//! The wheels are those of CPython 3.12, because the C++ libraries are the same for every Python
//! version. Their versions are those that PyTorch's metadata requires.

use std::env::consts;

use anyhow::{Result, bail};

use super::VERSION;

#[derive(Debug)]
pub(super) struct Platform {
    os: &'static str,
    arch: &'static str,
    pub(super) name: &'static str,
    /// Platform tags for pip. With `--platform`, pip does not infer the tags of older glibc
    /// versions.
    pub(super) tags: &'static [&'static str],
    pub(super) wheels: &'static [Wheel],
    /// The library in `lib` that set-up loads as a test.
    pub(super) trial: &'static str,
    /// Approximate bytes of the finished folder.
    pub(super) installed: u64,
    /// GNU linkers accept a script in place of `libtorch.so`. Apple's linker needs the wheel's
    /// library.
    pub(super) gnu_linker: bool,
}

/// A wheel of the package index.
#[derive(Debug)]
pub(super) struct Wheel {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
    /// What is unpacked: libraries, and the directory of the headers (with a final `/`).
    pub(super) members: &'static [&'static str],
}

const INCLUDE: &str = "torch/include/";
const CUPTI: &[&str] = &["nvidia/cu13/lib/libcupti.so.13"];
const CUDART: &[&str] = &["nvidia/cu13/lib/libcudart.so.13"];

/// `libtorch_cpu.so` does not load without two small CUDA libraries, which need no driver.
/// `libtorch_cuda.so` is left out: torch-sys would link the worker against it, and the worker would
/// then not start on a machine without CUDA.
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
                members: CUPTI,
            },
            Wheel {
                package: "nvidia-cuda-runtime",
                version: "13.0.96",
                bytes: 2_243_632,
                sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
                members: CUDART,
            },
            Wheel {
                package: "torch",
                version: VERSION,
                bytes: 530_712_279,
                sha256: "0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756",
                members: &[
                    INCLUDE,
                    "torch/lib/libtorch_cpu.so",
                    "torch/lib/libc10.so",
                    "torch/lib/libgomp.so.1",
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
                members: CUPTI,
            },
            Wheel {
                package: "nvidia-cuda-runtime",
                version: "13.0.96",
                bytes: 2_261_060,
                sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
                members: CUDART,
            },
            Wheel {
                package: "torch",
                version: VERSION,
                bytes: 419_731_115,
                sha256: "f99924682ef0aa6a4ab3b1b76f40dc6e273fca09f367d15a524266db100a723f",
                members: &[
                    INCLUDE,
                    "torch/lib/libtorch_cpu.so",
                    "torch/lib/libc10.so",
                    "torch/lib/libgomp.so.1",
                    "torch/lib/libarm_compute.so",
                    "torch/lib/libarm_compute_graph.so",
                    "torch/lib/libnvpl_blas_core.so.0",
                    "torch/lib/libnvpl_blas_lp64_gomp.so.0",
                    "torch/lib/libnvpl_lapack_core.so.0",
                    "torch/lib/libnvpl_lapack_lp64_gomp.so.0",
                ],
            },
        ],
        trial: "libtorch_cpu.so",
        installed: 360_000_000,
        gnu_linker: true,
    },
    // This wheel supports CPU and MPS.
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
            members: &[
                INCLUDE,
                "torch/lib/libtorch.dylib",
                "torch/lib/libtorch_cpu.dylib",
                "torch/lib/libc10.dylib",
                "torch/lib/libomp.dylib",
            ],
        }],
        trial: "libtorch.dylib",
        installed: 290_000_000,
        gnu_linker: false,
    },
];

impl Platform {
    /// The platform that this program, and thus the worker, is compiled for.
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
                    "the Python package index has no libtorch {VERSION} for {os} on {arch}{musl}, \
                     only for {}\nwhat to do: set LIBTORCH to the folder of a libtorch {VERSION} \
                     for this platform",
                    names.join(", ")
                )
            }
        }
    }

    /// The requirements file for pip, with hashes.
    pub(super) fn requirements(&self) -> String {
        let line = |wheel: &Wheel| {
            let Wheel {
                package,
                version,
                sha256,
                ..
            } = wheel;
            format!("{package}=={version} --hash=sha256:{sha256}\n")
        };
        self.wheels.iter().map(line).collect()
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn known_platforms_are_found_and_others_are_errors() {
        for platform in &PLATFORMS {
            let found = Platform::of(platform.os, platform.arch, false).expect("known");
            assert_eq!(found.name, platform.name);
        }
        for (os, arch, musl) in [
            ("macos", "x86_64", false),
            ("windows", "x86_64", false),
            ("linux", "x86_64", true),
        ] {
            let error = Platform::of(os, arch, musl).expect_err("unknown");
            let error = error.to_string();
            assert!(error.contains(os) && error.contains("LIBTORCH"), "{error}");
        }
    }

    #[test]
    fn every_platform_has_its_headers_and_its_trial_library() {
        for platform in &PLATFORMS {
            let members = || platform.wheels.iter().flat_map(|wheel| wheel.members);
            assert!(members().any(|name| *name == INCLUDE), "{}", platform.name);
            let trial = format!("torch/lib/{}", platform.trial);
            assert!(members().any(|name| *name == trial), "{}", platform.name);
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
