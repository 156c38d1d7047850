"""Reports chapters and measures of a Python test to crashrate.

Outside of crashrate, all of this does nothing except that chapters run::

    import crashrate

    with crashrate.chapter("matmul"):
        rate = multiply_for_a_while()
        crashrate.measure("throughput", rate, unit="ops/s")

Only the first process that imports this package writes events. Its subprocesses and forked children
stay silent, because their verdicts would be mistaken for those of the test.
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ContextDecorator
from functools import wraps
from types import TracebackType
from typing import Any, NoReturn, SupportsFloat, TypeVar, cast

from . import _events

__all__ = [
    "Skipped",
    "chapter",
    "hello",
    "measure",
    "note",
    "progress",
    "round",
    "run_sequence",
    "seed",
    "skip",
    "task",
    "unavailable",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Skipped(BaseException):
    """Ends a chapter that `skip` was called in. No `except Exception` catches it."""


class chapter(ContextDecorator):
    """A chapter: the body of a `with` statement, or each call of a decorated function.

    Its verdict is failed if an exception leaves it, and passed otherwise. The exception goes on.
    In isolated mode only the chapter that crashrate asks for is reported. Chapters do not nest.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, function: _Function) -> _Function:
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return cast(_Function, run)

    def __enter__(self) -> chapter:
        self._send("chapter-started")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, Skipped):
            self._send("chapter-skipped", reason=str(error))
            return True
        if error is None or isinstance(error, SystemExit) and not error.code:
            self._send("chapter-passed")
        else:
            text = "".join(traceback.format_exception_only(type(error), error))
            self._send("chapter-failed", reason=_events.one_line(text))
        return False

    def _send(self, event: str, **fields: str) -> None:
        # In isolated mode all events are about the only chapter. If this is another one, it is a
        # part of a command that is counted as a whole.
        if os.environ.get("CRASHRATE_CHAPTER", self.name) == self.name:
            _events.send(event, chapter=self.name, **fields)


def skip(reason: str = "") -> NoReturn:
    """Ends the running chapter as skipped: it counts neither as passed nor as failed."""
    raise Skipped(reason)


def measure(name: str, value: SupportsFloat, unit: str = "", label: str = "") -> None:
    """Reports a number that the running chapter measured, such as `("throughput", 459, "ops/s")`.

    `label` is the condition it was measured under, such as `threads=8`.
    """
    _events.send_number("measure", {"value": value}, name=name, unit=unit, label=label)


def progress(done: SupportsFloat, total: SupportsFloat, unit: str = "") -> None:
    """Reports how far the running chapter is."""
    _events.send_number("progress", {"done": done, "total": total}, unit=unit)


def note(text: str) -> None:
    """Reports a remark for people, of at most 2,000 bytes."""
    _events.send("note", text=text)


def hello(device: str, versions: Mapping[str, str] | None = None) -> None:
    """Reports the device in use, such as `cuda:0`, and library versions by name."""
    _events.send("hello", device=device, versions=dict(versions or {}))


def unavailable(reason: str) -> None:
    """Reports that the requested device does not exist here: nothing will be measured."""
    _events.send("unavailable", reason=reason)


def task() -> dict[str, Any] | None:
    """The task that crashrate wrote to standard input; None if there is none."""
    return _events.task()


def seed() -> int | None:
    """The seed of this round; None outside of crashrate."""
    return _number("CRASHRATE_SEED")


def round() -> int | None:
    """The round, from 1; None outside of crashrate."""
    return _number("CRASHRATE_ROUND")


def run_sequence(chapters: Mapping[str, Callable[[], object]]) -> None:
    """Runs functions as chapters, and exits with 1 if one failed.

    In sequential mode these are the chapters of the task, in its order. In isolated mode it is the
    one that crashrate asks for. In all other cases they are all of them, in the order given.
    A chapter that fails does not stop the ones behind it.
    """
    failed = False
    for name in _names(chapters):
        try:
            with chapter(name):
                chapters[name]()
        except SystemExit as error:
            failed = failed or bool(error.code)
        except Exception:
            traceback.print_exc()
            failed = True
    if failed:
        sys.exit(1)


def _names(chapters: Mapping[str, object]) -> list[str]:
    alone = os.environ.get("CRASHRATE_CHAPTER")
    if alone is not None and alone in chapters:
        return [alone]
    # Standard input is a task only in sequential mode.
    given = task() if os.environ.get("CRASHRATE_MODE") == "sequential" else None
    if given is None:
        return list(chapters)
    names = [entry["id"] for entry in given["chapters"]]
    for name in names:
        if name not in chapters:
            sys.exit(f"crashrate: no chapter `{name}` here, only: {', '.join(chapters)}")
    return names


def _number(variable: str) -> int | None:
    value = os.environ.get(variable)
    return int(value) if value else None
