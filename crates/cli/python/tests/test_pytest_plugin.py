import json
import os
import subprocess
import sys

import pytest
from support import environment, isolated, pytest_attempt

SUITE = """
import pytest

@pytest.fixture(scope="module", autouse=True)
def module():
    yield
    assert "torn_down_badly" not in globals()

def test_passes(): pass

def test_fails():
    assert [1, 2] == [1, 3]

@pytest.mark.skip(reason="no GPU")
def test_skipped_by_mark(): pass

def test_skips():
    pytest.skip("not now")

@pytest.mark.xfail
def test_fails_as_expected():
    assert False

@pytest.mark.xfail
def test_passes_unexpectedly(): pass

@pytest.mark.xfail(strict=True, reason="a bug")
def test_passes_strictly(): pass

@pytest.fixture
def broken():
    raise OSError("no device")

def test_breaks_in_setup(broken): pass

@pytest.fixture
def leaky():
    yield
    raise OSError("busy")

def test_breaks_in_teardown(leaky): pass

def test_has_no_fixture(nonsense): pass

@pytest.mark.parametrize("text", ["a b", "x/[y]", "é"])
def test_with(text): pass

class TestClass:
    def test_method(self): pass
"""

VERDICTS = {
    "test_passes": ("passed", None),
    "test_fails": ("failed", "assert [1, 2] == [1, 3]"),
    "test_skipped_by_mark": ("skipped", "no GPU"),
    "test_skips": ("skipped", "not now"),
    "test_fails_as_expected": ("passed", None),
    "test_passes_unexpectedly": ("passed", None),
    "test_passes_strictly": ("failed", "[XPASS(strict)] a bug"),
    "test_breaks_in_setup": ("failed", "OSError: no device"),
    "test_breaks_in_teardown": ("failed", "OSError: busy"),
    "test_has_no_fixture": ("failed", "fixture 'nonsense' not found"),
    "test_with[a b]": ("passed", None),
    "test_with[x/[y]]": ("passed", None),
    "test_with[\\xe9]": ("passed", None),
    "TestClass::test_method": ("passed", None),
}


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def nodeid(name):
    return f"test_suite.py::{name}"


def matches(verdicts, name):
    """Whether these are the two events of a test. pytest adds details to some reasons."""
    (_, started, _), (kind, ended, reason) = verdicts
    expected, text = VERDICTS[name]
    return started == ended == nodeid(name) and kind == expected and (text or "") in (reason or "")


# Attempts.


def test_sequential_runs_the_tests_of_the_task_in_its_order(suite):
    names = [*reversed(VERDICTS)]
    result = pytest_attempt(directory=suite, task=map(nodeid, names))
    assert result.code == 1
    assert len(result.verdicts) == 2 * len(names)
    for place, name in enumerate(names):
        assert matches(result.verdicts[2 * place : 2 * place + 2], name), name


def test_sequential_leaves_the_others_out(suite):
    result = pytest_attempt(
        directory=suite, task=[nodeid("test_with[x/[y]]"), nodeid("test_passes")]
    )
    assert [chapter for _, chapter, _ in result.verdicts[::2]] == [
        nodeid("test_with[x/[y]]"),
        nodeid("test_passes"),
    ]
    assert result.code == 0
    assert "12 deselected" in result.stdout


def test_a_chapter_can_have_another_id_than_its_test(suite):
    task = [{"id": "short", "params": {"name": nodeid("test_passes")}}]
    result = pytest_attempt(directory=suite, task=task)
    assert result.verdicts == [("started", "short", None), ("passed", "short", None)]


def test_a_test_that_vanished_is_named(suite):
    result = pytest_attempt(directory=suite, task=[nodeid("test_passes"), nodeid("test_gone")])
    assert result.code == 4
    assert "crashrate: tests were not collected: test_suite.py::test_gone" in result.stderr
    assert not result.events
    assert "PluggyTeardownRaisedWarning" not in result.stdout + result.stderr


def test_a_collection_error_is_reported_by_pytest(suite):
    (suite / "test_suite.py").write_text("import nonsense")
    result = pytest_attempt(directory=suite, task=[nodeid("test_passes")])
    assert result.code == 2
    assert "No module named 'nonsense'" in result.stdout


@pytest.mark.parametrize("name", VERDICTS)
def test_isolated_the_only_test_is_reported(suite, name):
    result = isolated(nodeid(name), suite)
    assert matches(result.verdicts, name)
    assert result.code == (1 if VERDICTS[name][0] == "failed" else 0)


@pytest.mark.parametrize(
    "place, words", [("below", [".."]), ("below", ["../test_suite.py"]), ("..", [])]
)
def test_ids_are_relative_to_the_current_directory(suite, place, words):
    """pytest finds its root directory from its arguments and its configuration."""
    (suite / "below").mkdir()
    directory = (suite / place).resolve()
    words = words or [suite.name]
    ids = [name for name, _ in listing(directory, *words)]
    prefix = os.path.relpath(suite, directory)
    assert ids == [f"{prefix}/{nodeid(name)}" for name in VERDICTS]
    result = pytest_attempt(*words, directory=directory, task=[ids[-1]])
    assert result.verdicts == [("started", ids[-1], None), ("passed", ids[-1], None)]
    result = isolated(ids[-1], directory)
    assert result.verdicts == [("started", ids[-1], None), ("passed", ids[-1], None)]


def test_a_whole_suite_as_one_chapter_reports_no_parts(suite):
    result = pytest_attempt(directory=suite, CRASHRATE_CHAPTER="suite")
    assert (result.code, result.events) == (1, [])


def test_a_command_of_the_user_is_left_alone(suite):
    pytest.importorskip("xdist")
    result = pytest_attempt("-n", "2", directory=suite, CRASHRATE_CHAPTER="suite")
    assert "2 workers" in result.stdout
    assert (result.code, result.events) == (1, [])
    result = pytest_attempt(nodeid("test_with"), directory=suite, CRASHRATE_CHAPTER="three")
    assert (result.code, result.events) == (0, [])


def test_a_crash_is_behind_the_start_of_its_test(suite):
    (suite / "test_suite.py").write_text(
        "import ctypes\ndef test_a(): pass\ndef test_b(): ctypes.string_at(0)\ndef test_c(): pass\n"
    )
    result = pytest_attempt(directory=suite, task=map(nodeid, ["test_a", "test_b", "test_c"]))
    assert result.code < 0
    assert result.verdicts == [
        ("started", nodeid("test_a"), None),
        ("passed", nodeid("test_a"), None),
        ("started", nodeid("test_b"), None),
    ]


def test_a_test_that_ends_the_session_has_no_verdict(suite):
    (suite / "test_suite.py").write_text("import pytest\ndef test_a(): pytest.exit('enough')\n")
    result = pytest_attempt(directory=suite, task=[nodeid("test_a")])
    assert result.verdicts == [("started", nodeid("test_a"), None)]


def test_tests_and_pytest_below_report_as_before(suite):
    """The API works inside of tests; a pytest that a test starts stays silent."""
    (suite / "inner.py").write_text("def test_inner(): pass\n")
    (suite / "test_suite.py").write_text(
        "import crashrate, subprocess, sys\n"
        "def test_a():\n"
        "    crashrate.measure('m', 1)\n"
        "    assert crashrate.task()['seed'] == 7\n"
        "    words = ['-m', 'pytest', '-p', 'crashrate.pytest_plugin', 'inner.py']\n"
        "    subprocess.run([sys.executable, *words], close_fds=False, check=True)\n"
    )
    result = pytest_attempt(directory=suite, task=[nodeid("test_a")])
    assert [event["event"] for event in result.events] == [
        "chapter-started",
        "measure",
        "chapter-passed",
    ]


def test_a_pytest_in_the_same_process_stays_silent(suite):
    (suite / "pytest.ini").write_text("[pytest]\naddopts = -p pytester\n")
    (suite / "test_suite.py").write_text(
        "def test_a(pytester):\n"
        "    pytester.makepyfile('def test_inner(): pass')\n"
        "    pytester.runpytest_inprocess().assert_outcomes(passed=1)\n"
    )
    result = pytest_attempt(directory=suite, task=[nodeid("test_a")])
    assert result.verdicts == [
        ("started", nodeid("test_a"), None),
        ("passed", nodeid("test_a"), None),
    ]


def test_the_last_failures_do_not_change_an_attempt(suite):
    (suite / "pytest.ini").write_text("[pytest]\naddopts = --lf\n")
    for _ in range(2):
        result = pytest_attempt(directory=suite, task=map(nodeid, VERDICTS))
        assert len(result.verdicts) == 2 * len(VERDICTS)


# Other plugins.


def addopts(suite, module, words):
    pytest.importorskip(module)
    (suite / "pytest.ini").write_text(f"[pytest]\naddopts = {words}\n")


@pytest.mark.parametrize(
    "module, words",
    [
        ("xdist", "-n 2"),
        ("xdist", "-n auto --dist loadfile"),
        ("pytest_randomly", "-p randomly"),
        ("pytest_forked", "--forked"),
        ("pytest_timeout", "--timeout 60"),
        ("pytest_rerunfailures", "--reruns 2"),
        ("pytest_asyncio", "-v"),
        ("pytest_cov", "--cov"),
    ],
)
def test_beside_other_plugins(suite, module, words):
    addopts(suite, module, words)
    names = [*reversed(VERDICTS)]
    result = pytest_attempt(directory=suite, task=map(nodeid, names))
    assert [chapter for _, chapter, _ in result.verdicts[::2]] == [*map(nodeid, names)]
    for place, name in enumerate(names):
        assert matches(result.verdicts[2 * place : 2 * place + 2], name), name
    assert [name for name, _ in listing(suite)] == [*map(nodeid, VERDICTS)]


def test_subtests_belong_to_their_test(suite):
    if pytest.version_tuple < (9,):
        pytest.importorskip("pytest_subtests")
    (suite / "test_suite.py").write_text(
        "import pytest\n"
        "def test_skips_one(subtests):\n"
        "    with subtests.test(): pytest.skip('this one')\n"
        "def test_fails_one(subtests):\n"
        "    with subtests.test(): assert False\n"
    )
    result = pytest_attempt(directory=suite, task=map(nodeid, ["test_skips_one", "test_fails_one"]))
    assert [kind for kind, _, _ in result.verdicts] == ["started", "passed", "started", "failed"]


# Listing.


def pytest_run(directory, *words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "crashrate.pytest_plugin", *words],
        cwd=directory,
        env=environment(**variables),
        capture_output=True,
        text=True,
    )


def lines(text, kind):
    prefix = f"crashrate-{kind}: "
    return [
        json.loads(line[len(prefix) :]) for line in text.splitlines() if line.startswith(prefix)
    ]


def listing(suite, *words, code=0):
    done = pytest_run(suite, *words, CRASHRATE_PYTEST_LIST="1")
    assert done.returncode == code, done.stdout + done.stderr
    gates = {gate["id"]: gate["below"] for gate in lines(done.stdout, "gate")}
    return [(name, gates.get(name)) for name in lines(done.stdout, "test")]


@pytest.mark.parametrize("words", [[], ["--collect-only", "-q"], ["-v"], ["-qq"], ["-s"]])
def test_listing_names_each_test(suite, words):
    assert [name for name, _ in listing(suite, *words)] == [*map(nodeid, VERDICTS)]


def test_listing_heeds_the_selection(suite):
    assert listing(suite, "-k", "method") == [(nodeid("TestClass::test_method"), None)]
    assert listing(suite, "-k", "nothing_like_this", code=5) == []


def test_listing_reports_a_collection_error(suite):
    (suite / "test_suite.py").write_text("import nonsense")
    done = pytest_run(suite, CRASHRATE_PYTEST_LIST="1")
    assert done.returncode == 2
    assert "No module named 'nonsense'" in done.stdout


def test_markers_become_gates(suite):
    (suite / "test_suite.py").write_text(
        "import pytest\n"
        "@pytest.mark.crashrate(below=0.01)\n"
        "def test_a(): pass\n"
        "def test_b(): pass\n"
    )
    assert listing(suite) == [(nodeid("test_a"), 0.01), (nodeid("test_b"), None)]
    assert pytest_run(suite).returncode == 0


@pytest.mark.parametrize("arguments", ["", "0.01", "under=1", "below='1%'", "below=1", "below=0"])
def test_a_wrong_marker_is_named(suite, arguments):
    (suite / "test_suite.py").write_text(
        f"import pytest\n@pytest.mark.crashrate({arguments})\ndef test_a(): pass\n"
    )
    done = pytest_run(suite, CRASHRATE_PYTEST_LIST="1")
    assert done.returncode == 4
    assert "test_suite.py::test_a: " in done.stderr and "below=" in done.stderr


# `pytest --crashrate N`, with a program that prints its arguments.


@pytest.fixture
def fake(tmp_path):
    """A folder with a `crashrate`, for the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "crashrate"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys, time\n"
        "print('WORDS ' + json.dumps(sys.argv[1:]), flush=True)\n"
        "print('INPUT ' + sys.stdin.read(), flush=True)\n"
        "if os.environ['FAKE_CODE'] == '106':\n"
        "    os.kill(os.getppid(), 2)\n"  # as the terminal does for both on Ctrl-C
        "    time.sleep(0.5)\n"
        "sys.exit(int(os.environ['FAKE_CODE']))\n"
    )
    program.chmod(0o755)
    # The program beside the interpreter has precedence: hide it if the wheel is installed.
    (folder / "hide.py").write_text(
        "import sysconfig\nsysconfig.get_path = lambda name: 'nowhere'\n"
    )
    return folder


def through(fake, suite, *words, code=0, launcher=("-m", "pytest"), **variables):
    path = os.pathsep.join([str(fake), os.environ["PATH"]])
    env = environment(**{"PATH": path, "FAKE_CODE": str(code), **variables})
    env["PYTHONPATH"] += os.pathsep + str(fake)
    return subprocess.run(
        [sys.executable, *launcher, "-p", "hide", "-p", "crashrate.pytest_plugin", *words],
        cwd=suite,
        env=env,
        input="typed",
        capture_output=True,
        text=True,
    )


PLUGINS = ["-p", "hide", "-p", "crashrate.pytest_plugin"]


def words_of(done):
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("WORDS ")]
    return json.loads(line[len("WORDS ") :])


def test_crashrate_gets_the_arguments(fake, suite):
    done = through(fake, suite, "--crashrate", "50", "-k", "a or b", "test_suite.py")
    assert words_of(done) == [
        *["run", "--from", "pytest", "--rounds", "50", "--mode", "both", "--"],
        *[sys.executable, "-m", "pytest", *PLUGINS, "-k", "a or b", "test_suite.py"],
    ]
    assert done.stdout == f"WORDS {json.dumps(words_of(done))}\nINPUT typed\n"
    done = through(
        fake, suite, "--crashrate=5", "--crashrate-mode=isolated", "--crashrate-until", "decided"
    )
    assert words_of(done) == [
        *["run", "--from", "pytest", "--rounds", "5", "--mode", "isolated", "--until", "decided"],
        *["--", sys.executable, "-m", "pytest", *PLUGINS],
    ]


def test_the_script_that_started_pytest_starts_it_again(fake, suite):
    script = fake / "pytest"
    script.write_text(f"#!{sys.executable}\nimport sys, pytest\nsys.exit(pytest.main())\n")
    script.chmod(0o755)
    done = through(fake, suite, "--crashrate", "5", launcher=[str(script)])
    assert words_of(done)[-5:] == [str(script), *PLUGINS]


@pytest.mark.parametrize(
    "code, expected",
    [(0, 0), (100, 1), (120, 1), (121, 1), (106, 2), (110, 3), (96, 4), (4, 5), (77, 3)],
)
def test_exit_codes_are_those_of_pytest(fake, suite, code, expected):
    assert through(fake, suite, "--crashrate", "5", code=code).returncode == expected


def test_a_missing_program_is_an_error(fake, suite):
    (fake / "crashrate").unlink()
    done = through(fake, suite, "--crashrate", "5", PATH=str(fake))
    assert done.returncode == 4
    assert "--crashrate needs the program `crashrate`" in done.stderr


def test_the_option_in_addopts_does_not_start_crashrate_again(fake, suite):
    (suite / "pytest.ini").write_text("[pytest]\naddopts = --crashrate 5\n")
    assert words_of(through(fake, suite))[-6:] == ["-m", "pytest", *PLUGINS]
    assert len(listing(suite)) == len(VERDICTS)
    result = isolated(nodeid("test_passes"), suite)
    assert len(result.verdicts) == 2


def test_the_plugin_is_inactive_by_default(suite):
    done = pytest_run(suite, "-q")
    assert "crashrate" not in done.stdout
    assert "2 failed, 6 passed, 2 skipped, 1 xfailed, 1 xpassed, 3 errors" in done.stdout
