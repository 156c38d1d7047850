import subprocess
import sys

import pytest
from support import attempt, environment

STORY = """
import crashrate

def sums():
    crashrate.measure("total", sum(range(5)), unit="1", label="n=5")

def fails():
    raise ValueError("first\\n  second")

def skips():
    crashrate.skip("no GPU")

crashrate.run_sequence({"sums": sums, "fails": fails, "skips": skips})
"""

SUMS = [
    {"event": "chapter-started", "chapter": "sums"},
    {"event": "measure", "name": "total", "unit": "1", "label": "n=5", "value": 10.0},
    {"event": "chapter-passed", "chapter": "sums"},
]


def run(tmp_path, source, **more):
    script = tmp_path / "script.py"
    script.write_text(source)
    return attempt(script, directory=tmp_path, **more)


def test_a_sequence_runs_in_the_order_of_the_task(tmp_path):
    result = run(tmp_path, STORY, task=["skips", "fails", "sums"])
    assert result.events[-3:] == SUMS
    assert result.verdicts[:4] == [
        ("started", "skips", None),
        ("skipped", "skips", "no GPU"),
        ("started", "fails", None),
        ("failed", "fails", "ValueError: first second"),
    ]
    assert result.code == 1
    assert "ValueError: first" in result.stderr


def test_isolated_one_chapter_runs(tmp_path):
    result = run(tmp_path, STORY, CRASHRATE_CHAPTER="sums")
    assert (result.code, result.events) == (0, SUMS)


def test_a_command_that_is_counted_as_a_whole_reports_no_parts(tmp_path):
    result = run(tmp_path, STORY, CRASHRATE_CHAPTER="script")
    assert [event["event"] for event in result.events] == ["measure"]
    assert result.code == 1


def test_an_unknown_chapter_of_the_task_is_named(tmp_path):
    result = run(tmp_path, STORY, task=["sum"])
    assert result.code == 1
    assert "no chapter `sum` here, only: sums, fails, skips" in result.stderr


def test_outside_of_crashrate_functions_run_and_nothing_else_happens(tmp_path):
    (tmp_path / "script.py").write_text(STORY + "print('not reached')")
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], env=environment(), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    code = "import crashrate as c; c.note('x'); c.measure('m', 1); print(c.task(), c.seed(), c.round())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("None None None\n", "")


def test_decorators_context_managers_and_the_rest(tmp_path):
    source = """
import asyncio, crashrate, sys
crashrate.hello("cpu", {"torch": "2.9"})
crashrate.progress(1, 2, "steps")
crashrate.note("text")

@crashrate.chapter("plain")
def plain(x):
    return x + 1

@crashrate.chapter("async")
async def later():
    await asyncio.sleep(0)
    raise OSError("late")

assert plain(1) == 2 and plain.__name__ == "plain"
try:
    asyncio.run(later())
except OSError:
    pass
try:
    with crashrate.chapter("exits"):
        sys.exit(0)
finally:
    crashrate.note(f"{crashrate.seed()} {crashrate.round()} {crashrate.task()}")
    crashrate.unavailable("no device")
"""
    result = run(tmp_path, source, CRASHRATE_SEED="7", CRASHRATE_ROUND="2")
    assert result.verdicts == [
        ("started", "plain", None),
        ("passed", "plain", None),
        ("started", "async", None),
        ("failed", "async", "OSError: late"),
        ("started", "exits", None),
        ("passed", "exits", None),
    ]
    assert [event for event in result.events if not event["event"].startswith("chapter-")] == [
        {"event": "hello", "device": "cpu", "versions": {"torch": "2.9"}},
        {"event": "progress", "unit": "steps", "done": 1.0, "total": 2.0},
        {"event": "note", "text": "text"},
        {"event": "note", "text": "7 2 None"},
        {"event": "unavailable", "reason": "no device"},
    ]


def test_what_cannot_be_reported_is_noted_or_dropped(tmp_path):
    source = """
import crashrate, os
crashrate.measure("speed", float("nan"))
crashrate.measure("speed", "fast")
crashrate.note("\\ud800" + "ä" * 5000)
crashrate.hello("cpu", {str(n): "x" * 100 for n in range(1000)})
os.close(int(os.environ["CRASHRATE_EVENTS_FD"]))
crashrate.note("closed")
"""
    result = run(tmp_path, source)
    texts = [event["text"] for event in result.events]
    assert texts[:2] == [
        "speed: value is not a finite number: nan",
        "speed: value is not a finite number: 'fast'",
    ]
    assert texts[2:] == ["?" + "ä" * 999]
    assert (result.code, result.stderr) == (0, "")


def test_only_the_first_process_reports(tmp_path):
    source = """
import crashrate, os, subprocess, sys
fd = int(os.environ["CRASHRATE_EVENTS_FD"])
code = "import crashrate; crashrate.note('subprocess')"
subprocess.run([sys.executable, "-c", code], pass_fds=[fd], check=True)
if os.fork() == 0:
    crashrate.note("forked")
    os._exit(0)
os.wait()
crashrate.note("first")
"""
    assert [event["text"] for event in run(tmp_path, source).events] == ["first"]


def test_a_run_inside_of_a_run_reports(tmp_path):
    source = """
import crashrate, os, subprocess, sys
fd = int(os.environ["CRASHRATE_EVENTS_FD"])
code = "import crashrate; crashrate.note('inner')"
env = {**os.environ, "CRASHRATE_RUN_ID": "inner"}
subprocess.run([sys.executable, "-c", code], env=env, pass_fds=[fd], check=True)
"""
    result = run(tmp_path, source, CRASHRATE_RUN_ID="outer")
    assert [event["text"] for event in result.events] == ["inner"]


@pytest.mark.parametrize("number", ["", "x", "99", "1" * 30])
def test_a_descriptor_that_is_no_pipe_is_left_alone(tmp_path, number):
    code = "import crashrate; crashrate.note('x')"
    env = environment(CRASHRATE_EVENTS_FD=number)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_lines_of_threads_do_not_mix(tmp_path):
    source = """
import crashrate, threading
def many():
    for _ in range(50):
        crashrate.note("x" * 1000)
threads = [threading.Thread(target=many) for _ in range(8)]
for thread in threads: thread.start()
"""
    result = run(tmp_path, source)
    assert [event["text"] for event in result.events] == ["x" * 1000] * 400
