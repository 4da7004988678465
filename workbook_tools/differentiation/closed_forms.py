"""What functions are in terms of simpler ones, which have derivatives."""

from functools import cache
from typing import NamedTuple

from workbook_tools.formulas.replacing import with_leaves
from workbook_tools.formulas.tree import Missing, Name, Parentheses, Tree, parse


class _Form(NamedTuple):
    """Names of arguments, of which the last ones may be left out and are 0 then; the formula."""

    arguments: str
    optional: str
    formula: str


_ANY_NORMAL = "IF(kind,_xlfn.NORM.S.DIST((x-m)/s,TRUE),_xlfn.NORM.S.DIST((x-m)/s,FALSE)/s)"
# Of loans and savings: Microsoft, "PV function".
_FORMS = {
    "PV": _Form("r n p", "f t", "-(f+p*(1+r*t)*((1+r)^n-1)/r)/(1+r)^n"),
    "FV": _Form("r n p", "v t", "-(v*(1+r)^n+p*(1+r*t)*((1+r)^n-1)/r)"),
    "PMT": _Form("r n v", "f t", "-r*(f+v*(1+r)^n)/((1+r*t)*((1+r)^n-1))"),
    "NPER": _Form("r p v", "f t", "LN((p*(1+r*t)-f*r)/(p*(1+r*t)+v*r))/LN(1+r)"),
    "STANDARDIZE": _Form("x m s", "", "(x-m)/s"),
    "RADIANS": _Form("x", "", "x*PI()/180"),
    "DEGREES": _Form("x", "", "x*180/PI()"),
    "NORM.DIST": _Form("x m s kind", "", _ANY_NORMAL),
    "NORMDIST": _Form("x m s kind", "", _ANY_NORMAL),
    "NORMSDIST": _Form("x", "", "_xlfn.NORM.S.DIST(x,TRUE)"),
    "GAUSS": _Form("x", "", "_xlfn.NORM.S.DIST(x,TRUE)-0.5"),
    "PHI": _Form("x", "", "_xlfn.NORM.S.DIST(x,FALSE)"),
    "NORM.INV": _Form("x m s", "", "m+s*_xlfn.NORM.S.INV(x)"),
    "NORMINV": _Form("x m s", "", "m+s*_xlfn.NORM.S.INV(x)"),
    "NORMSINV": _Form("x", "", "_xlfn.NORM.S.INV(x)"),
}
FINANCIAL = {"PV", "FV", "PMT", "NPER"}


def closed_form(function: str, arguments: tuple[Tree, ...]) -> Tree | None:
    """Return what a function is in terms of simpler ones; None if nothing is known."""
    if function not in _FORMS:
        return None
    form = _FORMS[function]
    needed, optional = form.arguments.split(), form.optional.split()
    if not len(needed) <= len(arguments) <= len(needed) + len(optional):
        return None
    given = [Parentheses(own) if not isinstance(own, Missing) else None for own in arguments]
    found = dict(zip([*needed, *optional], given, strict=False))

    def placed(part: Tree) -> Tree | None:
        if not isinstance(part, Name) or part.text not in {*needed, *optional}:
            return None
        return found.get(part.text) or parse("0")

    return with_leaves(_parsed(form.formula), placed)


@cache
def _parsed(formula: str) -> Tree:
    return parse(formula)
