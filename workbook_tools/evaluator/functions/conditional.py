"""Functions that use the cells which meet criteria: SUMIF, COUNTIFS and their kin."""

import re
from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from workbook_tools.evaluator.functions.aggregates import mean, total
from workbook_tools.evaluator.functions.function import Function, raise_first
from workbook_tools.evaluator.values import VALUE, FailedError, Grid, Value, spelled
from workbook_tools.package.cell_values import CellError, CellValue

Criterion = Callable[[CellValue], bool]
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": ge, "<=": le, "<>": ne, "=": eq, ">": gt, "<": lt
}  # fmt: skip
_WILDCARD = re.compile(r"~([~*?])|([*?])|([^~*?]+|~)")


def pattern(text: str) -> str:
    """Return a regular expression for a text with the wildcards ``*`` and ``?``; ``~`` escapes.

    What follows a ``*`` is sought once, so that no text takes long. Only the last one may match
    more, to reach the end.
    """
    parts: list[list[str]] = [[]]
    for match in _WILDCARD.finditer(text):
        if match[2] == "*":
            parts.append([])
        else:
            parts[-1].append("." if match[2] else re.escape(match[1] or match[3]))
    first, *others = ("".join(part) for part in parts)
    if not others:
        return first
    *inner, last = others
    return first + "".join(f"(?>.*?{part})" for part in inner) + f".*{last}"


def criterion(wanted: Value) -> Criterion:
    """Return the test that a criterion such as ``">=2"``, ``"a*"`` or 5 stands for."""
    if isinstance(wanted, Grid):
        raise FailedError(VALUE)
    if wanted is None:
        wanted = 0.0
    if not isinstance(wanted, str):
        return _equal(wanted)
    sign = next((own for own in _OPERATORS if wanted.startswith(own)), "")
    operand = wanted[len(sign) :]
    value = _value(operand)
    if sign in ("", "=", "<>"):
        if not operand:
            is_right: Criterion = lambda cell: cell is None or (cell == "" and not sign)
        else:
            is_right = _equal(value)
        return (lambda cell: not is_right(cell)) if sign == "<>" else is_right
    holds = _OPERATORS[sign]
    if isinstance(value, str):
        lower = value.lower()
        return lambda cell: isinstance(cell, str) and holds(cell.lower(), lower)
    return lambda cell: type(cell) is type(value) and holds(cell, value)


def _value(operand: str) -> CellValue:
    if (number := spelled(operand)) is not None:
        return number
    if operand.upper() in ("TRUE", "FALSE"):
        return operand.upper() == "TRUE"
    if re.fullmatch(r"#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)", operand.upper()):
        return CellError(operand.upper())
    return operand


def _equal(value: CellValue) -> Criterion:
    if isinstance(value, str):
        matches = re.compile(pattern(value), re.IGNORECASE | re.DOTALL).fullmatch
        return lambda cell: isinstance(cell, str) and matches(cell) is not None
    if type(value) is float:
        return lambda cell: (
            cell == value
            if type(cell) is float
            else isinstance(cell, str) and any(map(str.isdigit, cell)) and spelled(cell) == value
        )
    return lambda cell: type(cell) is type(value) and cell == value


def _chosen(values: Grid | None, *criteria: Any) -> tuple[list[CellValue], int]:
    """Return the values where all criteria hold, and how many empty cells beyond them all."""
    ranges: Sequence[Grid] = criteria[::2]
    tests = [criterion(wanted) for wanted in criteria[1::2]]
    grids = [*ranges, *([values] if values else [])]
    height, width = ranges[0].height, ranges[0].width
    if any((grid.height, grid.width) != (height, width) for grid in grids):
        raise FailedError(VALUE)
    count = max(len(grid.rows) for grid in grids)
    columns = [grid.first(count) for grid in ranges]
    chosen = values.first(count) if values else [None] * len(columns[0])
    found = [
        cell
        for cell, *own in zip(chosen, *columns, strict=True)
        if all(test(value) for test, value in zip(tests, own, strict=True))
    ]
    beyond = (height - count) * width if all(test(None) for test in tests) else 0
    return found, beyond


def _numbers(values: Grid, *criteria: Any) -> list[float]:
    found, _ = _chosen(values, *criteria)
    raise_first(found)
    return [cell for cell in found if type(cell) is float]


def _count(*criteria: Any) -> float:
    found, beyond = _chosen(None, *criteria)
    return float(len(found) + beyond)


def _of_one(call: Callable[[list[float]], float]) -> Function:
    """Return SUMIF or AVERAGEIF; the caller has made the third range as large as the first."""

    def of_range(area: Grid, wanted: Value, values: Grid | None = None) -> float:
        return call(_numbers(values or area, area, wanted))

    return Function("re", of_range, "r")


def _of_several(call: Callable[[list[float]], float]) -> Function:
    return Function("rre", lambda *given: call(_numbers(*given)), repeated="re")


FUNCTIONS: dict[str, Function] = {
    "AVERAGEIF": _of_one(mean),
    "AVERAGEIFS": _of_several(mean),
    "COUNTIF": Function("re", _count),
    "COUNTIFS": Function("re", _count, repeated="re"),
    "MAXIFS": _of_several(lambda v: max(v, default=0.0)),
    "MINIFS": _of_several(lambda v: min(v, default=0.0)),
    "SUMIF": _of_one(total),
    "SUMIFS": _of_several(total),
}
