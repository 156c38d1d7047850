"""The pytest plugin of crashrate.

It has three parts, each inactive unless it is asked for:

- `pytest --crashrate N` runs the selected tests through the program `crashrate`.
- With `CRASHRATE_PYTEST_LIST=1`, pytest prints the collected tests for crashrate and runs none.
- In an attempt (`CRASHRATE_EVENTS_FD` is set), each test reports its start and its verdict. In
  sequential mode, the tests of the task on standard input run, in its order.

A test that failed as expected (`xfail`) has passed; one that passed against `xfail(strict=True)`
has failed. A fixture's setup and teardown belong to the test during which they run.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from . import _events

_LISTING = os.environ.get("CRASHRATE_PYTEST_LIST") == "1"
_ATTEMPT = _events.ACTIVE and not _LISTING
_SEQUENTIAL = _ATTEMPT and os.environ.get("CRASHRATE_MODE") == "sequential"

#: Whether this process has had its pytest. One that a test runs in it is not crashrate's.
_configured = False

#: From the exit codes of `crashrate run` to those of pytest.
_EXIT_CODES = {0: 0, 100: 1, 120: 1, 121: 1, 106: 2, 110: 3, 96: 4, 4: 5}

#: Options of plugins that run tests in other processes, in an order of their own, or again. An
#: attempt is one process, its order is given, and a failure in it counts.
_OVERRIDES = {
    "numprocesses": 0,  # pytest-xdist
    "dist": "no",
    "tx": [],
    "forked": False,  # pytest-forked
    "randomly_reorganize": False,  # pytest-randomly
    "reruns": 0,  # pytest-rerunfailures
}

#: Options of pytest's cache, which changes from attempt to attempt. Only the listing heeds them.
_CACHE_OVERRIDES = {"lf": False, "failedfirst": False, "newfirst": False, "stepwise": False}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crashrate", "measure crash rates")
    group.addoption(
        "--crashrate",
        metavar="N",
        help="run each selected test in N rounds through crashrate and report the crash rates",
    )
    group.addoption(
        "--crashrate-mode",
        choices=["isolated", "sequential", "both"],
        default="both",
        help="isolated: one process per test and round; sequential: one per round [both]",
    )
    group.addoption(
        "--crashrate-until",
        metavar="UNTIL",
        help="stop earlier, such as `decided`: when the comparison of the modes has a verdict",
    )


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_load_initial_conftests() -> Generator[None, Any, None]:
    if _SEQUENTIAL:
        _events.task()  # pytest replaces standard input next
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    global _configured
    config.addinivalue_line(
        "markers",
        "crashrate(below): the crash rate that the test must be shown to stay below, such as 0.01",
    )
    # Without it, the arguments are a command of the user's, which is counted as a whole.
    one_test = os.environ.get("CRASHRATE_PYTEST_TEST")
    if _configured or not (_LISTING or _SEQUENTIAL or _ATTEMPT and one_test):
        return
    _configured = True
    for name, value in {**_OVERRIDES, **({} if _LISTING else _CACHE_OVERRIDES)}.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    if _ATTEMPT and one_test:
        # Only pytest knows which of the user's words are paths.
        config.args, config.option.pyargs = [one_test], False
    if _LISTING:
        config.option.collectonly = True
    else:
        config.pluginmanager.register(_Attempt(), "crashrate-attempt")


def _test_id(item: pytest.Item) -> str:
    """The node id of a test, as one writes it on the command line of this pytest.

    A node id is relative to pytest's root directory, which need not be the current one.
    """
    path, colons, name = item.nodeid.partition("::")
    current = item.config.invocation_params.dir
    if not colons or item.path == current / path or not str(item.path).endswith(path):
        return item.nodeid
    return f"{os.path.relpath(item.path, current)}::{name}"


# Listing.


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    # After an error of collection pytest stops by itself, and its words are all that is of use.
    if not _LISTING or session.testsfailed:
        return
    print()  # the line before may be unfinished
    for test, item in {_test_id(item): item for item in session.items}.items():
        print(f"crashrate-test: {json.dumps(test)}")
        marker = item.get_closest_marker("crashrate")
        if marker is not None:
            print(f"crashrate-gate: {json.dumps({'id': test, 'below': _below(test, marker)})}")


def _below(test: str, marker: pytest.Mark) -> float:
    below = marker.kwargs.get("below")
    if marker.args or set(marker.kwargs) != {"below"} or not isinstance(below, (int, float)):
        raise pytest.UsageError(f"{test}: expected `crashrate(below=RATE)`, such as below=0.01")
    if not 0 < below < 1:
        raise pytest.UsageError(f"{test}: crashrate(below={below}) is not between 0 and 1")
    return float(below)


# Attempts.


class _Attempt:
    """Selects the tests of an attempt and reports them."""

    def __init__(self) -> None:
        #: The chapters of the tests. Empty if an argument named several tests.
        self.chapters: dict[pytest.Item, str] = {}
        #: The tests of the task that were not collected.
        self.missing: list[str] = []
        self.reports: list[pytest.TestReport] = []

    # The outermost wrapper: behind its `yield`, all other plugins have selected and reordered.
    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, Any, None]:
        yield
        task = _events.task() if _SEQUENTIAL else None
        if task is not None:
            collected = {_test_id(item): item for item in items}
            self.chapters, self.missing = _of_task(task, collected)
            others = [item for item in items if item not in self.chapters]
            config.hook.pytest_deselected(items=others)
            items[:] = self.chapters
        elif _SEQUENTIAL:
            self.chapters = {item: _test_id(item) for item in items}
        elif len(items) == 1:
            self.chapters = {items[0]: os.environ.get("CRASHRATE_CHAPTER", _test_id(items[0]))}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        # After an error of collection pytest stops by itself, and says why.
        if self.missing and not session.testsfailed:
            missing = ", ".join(self.missing)
            raise pytest.UsageError(f"crashrate: tests were not collected: {missing}")

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, None]:
        chapter = self.chapters.get(item)
        if chapter is None:
            yield
            return
        self.reports = []
        _events.send("chapter-started", chapter=chapter)
        outcome = yield
        if outcome.excinfo is None:
            event, reason = _verdict(self.reports)
            fields = {} if reason is None else {"reason": _events.one_line(reason)}
            _events.send(event, chapter=chapter, **fields)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)


def _of_task(
    task: dict[str, Any], collected: dict[str, pytest.Item]
) -> tuple[dict[pytest.Item, str], list[str]]:
    """The tests of the task with their chapters, in its order, and those that are missing."""
    chapters, missing = {}, []
    for chapter in task["chapters"]:
        # A chapter whose id cannot be that of its test (which is too long) has it in `params`.
        test = (chapter.get("params") or {}).get("name", chapter["id"])
        if test in collected:
            chapters[collected[test]] = chapter["id"]
        else:
            missing.append(test)
    return chapters, missing


def _verdict(reports: list[pytest.TestReport]) -> tuple[str, str | None]:
    """The event for a test with these reports, and its reason."""
    for report in reports:
        if report.failed:
            return "chapter-failed", _failure(report)
    # The last one, as subtests report first. A test that was skipped in its setup has no call.
    body = [report for report in reports if report.when != "teardown"]
    if body and body[-1].skipped and not hasattr(body[-1], "wasxfail"):
        details = body[-1].longrepr
        reason = details[2] if isinstance(details, tuple) else str(details)
        return "chapter-skipped", reason.removeprefix("Skipped: ")
    return "chapter-passed", None


def _failure(report: pytest.TestReport) -> str:
    """The exception of a failed report, without its traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message)
    lines = report.longreprtext.strip().splitlines()
    errors = [line[1:] for line in lines if line.startswith("E ")]
    return (errors or lines or [""])[-1]


# `pytest --crashrate N`.


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    # The option may be in `addopts`, which crashrate's own pytest processes read as well.
    if config.option.crashrate is None or _LISTING or _ATTEMPT or config.option.help:
        return None
    # pytest has replaced standard input, which crashrate reads keys from.
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend(in_=True)
    # In another session it gets each signal once, from here. It ends when the running tests have.
    process = subprocess.Popen(_command(config), start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.send_signal(number))
    return _EXIT_CODES.get(process.wait(), 3)


def _command(config: pytest.Config) -> list[str]:
    option = config.option
    words = [_program(), "run", "--from", "pytest", "--rounds", option.crashrate]
    words += ["--mode", option.crashrate_mode]
    if option.crashrate_until is not None:
        words += ["--until", option.crashrate_until]
    return [*words, "--", *_launcher(), *_without_own(config.invocation_params.args)]


def _program() -> str:
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("crashrate", path=scripts) or shutil.which("crashrate")
    if found is None:
        raise pytest.UsageError(
            f"--crashrate needs the program `crashrate`: it is neither in {scripts} nor on the PATH"
        )
    return found


def _launcher() -> list[str]:
    """The words that started this pytest. `python -m pytest` adds a directory to `sys.path`."""
    script = Path(sys.argv[0])
    if script.name in ("pytest", "py.test") and os.access(script, os.X_OK):
        return [str(script)]
    return [sys.executable, "-m", "pytest"]


def _without_own(args: tuple[str, ...]) -> list[str]:
    """The arguments without those of this plugin."""
    own = ("--crashrate", "--crashrate-mode", "--crashrate-until")
    words, rest = iter(args), []
    for word in words:
        if word in own:
            next(words, None)
        elif not word.startswith(tuple(f"{option}=" for option in own)):
            rest.append(word)
    return rest
