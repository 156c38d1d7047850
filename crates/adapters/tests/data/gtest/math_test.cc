// Tests of every kind that googletest knows. PLANT=1 makes Planted.Crash die of SIGSEGV.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

TEST(Math, Add) { EXPECT_EQ(1 + 1, 2); }
TEST(Math, Wrong) {
  EXPECT_EQ(1 + 1, 3) << "sums are off";
  ADD_FAILURE() << "[  FAILED  ] Math.Add is only printed here";
}
TEST(Math, Skipped) { GTEST_SKIP() << "no such device"; }
TEST(Math, PrintsWithoutNewline) { std::printf("abc"), std::fflush(stdout); }
TEST(Math, PrintsWithoutNewlineAndFails) {
  std::printf("xyz"), std::fflush(stdout);
  FAIL();
}
TEST(Math, DISABLED_Later) { FAIL(); }
TEST(DISABLED_All, One) { FAIL(); }

template <typename T> class Typed : public testing::Test {};
using Types = testing::Types<int, std::vector<std::string>>;
TYPED_TEST_SUITE(Typed, Types);
TYPED_TEST(Typed, Default) { EXPECT_EQ(TypeParam(), TypeParam()); }
TYPED_TEST(Typed, OnlyInt) { EXPECT_EQ(sizeof(TypeParam), sizeof(int)); }

class Text : public testing::TestWithParam<std::string> {};
TEST_P(Text, Short) { EXPECT_LT(GetParam().size(), 8u); }
INSTANTIATE_TEST_SUITE_P(Some, Text, testing::Values("a.b", "Suite.", "# GetParam() = 3", "two\nlines"));

class Named : public testing::TestWithParam<int> {};
TEST_P(Named, Even) { EXPECT_EQ(GetParam() % 2, 0); }
INSTANTIATE_TEST_SUITE_P(/* no prefix */, Named, testing::Values(2, 3),
                         [](const auto& info) { return "value" + std::to_string(info.param); });

TEST(Planted, Crash) {
  if (std::getenv("PLANT")) std::raise(SIGSEGV);
}
TEST(Planted, Behind) {}
