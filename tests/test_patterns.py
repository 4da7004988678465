"""Every regular expression takes a time in proportion to the text, whatever a file holds."""

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import workbook_tools

pytestmark = pytest.mark.slow

# Exponential time shows in short texts. One of 2,000 letters that takes long is tried again, 16
# times as long: that takes 256 times as long where the time grows with the square.
_LENGTHS = (16, 22, 28, 2_000)
_SUSPICIOUS, _TIMES, _LIMIT = 0.005, 16, 0.5  # seconds of this process alone
# What these tell apart is short, so they get no text that is longer.
_SHORT = {"workbook_tools.reading.labels": 1_000}

_UNITS = [
    *"""a _ 1 ' " ( ) [ ] { } . , ! $ ^ = h '' () [] a_ 1_ a1 a. a^ (a a( [a a) 'a a' a!""".split(),
    *"""'! A1: $A$1 1. 1e w1 w1* ROW( _xlfn. a(b) )^ shapetype comments η ∂E 1x (1) 1+""".split(),
    *(" ", " a", "a ", "A1 ", "\n", "a\n", "<a ", "<Relationship ", "<Override ", "<Override c"),
]
_BEGINS, _ENDS = ("", "a("), ("", "x")


def _texts(length: int) -> Iterator[str]:
    for unit in _UNITS:
        for begin in _BEGINS:
            for end in _ENDS:
                yield begin + unit * (length // len(unit)) + end


def _inside(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _inside(part)
    elif isinstance(value, dict):
        yield from _inside([*value, *value.values()])


def _written_in(source: str) -> Iterator[tuple[re.Pattern[str], bool]]:
    """Yield the patterns that are given to a function of ``re`` as they are."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                ast.Attribute(ast.Name("re"), name), [ast.Constant(str() | bytes() as text), *_]
            ) if name != "escape":
                yield re.compile(text), name not in ("match", "fullmatch")


def _is_searched_for(name: str, source: str) -> bool:
    """Tell whether a pattern is used in another way than at the beginning of a text."""
    used = set(re.findall(rf"\b{name}\.(\w+)\(", source))
    return not used or not used <= {"match", "fullmatch"}


@cache
def _patterns() -> dict[str, tuple[re.Pattern[str], bool, int]]:
    """Every pattern of the package, whether it is searched for, and how long its texts may be."""
    found: dict[str, tuple[re.Pattern[str], bool, int]] = {}
    for package in pkgutil.walk_packages(workbook_tools.__path__, "workbook_tools."):
        if package.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(package.name)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            continue  # make test-workbooks goes without PyTorch
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        longest = _SHORT.get(package.name, _LENGTHS[-1] * _TIMES)
        own = [
            (pattern, _is_searched_for(name, source))
            for name, value in vars(module).items()
            for pattern in _inside(value)
        ]
        for pattern, searched in [*own, *_written_in(source)]:
            name = f"{package.name.removeprefix('workbook_tools.')}: {pattern.pattern!r}"
            found.setdefault(name, (pattern, searched, longest))
    return found


def _time_for(pattern: re.Pattern[str], searched: bool, text: str) -> float:
    own = text if isinstance(pattern.pattern, str) else text.encode()
    begin = time.process_time()
    pattern.fullmatch(own)
    for _ in pattern.finditer(own) if searched else ():
        pass
    return time.process_time() - begin


def test_every_pattern_is_found() -> None:
    assert len(_patterns()) > 80
    assert any("_xlfn" in name for name in _patterns())


@pytest.mark.parametrize("name", _patterns())
def test_a_pattern_takes_a_time_in_proportion_to_the_text(name: str) -> None:
    pattern, searched, longest = _patterns()[name]
    for length in _LENGTHS:
        for text in _texts(min(length, longest)):
            taken = _time_for(pattern, searched, text)
            if taken > _SUSPICIOUS and length * _TIMES <= longest:
                unit = text[1 : len(text) // 2]
                text = text[:1] + unit * 2 * _TIMES + text[len(text) // 2 :]
                taken = _time_for(pattern, searched, text)
            assert taken < _LIMIT, f"{taken:.2f} s for {len(text):,} of {text[:20]!r}…"
