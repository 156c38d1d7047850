"""Tests of every kind; with PLANT=1, `test_planted` dies of a segmentation fault."""
import ctypes
import os
import unittest

import pytest


def test_plain():
    pass


def test_wrong():
    print("test_words.py::test_plain")
    assert 1 + 1 == 3


@pytest.mark.skip(reason="no such device")
def test_skipped():
    pass


@pytest.mark.xfail
def test_xfail():
    assert False


@pytest.mark.parametrize("text", ["a b", "x::y", "[1]", "ü😀", "line\nbreak", "", "-k", "a/b", "\"q\""])
def test_text(text):
    assert len(text) < 100


class TestClass:
    @pytest.mark.parametrize("n", [1, 2])
    def test_method(self, n):
        pass


class Old(unittest.TestCase):
    def test_old(self):
        pass


def test_planted():
    if os.environ.get("PLANT"):
        ctypes.string_at(8)


def test_behind():
    pass
