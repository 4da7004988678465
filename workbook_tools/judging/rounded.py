"""Formulas that round: right but for the rounding, by ROUND or by digits of e that were typed."""

import math
import re
from typing import NamedTuple

from workbook_tools.formulas.replacing import bare, replaced
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Sign,
    SyntaxProblemError,
    Tree,
    parse,
    parts,
)

_HALF, _WHOLE = 0.5, 1.0
_FUNCTIONS = {"ROUND": _HALF, "ROUNDUP": _WHOLE, "ROUNDDOWN": _WHOLE, "TRUNC": _WHOLE}
_MOST_DECIMALS = 15
_MAY_ROUND = re.compile("ROUND|TRUNC|2[.]7", re.IGNORECASE)
_E = Call("EXP", (Number("1"),))


class Rounding(NamedTuple):
    """How far a formula may be off because it rounds, and how it does that in words."""

    most: float
    is_relative: bool  # to the value of the formula
    words: str  # after "right, but "


def unrounded(formula: str) -> tuple[str, Rounding] | None:
    """Return a formula without its rounding, and the coarsest of it; None if it does not round."""
    if not _MAY_ROUND.search(formula):
        return None
    try:
        tree = parse(formula)
    except SyntaxProblemError:
        return None
    coarsest: Rounding | None = None
    while found := next(
        ((route, own) for route, part in parts(tree) if (own := _without(part))), None
    ):
        route, (part, rounding) = found
        tree = replaced(tree, route, part)
        if coarsest is None or rounding.most > coarsest.most:
            coarsest = rounding
    return (f"={tree}", coarsest) if coarsest else None


def _without(part: Tree) -> tuple[Tree, Rounding] | None:
    """Return what a part rounds, and how; None if it does not."""
    match part:
        case Call(name, (inner, decimals)) if name.upper() in _FUNCTIONS:
            count = _whole(decimals)
            if count is None or abs(count) > _MOST_DECIMALS:
                return None
            words = f"rounded to {count} decimals" if count > 0 else "rounded to a whole number"
            most = _FUNCTIONS[name.upper()] * 10.0**-count
            return bare(inner), Rounding(most, False, words)
        case Operation("^", base, exponent) if rounding := _of_e(base):
            return Call("EXP", (bare(exponent),)), rounding
        case _ if rounding := _of_e(part):
            return _E, rounding
    return None


def _whole(part: Tree) -> int | None:
    """Return a whole number, with or without a sign; None if a part is none."""
    match bare(part):
        case Number(text) if text.isdigit() and len(text) < _MOST_DECIMALS:
            return int(text)
        case Sign("-", inner):
            number = _whole(inner)
            return None if number is None else -number
    return None


def _of_e(part: Tree) -> Rounding | None:
    """Return how far a number is from e, if it was typed for it, such as 2.71828."""
    part = bare(part)
    if not isinstance(part, Number) or not part.text.startswith("2.7"):
        return None
    decimals = part.text.partition(".")[2]
    if not decimals.isdigit() or len(decimals) > _MOST_DECIMALS:
        return None
    off = abs(float(part.text) - math.e)
    if not 0 < off < 10.0 ** -len(decimals):
        return None
    digits = int(-math.log10(off / math.e))
    words = f"with {part.text} for e, which has {digits} digits right"
    return Rounding(off / math.e, True, words)
