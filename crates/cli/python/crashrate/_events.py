"""Writes events to the descriptor that crashrate passes to its children, and reads its task.

An event is one JSON object on one line, written with one `write(2)`, so nothing that was reported
before a crash is lost, and lines of several threads do not mix.
"""

from __future__ import annotations

import json
import math
import os
import stat
from typing import Any, SupportsFloat

#: The longest line that crashrate reads, in bytes.
MAX_LINE = 64 * 1024
#: The longest text of an event, in bytes. crashrate keeps no more of it.
MAX_TEXT = 2000

_FD_VARIABLE = "CRASHRATE_EVENTS_FD"
_OWNER_VARIABLE = "CRASHRATE_EVENTS_OWNER"


def _claim() -> bool:
    """Returns whether crashrate waits for events of this very process.

    A subprocess inherits the variable but not the descriptor: the number may belong to one of its
    own files by then. A forked child inherits both, but would report its parent's chapters a second
    time. So the first process of a run to import the package is the only one that writes; it puts
    the run and its process id into the environment.
    """
    if _FD_VARIABLE not in os.environ:
        return False
    run = os.environ.get("CRASHRATE_RUN_ID", "") + ":"
    own = run + str(os.getpid())
    owner = os.environ.setdefault(_OWNER_VARIABLE, own)
    if owner.startswith(run):
        return owner == own
    os.environ[_OWNER_VARIABLE] = own  # this run was started by a test of another run
    return True


def _descriptor() -> int | None:
    """The events descriptor; None if a launcher closed it, or its number is another file by now."""
    try:
        fd = int(os.environ[_FD_VARIABLE])
        return fd if stat.S_ISFIFO(os.fstat(fd).st_mode) else None
    except (ValueError, OverflowError, OSError):
        return None


ACTIVE = _claim()
_FD = _descriptor() if ACTIVE else None
_PID = os.getpid()
_task: dict[str, Any] | None = None
_task_read = False


def send(event: str, **fields: object) -> None:
    """Writes one event. Does nothing outside of crashrate, and never raises."""
    if _FD is None or os.getpid() != _PID:
        return
    cut = {
        key: one_text(field) if isinstance(field, str) else field for key, field in fields.items()
    }
    text = json.dumps({"v": 1, "event": event, **cut}, ensure_ascii=False, default=str)
    line = text.encode("utf-8", "replace") + b"\n"
    if len(line) > MAX_LINE:
        return
    try:
        os.write(_FD, line)
    except OSError:
        pass  # crashrate has closed its end, or the test has closed this one


def send_number(event: str, numbers: dict[str, SupportsFloat], **fields: object) -> None:
    """Writes an event with numbers. JSON has only finite ones; for others it writes a note."""
    if _FD is None:
        return
    finite = {}
    for key, value in numbers.items():
        try:
            finite[key] = float(value)
        except (TypeError, ValueError, OverflowError):
            finite[key] = math.nan
        if not math.isfinite(finite[key]):
            what = fields.get("name", event)
            return send("note", text=f"{what}: {key} is not a finite number: {value!r}")
    send(event, **fields, **finite)


def one_text(text: str) -> str:
    """A text of at most `MAX_TEXT` bytes that is valid UTF-8."""
    return text.encode("utf-8", "replace")[:MAX_TEXT].decode("utf-8", "ignore")


def one_line(text: str) -> str:
    """A text on one line, as the reason of a failure."""
    return " ".join(text.split())


def task() -> dict[str, Any] | None:
    """Reads the task from standard input, once; None if there is none."""
    global _task, _task_read
    if ACTIVE and not _task_read:
        _task_read = True
        if not os.isatty(0):
            # Not sys.stdin: a test framework may have replaced it.
            with open(0, "rb", closefd=False) as stdin:
                line = stdin.readline()
            _task = json.loads(line) if line.strip() else None
    return _task
