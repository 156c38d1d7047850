"""Runs Python as crashrate does: with a descriptor for events and a task on standard input."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@dataclass
class Result:
    code: int
    events: list
    stdout: str
    stderr: str

    @property
    def verdicts(self):
        """The events without version and measures, as `(kind, chapter, reason)`."""
        chapters = [event for event in self.events if event["event"].startswith("chapter-")]
        return [
            (event["event"][len("chapter-") :], event["chapter"], event.get("reason"))
            for event in chapters
        ]


def environment(**variables):
    env = {key: value for key, value in os.environ.items() if not key.startswith("CRASHRATE_")}
    env.pop("PYTEST_ADDOPTS", None)
    return {**env, "PYTHONPATH": str(PACKAGE), **variables}


def attempt(*words, directory, task=None, **variables):
    """An attempt of crashrate: `python WORDS`; with a task, in sequential mode."""
    reader, writer = os.pipe()
    env = environment(CRASHRATE_EVENTS_FD=str(writer), **variables)
    stdin = ""
    if task is not None:
        chapters = [{"id": c} if isinstance(c, str) else c for c in task]
        stdin = json.dumps({"v": 1, "chapters": chapters, "device": "cpu", "seed": 7}) + "\n"
    env.setdefault("CRASHRATE_MODE", "isolated" if task is None else "sequential")
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=directory,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[writer],
    )
    os.close(writer)
    with open(reader) as events, ThreadPoolExecutor() as pool:
        lines = pool.submit(events.readlines)
        stdout, stderr = process.communicate(stdin)
        events = [json.loads(line) for line in lines.result()]
    assert all(event.pop("v") == 1 for event in events)
    return Result(process.returncode, events, stdout, stderr)


def pytest_attempt(*words, directory, **more):
    return attempt(
        "-m", "pytest", "-p", "crashrate.pytest_plugin", *words, directory=directory, **more
    )


def isolated(test, directory):
    """The attempt of one test in its own process, as crashrate starts it."""
    return pytest_attempt(directory=directory, CRASHRATE_CHAPTER=test, CRASHRATE_PYTEST_TEST=test)
