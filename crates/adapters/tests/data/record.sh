#!/bin/sh
# Records the output of the frameworks again: sh record.sh WORK, an empty folder for builds.
#
# CATCH2_3 is the folder `extras` of Catch2 3's sources, PYTHON an interpreter with pytest and the
# package `crashrate`. Without them their output stays as it is.
set -eu
data=$(cd "$(dirname "$0")" && pwd)
work=$(mkdir -p "$1" && cd "$1" && pwd)
export RUST_BACKTRACE=0

# keep FILE COMMAND...: keeps standard output, with the paths of this machine replaced. The exit code
# does not matter, because the tests of the suites fail and crash.
keep() {
  file=$data/$1
  shift
  { "$@" || true; } 2>"$work/stderr" | sed "s|$data|/src|g; s|$work|/build|g; s|\"libdir\":{[^}]*}|\"libdir\":{}|" \
    >"$file"
}

cd "$work"
g++ -std=c++17 "$data/gtest/math_test.cc" -lgtest -lgtest_main -o math_test
keep gtest/list.txt ./math_test --gtest_list_tests
keep gtest/run.txt ./math_test --gtest_color=no
PLANT=1 keep gtest/crash.txt ./math_test --gtest_color=no

echo '#include <catch2/catch.hpp>' | g++ -DCATCH_CONFIG_MAIN -x c++ -c - -o main2.o
g++ "$data/catch2/words_test.cc" main2.o -o words2
keep catch2/list-2.txt ./words2 --list-test-names-only
keep catch2/run-2.xml ./words2 --reporter xml --order decl
PLANT=1 keep catch2/crash-2.xml ./words2 --reporter xml --order decl
if [ -n "${CATCH2_3:-}" ]; then
  g++ -std=c++17 -DCATCH3 -I "$CATCH2_3" "$data/catch2/words_test.cc" \
    "$CATCH2_3/catch_amalgamated.cpp" -o words3
  keep catch2/list-3.xml ./words3 --list-tests --reporter xml
  keep catch2/run-3.xml ./words3 --reporter xml --order decl --rng-seed 1
  PLANT=1 keep catch2/crash-3.xml ./words3 --reporter xml --order decl --rng-seed 1
fi

cd "$data/libtest"
export CARGO_TARGET_DIR="$work/target"
keep libtest/messages.jsonl cargo test --workspace --no-run --message-format json
keep libtest/nextest.json cargo nextest list -p one -p two --message-format json
binary=$(ls -t "$work"/target/debug/deps/one-* | grep -v '\.d$' | head -n 1)
keep libtest/list.txt "$binary" --list --format terse
keep libtest/ignored.txt "$binary" --list --format terse --ignored
keep libtest/run.txt "$binary" --test-threads=1
keep libtest/nocapture.txt "$binary" --test-threads=1 --nocapture
PLANT=1 keep libtest/crash.txt "$binary" --test-threads=1 --exact tests::adds \
  then_planted::crash then_planted::crash_no_more
PLANT=1 keep libtest/crash-nocapture.txt "$binary" --test-threads=1 --nocapture

cmake -S "$data/ctest" -B "$work/cmake" >"$work/stderr"
keep ctest/tests.json ctest --test-dir "$work/cmake" --show-only=json-v1

cd "$data/go"
keep go/packages.txt go list -f '{{.ImportPath}}	{{.Dir}}	{{len .TestGoFiles}}	{{len .XTestGoFiles}}' ./...
go test -c -o "$work/words.test" .
keep go/list.txt "$work/words.test" -test.list .
keep go/run.txt "$work/words.test" -test.v -test.parallel=1
PLANT=nil keep go/panic.txt "$work/words.test" -test.v -test.parallel=1
sed "s|$data|/src|g" "$work/stderr" >"$data/go/panic.stderr.txt"
PLANT=goroutine keep go/panic-elsewhere.txt "$work/words.test" -test.v -test.parallel=1

if [ -n "${PYTHON:-}" ]; then
  cd "$data/pytest"
  export CRASHRATE_PYTEST_LIST=1
  keep pytest/list.txt "$PYTHON" -m pytest -p crashrate.pytest_plugin -p no:cacheprovider \
    --collect-only -q .
fi
