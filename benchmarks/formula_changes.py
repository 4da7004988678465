"""Small changes of a formula, such as people make by mistake, each drawn at random."""

import random
import re
from collections.abc import Callable

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.program.draws import values_of

_REFERENCE = re.compile(r"(?<![\w'.!$])(\$?)([A-Z]{1,3})(\$?)(\d+)(?![\w(])")
_TERM = re.compile(r"(?<=[\w)])[-+*/](\$?[A-Z]{1,3}\$?\d+|\d+(\.\d+)?)(?![\w.(:])")
_OTHER_FUNCTION = {
    "EXP": "LN", "LN": "EXP", "MAX": "MIN", "MIN": "MAX", "SUM": "AVERAGE", "AVERAGE": "SUM",
    "SUMPRODUCT": "SUM", "TANH": "SIN", "SQRT": "ABS", "ABS": "SIGN", "STDEVP": "AVERAGE",
}  # fmt: skip


def _reference(formula: str, chance: random.Random) -> str | None:
    match = _pick(_REFERENCE, formula, chance)
    if not match:
        return None
    fixed, column, anchored, row = match.groups()
    if chance.random() < 0.5:
        row = str(max(1, int(row) + chance.choice([-1, 1])))
    else:
        column = chance.choice([c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c != column])
    return _replaced(formula, match, f"{fixed}{column}{anchored}{row}")


def _anchor(formula: str, chance: random.Random) -> str | None:
    match = _pick(_REFERENCE, formula, chance)
    if not match:
        return None
    fixed, column, anchored, row = match.groups()
    other = ("", "") if fixed or anchored else ("$", "$")
    return _replaced(formula, match, f"{other[0]}{column}{other[1]}{row}")


def _operator(formula: str, chance: random.Random) -> str | None:
    match = _pick(re.compile(r"(?<=[\w)])[-+*/]"), formula, chance)
    others = [o for o in "+-*/" if match and o != match[0]]
    return _replaced(formula, match, chance.choice(others)) if match else None


def _constant(formula: str, chance: random.Random) -> str | None:
    match = _pick(re.compile(r"(?<![\w$.])\d+(\.\d+)?(?![\w.(])"), formula, chance)
    if not match:
        return None
    return _replaced(formula, match, repr(float(match[0]) * chance.choice([2.0, 1.01]) + 0.5))


def _parenthesis(formula: str, chance: random.Random) -> str | None:
    pairs = []
    opened: list[int] = []
    for place, letter in enumerate(formula):
        if letter == "(":
            opened.append(place)
        elif letter == ")" and opened:
            begin = opened.pop()
            if not formula[begin - 1].isalnum():  # no call of a function
                pairs.append((begin, place))
    if not pairs:
        return None
    begin, end = chance.choice(pairs)
    return formula[:begin] + formula[begin + 1 : end] + formula[end + 1 :]


def _function(formula: str, chance: random.Random) -> str | None:
    match = _pick(re.compile(rf"\b({'|'.join(_OTHER_FUNCTION)})(?=\()"), formula, chance)
    return _replaced(formula, match, _OTHER_FUNCTION[match[0]]) if match else None


def _dropped_term(formula: str, chance: random.Random) -> str | None:
    match = _pick(_TERM, formula, chance)
    return _replaced(formula, match, "") if match else None


def _pick(pattern: re.Pattern[str], formula: str, chance: random.Random) -> re.Match[str] | None:
    begin = formula.rfind("!") + 1  # what names another sheet stays
    found = list(pattern.finditer(formula, begin))
    return chance.choice(found) if found else None


def _replaced(formula: str, match: re.Match[str], other: str) -> str:
    return formula[: match.start()] + other + formula[match.end() :]


CHANGES: dict[str, Callable[[str, random.Random], str | None]] = {
    "reference": _reference,
    "operator": _operator,
    "constant": _constant,
    "anchor": _anchor,
    "parenthesis": _parenthesis,
    "function": _function,
    "dropped term": _dropped_term,
}


def equal(one: str, other: str, sheet: str, chance: random.Random) -> bool:
    """Tell whether two formulas give the same on random numbers; an error value is no number."""
    cells = {
        cell for formula in (one, other) for area in areas(formula) for cell in area.cells(sheet)
    }
    numbers = {cell: np.array([chance.uniform(-2.0, 2.0) for _ in range(8)]) for cell in cells}
    a, b = values_of([one, other], sheet, numbers, 8)
    return a is not None and b is not None and bool(np.all(np.abs(a - b) <= 1e-9 * np.abs(a)))


_TOKEN = re.compile(r"\$?[A-Z]{1,3}\$?\d+(?![\w(])|[A-Z][A-Z.]*(?=\()|\d+(?:\.\d+)?|.")


def sign(formula: str, chance: random.Random) -> str | None:
    """Return a formula with one sign dropped, or all of it with another sign."""
    match = _pick(re.compile(r"(?<=[(,])-"), formula, chance)
    if match and chance.random() < 0.8:
        return _replaced(formula, match, "")
    return f"-({formula})"


def repeated(old: str, new: str, other: str) -> str | None:
    """Return another formula with the change from ``old`` to ``new``; None if it cannot have it.

    It must be built like ``old``, and a reference that changes must be in the same column.
    """
    before, after, theirs = (_TOKEN.findall(formula) for formula in (old, new, other))
    if list(map(_kind, before)) != list(map(_kind, theirs)):
        return None
    begin = next((k for k, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    rest = min(len(before), len(after)) - begin
    end = 0
    while end < rest and before[-1 - end] == after[-1 - end]:
        end += 1
    last = len(before) - end
    gone, put, own = before[begin:last], after[begin : len(after) - end], theirs[begin:last]
    if own != gone and any(_REFERENCE.fullmatch(token) for token in put):
        found = [_REFERENCE.fullmatch(token) for token in (*gone, *put, *own)]
        if len(found) != 3 or not all(found):
            return None
        was, becomes, here = (match.groups() for match in found if match)
        if was[1] != here[1] or was[3] != becomes[3]:
            return None
        put = ["".join((*becomes[:2], *here[2:]))]
    return "".join((*theirs[:begin], *put, *theirs[last:]))


def _kind(token: str) -> str:
    return "reference" if _REFERENCE.fullmatch(token) else token
