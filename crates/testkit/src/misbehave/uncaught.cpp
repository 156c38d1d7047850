// An exception that nobody catches: the C++ runtime calls std::terminate, which aborts.

#include <stdexcept>

__attribute__((noinline)) static void throw_it(const char *what) {
    throw std::runtime_error(what);
}

// `noexcept` stops the exception here: it must not unwind through Rust frames.
extern "C" void crashrate_testkit_throw() noexcept {
    throw_it("nobody catches this");
}
