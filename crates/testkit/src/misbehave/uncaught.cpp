// An exception that nobody catches: the C++ runtime calls std::terminate, which aborts.

#include <stdexcept>

__attribute__((noinline)) static void throw_it(const char *what) {
    throw std::runtime_error(what);
}

// `noexcept` keeps the exception from entering Rust's frames, where it must not go.
extern "C" void crashrate_testkit_throw() noexcept {
    throw_it("nobody catches this");
}
