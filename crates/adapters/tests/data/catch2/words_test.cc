// Test cases whose names hold everything that a test spec treats specially; for Catch2 2 and 3.
// PLANT=1 makes "planted crash" die of SIGSEGV.
#ifdef CATCH3
#include "catch_amalgamated.hpp"
#else
#include <catch2/catch.hpp>
#endif

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

TEST_CASE("adds", "[math]") {
  SECTION("small") { CHECK(1 + 1 == 2); }
  SECTION("large") { CHECK(1000 + 1000 == 2000); }
}
TEST_CASE("is wrong", "[math]") {
  INFO("sums are <off> & \"out\"");
  CHECK(1 + 1 == 3);
}
TEST_CASE("comma, and \"quotes\"") {}
TEST_CASE("[brackets] at the start") {}
TEST_CASE("in [the] middle") {}
TEST_CASE("star*") {}
TEST_CASE("*star") {}
TEST_CASE("back\\slash") {}
TEST_CASE("back\\, comma") {}
TEST_CASE("ends with backslash\\") {}
TEST_CASE("#hash") {}
TEST_CASE("~tilde") {}
TEST_CASE("-dash") {}
TEST_CASE("exclude:this") {}
TEST_CASE("a < b && c > 'd'") {}
TEST_CASE("  blanks around  ") {}
TEST_CASE("\"quoted\"") {}
TEST_CASE("~ tilde ~") {}
TEST_CASE("- dash -") {}
TEST_CASE("~") {}
TEST_CASE("\\") {}
TEST_CASE("\"") {}
TEST_CASE(",") {}
TEST_CASE("Größe \xF0\x9F\x98\x80") {}
TEST_CASE("a name that is longer than the eighty columns that the console reporter of the library "
          "has, so that it is wrapped there") {}
TEST_CASE("hidden", "[.]") { CHECK(false); }
TEST_CASE("hidden by a tag", "[.slow]") { CHECK(false); }
TEMPLATE_TEST_CASE("of a type", "[template]", int, std::string) { CHECK(TestType() == TestType()); }
TEST_CASE("prints XML") {
  std::printf("<TestCase name=\"adds\">\n<OverallResult success=\"false\"/>\n</TestCase>\nno newline");
  std::fflush(stdout);
}
TEST_CASE("throws") { throw 3; }
TEST_CASE("may fail", "[!mayfail]") { CHECK(false); }
TEST_CASE("should fail", "[!shouldfail]") { CHECK(false); }
#ifdef CATCH3
TEST_CASE("is skipped") { SKIP("no such device"); }
TEST_CASE("may fail and is skipped", "[!mayfail]") {
  CHECK(false);
  SKIP();
}
#endif
TEST_CASE("planted crash") {
  if (std::getenv("PLANT")) std::raise(SIGSEGV);
}
TEST_CASE("behind the crash") {}
