//! Calls the dynamic loader. Apart from a clock, the only unsafe code of the worker.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

/// Loads a library for the lifetime of the process, with global symbols.
///
/// # Errors
/// The loader's message.
pub(super) fn open_for_all(library: &str) -> Result<(), String> {
    let name = CString::new(library).map_err(|e| e.to_string())?;
    // SAFETY: `name` ends with a NUL and outlives the call. The library's initialisers run before
    // another thread uses libtorch: the worker opens its device first, on its only thread.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if handle.is_null() {
        Err(last_error())
    } else {
        Ok(())
    }
}

fn last_error() -> String {
    // SAFETY: dlerror has no requirements.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the loader does not say why".to_owned();
    }
    // SAFETY: not null, so it is a string that is valid until this thread's next call to the
    // loader; it is copied here.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// Returns the version of the loaded libtorch, which may differ from the one linked at build time.
pub(crate) fn libtorch_version() -> Option<String> {
    // SAFETY: the name ends with a NUL; RTLD_DEFAULT needs no handle.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"aoti_torch_abi_version".as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    // SAFETY: libtorch declares `uint64_t aoti_torch_abi_version()` in aoti_torch/c/shim.h, a
    // header with a stable ABI; the function only returns a constant.
    let version = unsafe {
        let function: extern "C" fn() -> u64 = std::mem::transmute(symbol);
        function()
    };
    let [major, minor, patch, ..] = version.to_be_bytes();
    Some(format!("{major}.{minor}.{patch}"))
}
