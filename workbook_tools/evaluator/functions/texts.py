"""Functions of texts."""

import math
import re
from collections.abc import Callable

from workbook_tools.evaluator.functions.conditional import pattern
from workbook_tools.evaluator.functions.function import Function, cells, raise_first
from workbook_tools.evaluator.values import NUM, VALUE, FailedError, Value, number, text
from workbook_tools.notation.addresses import MAX_TEXT_LENGTH
from workbook_tools.package.cell_values import CellValue


def _whole(value: float, least: int) -> int:
    found = math.trunc(value)
    if found < least:
        raise FailedError(VALUE)
    return found


def _right(value: str, count: float = 1.0) -> str:
    return value[max(0, len(value) - _whole(count, 0)) :]


def _middle(value: str, first: float, count: float) -> str:
    begin = _whole(first, 1) - 1
    return value[begin : begin + _whole(count, 0)]


def _position(made: Callable[[str], str], flags: re.RegexFlag) -> Function:
    """Return FIND or SEARCH, which makes a regular expression of what is wanted."""

    def call(wanted: str, within: str, first: float = 1.0) -> float:
        begin = _whole(first, 1) - 1
        if begin <= len(within):
            match = re.compile(made(wanted), flags | re.DOTALL).search(within, begin)
            if match:
                return float(match.start() + 1)
        raise FailedError(VALUE)

    return Function("tt", call, "n")


def _substitute(value: str, old: str, new: str, which: float | None = None) -> str:
    if not old:
        return value
    if value.count(old) * len(new) > 2 * MAX_TEXT_LENGTH:
        raise FailedError(VALUE)
    if which is None:
        return value.replace(old, new)
    parts = value.split(old)
    k = _whole(which, 1)
    if k >= len(parts):
        return value
    return old.join(parts[:k]) + new + old.join(parts[k:])


def _replace(value: str, first: float, count: float, new: str) -> str:
    begin = _whole(first, 1) - 1
    return value[:begin] + new + value[begin + _whole(count, 0) :]


def _repeated(value: str, times: float) -> str:
    if len(value) * times > MAX_TEXT_LENGTH:
        raise FailedError(VALUE)
    return value * _whole(times, 0)


def _text_join(between: str, without_empty: bool, *arguments: Value) -> str:
    found = cells(arguments)
    raise_first(found)
    joined = ""
    for k, own in enumerate(own for own in map(text, found) if own or not without_empty):
        joined += between + own if k else own
        if len(joined) > MAX_TEXT_LENGTH:
            raise FailedError(VALUE)
    return joined


def _hexadecimal(value: float, places: float | None = None) -> str:
    whole = math.trunc(value)
    if not -(1 << 39) <= whole < 1 << 39:
        raise FailedError(NUM)
    found = f"{whole % (1 << 40):X}"
    if places is None or whole < 0:
        return found
    if not len(found) <= places <= 10:
        raise FailedError(NUM)
    return found.zfill(math.trunc(places))


def _value(value: CellValue) -> float:
    if isinstance(value, bool):
        raise FailedError(VALUE)
    return number(value)


FUNCTIONS: dict[str, Function] = {
    "CONCAT": Function("c", lambda *given: _text_join("", False, *given), repeated="c"),
    "CONCATENATE": Function("t", lambda *given: "".join(given), repeated="t"),
    "DEC2HEX": Function("n", _hexadecimal, "o"),
    "EXACT": Function("tt", lambda one, other: one == other),
    "FIND": _position(re.escape, re.NOFLAG),
    "LEFT": Function("t", lambda value, count=1.0: value[: _whole(count, 0)], "n"),
    "LEN": Function("t", lambda value: float(len(value))),
    "LOWER": Function("t", str.lower),
    "MID": Function("tnn", _middle),
    "REPLACE": Function("tnnt", _replace),
    "REPT": Function("tn", _repeated),
    "RIGHT": Function("t", _right, "n"),
    "SEARCH": _position(pattern, re.IGNORECASE),
    "SUBSTITUTE": Function("ttt", _substitute, "o"),
    "T": Function("v", lambda value: value if isinstance(value, str) else ""),
    "TEXTJOIN": Function("tbc", _text_join, repeated="c"),
    "TRIM": Function("t", lambda value: re.sub(" +", " ", value.strip(" "))),
    "UPPER": Function("t", str.upper),
    "VALUE": Function("v", _value),
}
