"""Functions of conditions, and of what a value is."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import xor

from workbook_tools.evaluator.functions.function import Function, raise_first
from workbook_tools.evaluator.values import (
    NA,
    VALUE,
    FailedError,
    Grid,
    Value,
    compared,
    logical,
    number,
)
from workbook_tools.package.cell_values import CellError, CellValue

_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")


def _conditions(arguments: Sequence[Value]) -> list[bool]:
    """Return all conditions; texts and empty cells of ranges are left out."""
    found: list[bool] = []
    for value in arguments:
        if isinstance(value, Grid):
            own = list(value.flat())
            raise_first(own)
            found += [cell != 0 for cell in own if isinstance(cell, bool | float)]
        else:
            found.append(logical(value))
    if not found:
        raise FailedError(VALUE)
    return found


def _of_all(call: Callable[[list[bool]], bool]) -> Function:
    return Function("c", lambda *given: call(_conditions(given)), repeated="c")


def _test(call: Callable[[CellValue], bool]) -> Function:
    return Function("e", call)


def _comparison(holds: Callable[[int], bool]) -> Function:
    return Function("vv", lambda a, b: holds(compared(a, b)))


def _kind_of_error(value: CellValue) -> float:
    if isinstance(value, CellError) and value.code in _ERRORS:
        return float(_ERRORS.index(value.code) + 1)
    raise FailedError(NA)


def _as_number(value: CellValue) -> CellValue:
    return (
        value if isinstance(value, CellError) else 0.0 if isinstance(value, str) else number(value)
    )


FUNCTIONS: dict[str, Function] = {
    "AND": _of_all(all),
    "EQ": _comparison(lambda order: order == 0),
    "ERROR.TYPE": Function("e", _kind_of_error),
    "FALSE": Function("", lambda: False),
    "GT": _comparison(lambda order: order > 0),
    "GTE": _comparison(lambda order: order >= 0),
    "ISBLANK": _test(lambda value: value is None),
    "ISERR": _test(lambda value: isinstance(value, CellError) and value != NA),
    "ISERROR": _test(lambda value: isinstance(value, CellError)),
    "ISEVEN": Function("n", lambda x: int(x) % 2 == 0),
    "ISLOGICAL": _test(lambda value: isinstance(value, bool)),
    "ISNA": _test(lambda value: value == NA),
    "ISNONTEXT": _test(lambda value: not isinstance(value, str)),
    "ISNUMBER": _test(lambda value: type(value) is float),
    "ISODD": Function("n", lambda x: int(x) % 2 == 1),
    "ISTEXT": _test(lambda value: isinstance(value, str)),
    "LT": _comparison(lambda order: order < 0),
    "LTE": _comparison(lambda order: order <= 0),
    "N": Function("e", _as_number),
    "NA": Function("", lambda: NA),
    "NE": _comparison(lambda order: order != 0),
    "NOT": Function("b", lambda condition: not condition),
    "OR": _of_all(any),
    "TRUE": Function("", lambda: True),
    "XOR": _of_all(lambda conditions: reduce(xor, conditions)),
}
